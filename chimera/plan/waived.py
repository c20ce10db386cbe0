"""Which waivers speak of what a plan changes: whoever approves it approves of them, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chimera.documents import Globs
from chimera.kinds import Snapshot
from chimera.model import Address, Digest, PathSet, Target
from chimera.policy import WaiverSpec


def waivers_of(snapshot: Snapshot) -> Callable[[Target], Iterator[tuple[Address, Digest]]]:
    """Return which waivers speak of a target: of a document, or of any path of a path set."""
    waivers = snapshot.of_model(WaiverSpec)

    def about(target: Target) -> Iterator[tuple[Address, Digest]]:
        globs = Globs(target.globs) if waivers and isinstance(target, PathSet) else None
        for waiver in waivers:
            path = (waiver.spec.path or "").partition("#")[0]
            if waiver.spec.address == str(target) or (globs and path and globs.matches(path)):
                yield waiver.address, waiver.digest

    return about

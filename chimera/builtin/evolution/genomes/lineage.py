"""Where a genome came from: the champions before it, and the parents that each was made of.

Refuses to guess what is no longer kept: the line says where it breaks off.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chimera.builtin.evolution.genomes.store import Kept
from chimera.model import Digest

Relation = Literal["itself", "parent", "before"]


@dataclass(frozen=True, slots=True)
class Link:
    """One genome of a line; `kept` is `None` where it is no longer there."""

    digest: Digest
    relation: Relation
    of: Digest | None
    kept: Kept | None


def lineage(digest: Digest, known: Mapping[Digest, Kept]) -> tuple[Link, ...]:
    """Return a genome and all that it came from, each once, those that made it first.

    A parent is what it was made of; what was `before` it was the champion until it came.
    """
    found: list[Link] = []
    seen: set[Digest] = set()
    ends: deque[tuple[Digest, Relation, Digest | None]] = deque([(digest, "itself", None)])
    while ends:
        one, relation, of = ends.popleft()
        if one in seen:
            continue
        seen.add(one)
        kept = known.get(one)
        found.append(Link(one, relation, of, kept))
        if kept is not None:
            ends += [(parent, "parent", one) for parent in kept.entry.parents]
            ends += [(before, "before", one) for before in (kept.entry.previous,) if before]
    return tuple(found)

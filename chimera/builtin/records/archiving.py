"""Old entries moved to the archive, as files: Git sees a rename, and no byte changes.

Refuses to part a file that holds younger documents, too: it is named instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from chimera.builtin.records.checks.changelog import ARCHIVE, KEPT
from chimera.builtin.records.drafting import KIND
from chimera.builtin.records.kinds import ChangelogEntrySpec
from chimera.builtin.records.writing import Draft

if TYPE_CHECKING:
    from chimera.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Archiving:
    """Which files would move where, and which cannot, with why."""

    draft: Draft
    left: tuple[tuple[str, str], ...]


def archive(workspace: Workspace, *, older: timedelta = KEPT) -> Archiving:
    """Propose to move every file whose entries are all older than that; done twice, nothing moves.

    A file goes to a folder `archive` beside the others of its folder.
    """
    snapshot, now = workspace.loaded.snapshot, workspace.context.clock.now()
    last = _day_before(now, older)
    old: dict[str, set[str]] = {}
    for entry in snapshot.of_model(ChangelogEntrySpec):
        folders = PurePosixPath(entry.place.path).parts[:-1]
        if ARCHIVE not in folders and date.fromisoformat(entry.spec.date) < last:
            old.setdefault(entry.place.path, set()).add(str(entry.address))
    beside = _others(workspace, old)
    draft = Draft(workspace)
    for path in sorted(old.keys() - beside.keys()):
        pure = PurePosixPath(path)
        draft.move(path, str(pure.parent / ARCHIVE / pure.name))
    left = tuple((path, f"it holds {beside[path]}, too") for path in sorted(beside))
    return Archiving(draft, left)


def _day_before(now: datetime, older: timedelta) -> date:
    try:
        return (now - older).date()
    except OverflowError:
        return date.min


def _others(workspace: Workspace, old: dict[str, set[str]]) -> dict[str, str]:
    """Return, by path, a document that keeps a file with old entries where it is."""
    found: dict[str, str] = {}
    for raw in workspace.source.raw:
        kind, metadata = raw.value.get("kind"), raw.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        address = f"{kind}/{name}"
        if raw.path in old and (kind != KIND or address not in old[raw.path]):
            found.setdefault(raw.path, address)
    return found

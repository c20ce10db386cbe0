"""Whether backups are what they were: every byte by its digest, and a trial restore.

Refuses to mend: it names what is damaged, missing or not Chimera's, and what that is part of.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chimera.builtin.backups.choosing import Backup, Known
from chimera.builtin.backups.manifest import BackupError, Entry
from chimera.builtin.backups.staging import (
    complaints,
    faults_of,
    make_root,
    require_known,
    write_out,
)
from chimera.builtin.backups.store import Store
from chimera.context import Progress
from chimera.model import Digest, Outcome
from chimera.state import Holding

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Verified:
    """What was read, which backups were restored to look at them, and what is wrong."""

    store: Path
    backups: tuple[str, ...]
    pieces: int
    size: int
    tried: tuple[str, ...]
    faults: tuple[str, ...]

    @property
    def outcome(self) -> Outcome:
        """Failed where anything is wrong, and nothing was exercised where there is no backup."""
        if self.faults:
            return Outcome.FAILED
        return Outcome.PASSED if self.backups else Outcome.NOT_EXERCISED


def verify(
    store: Store,
    known: Known,
    chosen: Collection[Backup],
    tried: Collection[Backup],
    holdings: Iterable[Holding],
    progress: Progress,
) -> Verified:
    """Read every piece of the backups that were `chosen`, and restore those to be `tried`.

    Where all are chosen, what belongs to none of them is found, too.
    """
    faults: list[str] = []
    broken: set[str] = set()
    users = _users(chosen)
    size = 0
    progress.start("pieces", len(users))
    for number, digest in enumerate(sorted(users)):
        progress.advance("pieces", number)
        try:
            size += len(store.piece(digest))
        except BackupError as error:
            faults.append(f"{error.message}: part of {_told(users[digest])}")
            broken.update(name for _, name in users[digest])
    progress.finish("pieces")
    if len(chosen) == len(known.backups):
        faults += (fault.message for fault in known.faults.values())
        faults += _strangers(store, known, users)
    for one in tried:
        if one.name not in broken:
            faults += (f"{one.name}: {line}" for line in _try(store, one, holdings, progress))
    names = tuple(one.name for one in chosen)
    return Verified(
        store.folder, names, len(users), size, tuple(one.name for one in tried), tuple(faults)
    )


def _users(backups: Iterable[Backup]) -> dict[Digest, list[tuple[Entry, str]]]:
    """Return which files of which backups each piece is part of."""
    found: dict[Digest, list[tuple[Entry, str]]] = {}
    for one in backups:
        for entry in one.manifest.files:
            for digest in entry.pieces:
                found.setdefault(digest, []).append((entry, one.name))
    return found


def _told(users: list[tuple[Entry, str]]) -> str:
    told = list(dict.fromkeys(f"{entry.path} in {name}" for entry, name in users))
    more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    return ", ".join(told[:_NAMED]) + more


def _strangers(store: Store, known: Known, used: Collection[Digest]) -> Iterator[str]:
    """Yield what belongs to no backup; what an unfinished one left is the next one's to remove.

    Of a manifest that cannot be read the pieces may be any: then no piece is a stranger.
    """
    is_piece_excused = store.is_unfinished or bool(known.faults)
    for path in store.strangers(used):
        if not (is_piece_excused and store.is_piece(path)):
            yield f"{path} belongs to no backup"


def _try(
    store: Store, one: Backup, holdings: Iterable[Holding], progress: Progress
) -> Iterator[str]:
    """Restore a backup into a folder of its own, and yield what is wrong with it there."""
    with tempfile.TemporaryDirectory(prefix="chimera-trial-") as folder:
        try:
            require_known(one.name, one.manifest)
            layout = make_root(Path(folder) / "restored")
            staged = write_out(store, one.manifest, layout.root, progress, lasts=False)
        except BackupError as error:
            yield error.message
            return
        yield from faults_of(staged, Path(folder) / "scratch")
        yield from complaints(staged, holdings)

"""Files made into pieces: read once, and not again while nothing says that they changed.

Refuses to trust a time that is too young: what is changed twice in a moment may look the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from chimera.builtin.backups.manifest import PIECE, Entry
from chimera.builtin.backups.scanning import Found, found_of, open_plainly
from chimera.builtin.backups.store import Store
from chimera.context import Progress
from chimera.model import Digest

_YOUNG = timedelta(seconds=2)
"""Within this before the last look, a file may have changed since without another time."""


class Copier:
    """Takes files into a store; `known` are those of an earlier backup, by path."""

    def __init__(self, store: Store, known: Mapping[str, Entry], since: datetime | None) -> None:
        self._store = store
        self._known = dict(known)
        self._settled = 0 if since is None else int((since - _YOUNG).timestamp() * 1e9)
        self.entries: dict[str, Entry] = {}
        """All files that were taken in."""

    def take(
        self, folder: Path, files: Mapping[str, Found], progress: Progress, label: str
    ) -> tuple[str, ...]:
        """Take in files of a folder; return why some cannot be, a line each.

        One that is gone by now is passed over.
        """
        faults: list[str] = []
        progress.start(label, len(files))
        for number, found in enumerate(files.values()):
            progress.advance(label, number)
            if self._is_known(found):
                self.entries[found.path] = self._known[found.path]
                continue
            try:
                with open_plainly(folder / found.path) as file:
                    self.entries[found.path] = self.read(found_of(found.path, file), file)
            except FileNotFoundError:
                continue
            except OSError as error:
                faults.append(f"{found.path!r} cannot be read: {error.strerror or error}")
        progress.finish(label)
        return tuple(faults)

    def read(self, found: Found, file: BinaryIO) -> Entry:
        """Return an open file as an entry, its pieces in the store."""
        pieces: list[Digest] = []
        size = 0
        while data := file.read(PIECE):
            pieces.append(self._store.put(data))
            size += len(data)
        return Entry(found.path, size, found.mode, found.modified, tuple(pieces), found.seen)

    def trust(self, until: datetime) -> None:
        """Do not read again what was taken in, where it has not changed since."""
        self._known.update(self.entries)
        self._settled = int((until - _YOUNG).timestamp() * 1e9)

    def holds(self, entry: Entry) -> bool:
        """Tell whether all pieces of a file are in the store, whatever is in them."""
        left = entry.size
        for piece in entry.pieces:
            if not self._store.has(piece, min(PIECE, left)):
                return False
            left -= PIECE
        return True

    def _is_known(self, found: Found) -> bool:
        """Tell whether a file is as it was when it was read, and all of that is in the store."""
        before = self._known.get(found.path)
        if before is None or max(found.modified, found.seen[1]) >= self._settled:
            return False
        is_same = (before.size, before.modified, before.seen) == (
            *(found.size, found.modified),
            found.seen,
        )
        return is_same and before.mode == found.mode and self.holds(before)

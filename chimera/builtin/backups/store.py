"""The folder of backups: a manifest for each, and the pieces of files that they share.

    manifests/<name>.json   a backup; it is there once all its pieces are on disk, or not at all
    pieces/<2>/<62>         content, named by its digest; never changed
    lock, drafts/           whoever writes, and what it has not finished

Refuses to follow links: whoever can write to the folder is not to reach any other.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from chimera.builtin.backups.manifest import (
    PIECE,
    BackupError,
    Entry,
    Manifest,
    decode,
    is_name,
    name_of,
)
from chimera.builtin.backups.scanning import open_plainly
from chimera.context import Context, sync_file, sync_folder
from chimera.model import Digest, digest_bytes
from chimera.state.lock import hold

_TOGETHER = 512
"""Pieces that are brought to disk at a time."""
_MOST_MANIFEST = 512 << 20
_WHOLE = "`chimera backup verify` says which backups have it; restore another one by its name"


class Store:
    """The backups in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._waiting: dict[Digest, Path] = {}
        self._fresh: set[Digest] = set()
        self.written = 0
        """Bytes of pieces that were new, since `writing`."""

    @property
    def drafts(self) -> Path:
        """The folder of what is not finished."""
        return self.folder / "drafts"

    @property
    def is_unfinished(self) -> bool:
        """Tell whether somebody writes, or was killed while writing: there may be lone pieces."""
        return self.drafts.is_dir()

    @contextmanager
    def writing(self, context: Context) -> Iterator[None]:
        """Hold the store as its only writer, without what one that was killed left behind.

        Raises `BackupError` where the folder cannot be made, `StateError` where another writes.
        """
        try:
            self._refuse_other_things()
            for folder in (self.folder, self._pieces, self._manifests):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                _require_folder(folder)
        except OSError as error:
            raise BackupError(
                f"{self.folder} cannot hold backups: {error.strerror or error}",
                help="name a folder that can be written: --to DIR",
            ) from error
        with hold(
            self.folder / "lock", context, "backup", what=f"the folder of backups {self.folder}"
        ):
            was_killed = self.is_unfinished
            self._clear()
            self.drafts.mkdir(mode=0o700)
            self.written = 0
            if was_killed:
                with suppress(BackupError):  # of a manifest that cannot be read, pieces may be any
                    self.collect()
            try:
                yield
            finally:
                self._remove_lone()
                self._clear()

    def _remove_lone(self) -> None:
        """Remove the pieces that were written now, and that no backup came to need."""
        self._waiting.clear()
        for digest in self._fresh:
            self.path_of(digest).unlink(missing_ok=True)
        self._fresh.clear()

    def _refuse_other_things(self) -> None:
        """Raise `BackupError` for a folder that holds something, and no backups."""
        if self.folder.is_dir() and not self._manifests.is_dir():
            found = next(
                (path.name for path in self.folder.iterdir() if path != self._pieces), None
            )
            if found is not None:
                raise BackupError(
                    f"{self.folder} holds {found!r}, and no backups",
                    help="name an empty folder, or one that is not there yet: --to DIR",
                )

    def _clear(self) -> None:
        if self.drafts.is_symlink():
            self.drafts.unlink()
        elif self.drafts.exists():
            shutil.rmtree(self.drafts)

    @property
    def _pieces(self) -> Path:
        return self.folder / "pieces"

    @property
    def _manifests(self) -> Path:
        return self.folder / "manifests"

    def names(self) -> tuple[str, ...]:
        """Return the names of the backups, the oldest first, whether they are whole or not."""
        found = (path.stem for path in self._manifests.glob("*.json"))
        return tuple(sorted(filter(is_name, found)))

    def manifest(self, name: str) -> Manifest:
        """Return what a backup says of itself; raises `BackupError` where that was changed."""
        try:
            with open_plainly(self._manifests / f"{name}.json") as file:
                data = file.read(_MOST_MANIFEST + 1)
        except OSError as error:
            raise BackupError(
                f"the manifest of {name} cannot be read: {error.strerror or error}",
                help="`chimera backup list` names the backups that can be",
            ) from error
        return decode(name, data)

    def add(self, manifest: Manifest) -> str:
        """Make the backup be there, in one step, once all its pieces are; return its name."""
        self.settle()
        data = manifest.encode()
        name = name_of(manifest.at, data)
        draft = self.drafts / f"{name}.json"
        _write(draft, data)
        draft.replace(self._manifests / f"{name}.json")
        for folder in (self._manifests, self.folder, self.folder.parent):  # they may be new
            sync_folder(folder)
        self._fresh -= manifest.pieces
        return name

    def remove(self, names: Iterable[str]) -> None:
        """Have backups be gone; their pieces stay until `collect`."""
        for name in names:
            (self._manifests / f"{name}.json").unlink(missing_ok=True)
        sync_folder(self._manifests)

    def put(self, data: bytes) -> Digest:
        """Keep a piece, which is there at the latest when a backup is added; return its digest."""
        digest = digest_bytes(data)
        if digest not in self._waiting and not self.has(digest, len(data)):
            draft = self.drafts / digest[7:]
            with _create(draft) as file:
                file.write(data)
            self._waiting[digest] = draft
            self._fresh.add(digest)
            self.written += len(data)
            if len(self._waiting) >= _TOGETHER:
                self.settle()
        return digest

    def settle(self) -> None:
        """Bring what was put to disk, and give it its names after that."""
        for draft in self._waiting.values():
            sync_file(draft)
        folders = set()
        for digest, draft in self._waiting.items():
            path = self.path_of(digest)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            draft.replace(path)
            folders.add(path.parent)
        self._waiting.clear()
        for folder in (*folders, *([self._pieces] if folders else [])):
            sync_folder(folder)

    def has(self, digest: Digest, size: int) -> bool:
        """Tell whether there is a piece of this name and size. Its content is not looked at."""
        if digest in self._waiting:
            return True
        try:
            status = self.path_of(digest).lstat()
        except OSError:
            return False
        return stat.S_ISREG(status.st_mode) and status.st_size == size

    def piece(self, digest: Digest) -> bytes:
        """Return a piece; raises `BackupError` that names one that is missing or damaged."""
        path = self.path_of(digest)
        try:
            with open_plainly(path) as file:
                data = file.read(PIECE + 1)
        except FileNotFoundError as error:
            raise BackupError(f"{path} is missing", help=_WHOLE) from error
        except OSError as error:
            raise BackupError(f"{path} cannot be read: {error.strerror or error}") from error
        if digest_bytes(data) != digest:
            raise BackupError(f"{path} is damaged: it is not what its name says", help=_WHOLE)
        return data

    def content(self, entry: Entry) -> Iterator[bytes]:
        """Yield the content of a file; raises `BackupError` where it is damaged."""
        left = entry.size
        for digest in entry.pieces:
            data = self.piece(digest)
            left -= len(data)
            yield data
        if left:
            raise BackupError(f"{entry.path} has another size than its pieces")

    def path_of(self, digest: Digest) -> Path:
        """Return the path of a piece."""
        return self._pieces / digest[7:9] / digest[9:]

    def collect(self) -> int:
        """Remove the pieces that no backup has; return how many bytes that gave back.

        Raises `BackupError` where a manifest cannot be read: its pieces may be any.
        """
        used = {piece for name in self.names() for piece in self.manifest(name).pieces}
        freed = 0
        for path in self.paths():
            if self.is_piece(path) and _digest_of(path) not in used:
                freed += path.lstat().st_size
                path.unlink()
        return freed

    def is_piece(self, path: Path) -> bool:
        """Tell whether a path is where pieces are."""
        return path.parent.parent == self._pieces

    def strangers(self, used: Collection[Digest]) -> Iterator[Path]:
        """Yield what lies in the folder and belongs to no backup; `used` are the pieces that do."""
        known = {self._manifests / f"{name}.json" for name in self.names()}
        known |= {self.path_of(digest) for digest in used}
        yield from (path for path in self.paths() if path not in known)

    def paths(self) -> Iterator[Path]:
        """Yield all files in order but the lock and drafts, and links and other things."""
        for here, folders, files in os.walk(self.folder):
            top = Path(here)
            if top == self.folder:
                folders[:] = [name for name in folders if name != "drafts"]
            folders.sort()
            links = [name for name in folders if (top / name).is_symlink()]
            found = (top / name for name in sorted((*files, *links)))
            yield from (path for path in found if path != self.folder / "lock")


def _digest_of(path: Path) -> Digest:
    return f"sha256:{path.parent.name}{path.name}"


def _create(path: Path) -> BinaryIO:
    """Make a file that nobody else can read; raises `OSError` where there is something."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _write(path: Path, data: bytes) -> None:
    with _create(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _require_folder(folder: Path) -> None:
    """Raise `BackupError` for what is a link, or another user's."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise BackupError(f"{folder} is not a folder", help="name another one: --to DIR")
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        raise BackupError(
            f"{folder} belongs to another user", help="name a folder of your own: --to DIR"
        )

"""Paths that operations touch: always inside the tree, and written only below `.chimera/out`.

Owns how a path is walked: one folder after another, never through a symlink, so that nothing can
be put in the way between the check and the use. Refuses `.git`, and to write what Git tracks:
`.chimera` is ignored, so an apply leaves the work tree as clean as it was.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated

from chimera.kinds import AfterValidator, StringConstraints, refuse
from chimera.model import ChimeraError
from chimera.runtime import PermanentError

OUT = ".chimera/out"
_CHUNK = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def _check_inside(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or "\0" in path or "\\" in path or ".." in parts:
        raise refuse("path-outside-tree", f"{path!r} is not a path inside the tree")
    if any(part.lower() == ".git" for part in parts):
        raise refuse("path-outside-tree", f"{path!r} is Git's own")
    return path


def _check_out(path: str) -> str:
    parts = PurePosixPath(path).parts
    if parts[:2] != tuple(OUT.split("/")) or len(parts) < 3:
        raise refuse("path-not-writable", f"{path!r} does not lie below {OUT}/")
    return path


TreePath = Annotated[str, StringConstraints(min_length=1), AfterValidator(_check_inside)]
"""A path inside the tree, relative to its root, '/'-separated."""

OutPath = Annotated[TreePath, AfterValidator(_check_out)]
"""A path that a stage may write: below `.chimera/out`."""


def folder_below(root: Path, path: str) -> Path:
    """Return the folder at `path`, for a program to run in; no symlink leads to it."""
    with _folder(root, PurePosixPath(path).parts):
        return root / path


def read_bytes(root: Path, path: str, limit: int) -> bytes:
    """Return the content of the file at `path`, at most `limit` bytes; raises where it has more."""
    with _opened(root, path, os.O_RDONLY) as file:
        data = bytearray()
        while chunk := os.read(file, min(_CHUNK, limit + 1 - len(data))):
            data += chunk
            if len(data) > limit:
                raise PermanentError(
                    f"{path!r} is larger than {limit} bytes", help="raise maxBytes, or digest it"
                )
    return bytes(data)


def append_bytes(root: Path, path: str, data: bytes) -> int:
    """Put `data` at the end of the file at `path`, on disk; return the size that it has then."""
    with _opened(root, path, os.O_WRONLY | os.O_APPEND | os.O_CREAT) as file:
        _write(file, data)
        return os.fstat(file).st_size


def write_bytes(root: Path, path: str, data: bytes, name: str) -> None:
    """Put a file with `data` at `path`, whole or not at all; `name` tells temporary files apart."""
    *above, last = PurePosixPath(path).parts
    part = f".{name}.part"
    with _folder(root, above, create=True) as folder:
        try:
            with contextlib.suppress(FileNotFoundError):  # of an attempt that was killed
                os.unlink(part, dir_fd=folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(part, flags, 0o644, dir_fd=folder)
            try:
                _write(file, data)
            finally:
                os.close(file)
            os.replace(part, last, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(part, dir_fd=folder)
            raise _failure("write", path, error) from error


@contextlib.contextmanager
def _opened(root: Path, path: str, flags: int) -> Iterator[int]:
    """Open a regular file; creating it creates the folders above it too."""
    *above, last = PurePosixPath(path).parts
    what = "read" if flags == os.O_RDONLY else "write"
    with _folder(root, above, create=bool(flags & os.O_CREAT)) as folder:
        try:
            # A FIFO would block for ever without O_NONBLOCK.
            safe = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = os.open(last, flags | safe, 0o644, dir_fd=folder)
        except OSError as error:
            raise _failure(what, path, error) from error
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise PermanentError(f"cannot {what} {path!r}: it is no file")
            yield file
        except OSError as error:
            raise _failure(what, path, error) from error
        finally:
            os.close(file)


@contextlib.contextmanager
def _folder(root: Path, parts: Sequence[str], *, create: bool = False) -> Iterator[int]:
    """Walk from `root` down `parts` without following a symlink; yield the folder, opened."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=folder)
            try:
                inner = os.open(part, _FOLDER, dir_fd=folder)
            except OSError as error:
                raise _failure("enter", "/".join(parts), error) from error
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


def _failure(what: str, path: str, error: OSError) -> ChimeraError:
    """A full disk may have room later; what is not there, or a symlink, stays so."""
    permanent = isinstance(error, (FileNotFoundError, NotADirectoryError, IsADirectoryError))
    made = PermanentError if permanent or error.errno == errno.ELOOP else ChimeraError
    return made(
        f"cannot {what} {path!r}: {(error.strerror or str(error)).lower()}",
        help="paths are walked from the root of the tree, and symlinks are not followed",
    )

"""What lies below `.chimera/`: plain files, and what no backup takes.

Refuses to follow a link, to wait for a pipe, and to read what is not a file.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from chimera.state import Layout

BEFORE = "before-restore"
"""The folder below `.chimera/` in which a restore keeps what it replaced."""
MARK = "restore.json"
"""The file below `.chimera/` that says that a restore has yet to be finished."""

_DATABASE = re.compile(r"state\.db(-(wal|shm|journal)|\.corrupt-.*)?")
_OWN = frozenset({"lock", ".gitignore", MARK, BEFORE})
_DRAFT = re.compile(r"\.[0-9]+-[0-9]+\.draft")
_PLAINLY = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class Found:
    """A plain file below `.chimera/`, and what the file system says of it."""

    path: str
    size: int
    mode: int
    modified: int
    seen: tuple[int, int]
    """Its inode and when that was changed, in nanoseconds: what else tells that it is the same."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files to be kept, by path in order, and why others are not, a line each."""

    files: dict[str, Found]
    left_out: tuple[str, ...]


def scan(layout: Layout) -> Listing:
    """List the folder but for the database, and what is only of this moment."""
    files: list[Found] = []
    left_out: list[str] = []
    pending = [""]
    while pending:
        here = pending.pop()
        for item in _items(layout.folder / here):
            path = f"{here}{item.name}"
            if _is_passed_over(path, item.name):
                continue
            try:
                status = item.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # it was there a moment ago
            if stat.S_ISDIR(status.st_mode):
                pending.append(f"{path}/")
            elif stat.S_ISREG(status.st_mode) and _is_text(path):
                files.append(_found(path, status))
            else:
                left_out.append(f"{path!r} {_what(status.st_mode)}")
    return Listing({f.path: f for f in sorted(files, key=_path)}, tuple(sorted(left_out)))


def open_plainly(path: Path) -> BinaryIO:
    """Open a file to be read; raises `OSError` for a link, and for what is not a file."""
    fd = os.open(path, _PLAINLY)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(0, "it is not a plain file", str(path))
        return os.fdopen(fd, "rb")
    except BaseException:
        os.close(fd)
        raise


def found_of(path: str, file: BinaryIO) -> Found:
    """Return what the file system says of an open file."""
    return _found(path, os.fstat(file.fileno()))


def _found(path: str, s: os.stat_result) -> Found:
    return Found(path, s.st_size, s.st_mode & 0o777, s.st_mtime_ns, (s.st_ino, s.st_ctime_ns))


def _path(found: Found) -> str:
    return found.path


def _items(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as items:
            yield from list(items)
    except FileNotFoundError:
        return


def _is_passed_over(path: str, name: str) -> bool:
    """Tell whether a path is the database's, or of this moment only."""
    return (
        path in _OWN or _DATABASE.fullmatch(path) is not None or _DRAFT.fullmatch(name) is not None
    )


def _is_text(path: str) -> bool:
    """Tell whether a path can stand in a manifest."""
    return path.isprintable() and "\\" not in path  # what is no UTF-8 is not printable either


def _what(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "has a name that is no plain text"
    if stat.S_ISLNK(mode):
        return "is a symbolic link: what it leads to is not kept"
    return "is not a plain file"

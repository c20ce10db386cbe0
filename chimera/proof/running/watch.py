"""What a run could have written to where files were not isolated from it, before and after.

What is compared is what the system says of a file, of which the time of change cannot be forged:
nothing is read. Git's objects are left out, which do nothing until a ref names them. Refuses to
tell who wrote: whatever changed while a proof ran counts against it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from chimera.documents import open_work_tree

_NOT_WATCHED = frozenset({"objects", "lfs"})

Marks = dict[str, tuple[int, ...]]


class Watch:
    """Files as they are now, to be compared with what they are later."""

    def __init__(self, repository: Path, inputs: Iterable[Path]) -> None:
        self._repository = repository
        self._inputs = tuple(inputs)
        self._before = self._marks()

    def changed(self) -> tuple[str, ...]:
        """Return what was written, deleted or added since, sorted."""
        now = self._marks()
        paths = sorted(self._before.keys() | now.keys())
        return tuple(path for path in paths if self._before.get(path) != now.get(path))

    def _marks(self) -> Marks:
        tree = (self._repository / e.path for e in open_work_tree(self._repository).entries())
        git = (path for folder in _git_folders(self._repository) for path in _files(folder))
        found = dict(_marked((*tree, *git), self._repository, ""))
        for inputs in self._inputs:
            found |= _marked(_files(inputs), inputs, "the exported ")
        return found


def _marked(
    paths: Iterable[Path], below: Path, prefix: str
) -> Iterator[tuple[str, tuple[int, ...]]]:
    for path in paths:
        try:
            found = path.lstat()
        except OSError:  # gone, which is a change if it was there before
            continue
        name = path.relative_to(below) if path.is_relative_to(below) else path
        mark = (found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        yield f"{prefix}{name}", mark


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NOT_WATCHED]
        yield from (Path(parent, name) for name in files)


def _git_folders(repository: Path) -> tuple[Path, ...]:
    """Return where Git keeps refs, hooks and settings: its folder, and the one that it shares."""
    found = repository / ".git"
    try:
        if found.is_file():  # of a linked work tree
            found = repository / found.read_text(encoding="utf-8").partition(":")[2].strip()
            shared = found / (found / "commondir").read_text(encoding="utf-8").strip()
            return (found, shared)
    except (OSError, UnicodeDecodeError):
        return ()
    return (found,)

"""Which files hold a tree's documents, and what may stand for their content without reading it.

A *stamp* is the id of a blob in Git, or what the file system says of a file in a work tree. Where a
stamp is the same as at another time, so is the content. Refuses to give one where that is not sure.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from chimera.documents.trees import SUBMODULE, SYMLINK, Entry, Tree
from chimera.documents.worktree import Stamp, WorkTree


@dataclass(frozen=True, slots=True)
class Listing:
    """The files below some roots in order of path, each with its stamp, if it can have one.

    `links` holds the symlinks and submodules among them, which are not read.
    """

    paths: tuple[str, ...]
    stamps: tuple[Stamp | None, ...]
    links: tuple[Entry, ...]

    def without(self, known: Container[str]) -> Listing:
        """Return the listing without the files that are `known` already."""
        rows = [row for row, path in enumerate(self.paths) if path not in known]
        return Listing(
            tuple(self.paths[row] for row in rows),
            tuple(self.stamps[row] for row in rows),
            self.links,
        )


def list_documents(tree: Tree, roots: Iterable[str]) -> Listing:
    """List the files below `roots` that can hold documents."""
    files: dict[str, Stamp | None] = {}
    links: list[Entry] = []
    if isinstance(tree, WorkTree):
        files, links = tree.stamped(roots)
    else:
        for entry in tree.under(roots):
            if entry.mode in (SYMLINK, SUBMODULE):
                links.append(entry)
            else:
                files[entry.path] = entry.id
    paths = sorted(files)
    return Listing(tuple(paths), tuple(map(files.__getitem__, paths)), tuple(links))

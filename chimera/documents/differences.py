"""Which paths differ between two trees, found without reading what they share.

Refuses to guess renames: a path that moved is gone in one place and new in another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chimera.documents.commit import CommitTree
from chimera.documents.globs import Globs
from chimera.documents.objects import FOLDER, Folder
from chimera.documents.trees import Entry, Tree, require_safe_all
from chimera.documents.worktree import WorkTree
from chimera.model import GitError

_MOST = 500_000  # folders of one depth that are looked into
_NOTHING = Folder("", {})
_Pair = tuple[str, str | None, str | None]
"""A folder, ending in '/' or the top, and the ids of its tree objects before and after."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One path that differs, and what is there before and after: `None` where nothing is.

    Both entries have ids, in a work tree too: those that Git would give the content as it lies
    there. Equal ids with other modes are a change of mode or type.
    """

    path: str
    before: Entry | None
    after: Entry | None


def differences(before: Tree, after: Tree, globs: Globs | None = None) -> Sequence[Difference]:
    """Return the paths that differ in mode or content, sorted; with `globs`, those that match.

    Two commits cost in proportion to the change: folders that are equal are not looked into. In a
    work tree, each file is read that has the mode that it has on the other side.
    """
    if isinstance(before, CommitTree) and isinstance(after, CommitTree):
        found = list(_between_commits(before, after))
        require_safe_all([difference.path for difference in found])
        if globs is not None:
            found = [difference for difference in found if globs.matches(difference.path)]
    else:
        found = list(_between_trees(before, after, globs))
    return tuple(sorted(found, key=lambda difference: difference.path))


def _between_commits(before: CommitTree, after: CommitTree) -> Iterator[Difference]:
    """Walk both trees from the top, level by level, into the folders that differ."""
    level: list[_Pair] = [("", before.tree_id, after.tree_id)]
    while level := [pair for pair in level if pair[1] != pair[2] and pair[0] != ".chimera/"]:
        old = before.objects.folders([pair[1] for pair in level if pair[1]])
        new = after.objects.folders([pair[2] for pair in level if pair[2]])
        below: list[_Pair] = []
        for prefix, left, right in level:
            there = next(old) if left else _NOTHING
            here = next(new) if right else _NOTHING
            for name in there.items.keys() | here.items.keys():
                if there.items.get(name) != here.items.get(name):
                    path = prefix + os.fsdecode(name)
                    was, gone = _part(path, there.get(name))
                    became, came = _part(path, here.get(name))
                    if gone or came:
                        below.append((path + "/", gone, came))
                    if was != became:
                        yield Difference(path, was, became)
        if len(below) > _MOST:
            raise GitError(
                f"more than {_MOST} folders differ",
                help="look for a folder that holds itself many times over, as a hostile commit may",
            )
        level = below


def _part(path: str, found: tuple[str, str] | None) -> tuple[Entry | None, str | None]:
    """Return what is at `path`: an entry, or the id of a folder, or neither."""
    if found is None:
        return None, None
    mode, id = found
    return (None, id) if mode == FOLDER else (Entry(path, mode, id), None)


def _between_trees(before: Tree, after: Tree, globs: Globs | None) -> Iterator[Difference]:
    """Compare lists of paths, and the content of what has equal modes and an unknown id."""
    old = {e.path: e for e in before.entries() if globs is None or globs.matches(e.path)}
    new = {e.path: e for e in after.entries() if globs is None or globs.matches(e.path)}
    sha256 = any(len(e.id or "") == 64 for e in (*old.values(), *new.values()))
    for path in old.keys() | new.keys():
        was, became = old.get(path), new.get(path)
        was = was and _identified(was, before, sha256=sha256)
        became = became and _identified(became, after, sha256=sha256)
        if was != became:
            yield Difference(path, was, became)


def _identified(entry: Entry, tree: Tree, *, sha256: bool) -> Entry:
    """Return an entry with the id that Git gives its content."""
    if entry.id is not None or not isinstance(tree, WorkTree):
        return entry
    return replace(entry, id=tree.blob_id(entry.path, sha256=sha256))

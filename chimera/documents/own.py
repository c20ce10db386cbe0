"""What a tree holds of `.chimera`, the folder that is no content. Refuses to read any of it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from chimera.documents.commit import CommitTree
from chimera.documents.repository import run_bounded, tracked_below
from chimera.documents.trees import Tree

_NAME = ".chimera"
_LISTING_BYTES = 64 << 20


def own_files(tree: Tree) -> Sequence[str]:
    """Return the paths at or below `.chimera`, in any case of letters, that a commit holds, or of
    a work tree Git tracks.
    """
    if not isinstance(tree, CommitTree):
        return tracked_below(tree.root, _NAME)
    if tree.tree_id is None:
        return ()
    top = next(tree.objects.folders([tree.tree_id])).items
    names = [name for name in map(os.fsdecode, top) if name.lower() == _NAME]
    if not names:
        return ()
    listed = run_bounded(
        tree.objects.folder,
        *("ls-tree", "-r", "-z", "--full-tree", "--name-only", "--", tree.tree_id, *names),
        limit=_LISTING_BYTES,
    )
    return sorted(map(os.fsdecode, listed.split(b"\0")[:-1]))

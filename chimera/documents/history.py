"""History: whether one commit contains another.

Refuses to guess where a clone is shallow: what was cut off may be what is asked about.
"""

from __future__ import annotations

from pathlib import Path

from chimera.documents.refs import how_to_deepen, is_shallow
from chimera.documents.repository import ask, failure
from chimera.model import GitError

_FIRST_DEPTH = 100  # generations that a shallow clone is told to fetch first


def is_contained(root: Path, commit: str, container: str) -> bool:
    """Tell whether `commit` is `container` or one of its ancestors; both are full ids.

    Raises `GitError` where the clone is too shallow to tell.
    """
    if commit == container:
        return True
    answer = ask(root, "merge-base", "--is-ancestor", "--end-of-options", commit, container)
    if answer.code not in (0, 1):
        raise failure("merge-base", answer.complaint)
    if answer.code == 1 and is_shallow(root):
        raise GitError(
            f"this clone is shallow: whether {container[:12]} contains {commit[:12]} cannot be"
            " told",
            help=how_to_deepen(_FIRST_DEPTH),
        )
    return answer.code == 0

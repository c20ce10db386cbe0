"""History: whether one commit contains another, and who wrote what is there.

Refuses to guess where a clone is shallow: what was cut off may be what is asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chimera.documents.refs import how_to_deepen, is_shallow
from chimera.documents.repository import ask, failure, run
from chimera.model import GitError

_FIRST_DEPTH = 100  # generations that a shallow clone is told to fetch first


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as its author made it.

    `signature` is empty where it bears none, and `signed` what it would be of.
    """

    id: str
    author: str
    email: str
    signature: str
    signed: bytes


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


def has_commit(root: Path, id: str) -> bool:
    """Tell whether the clone has a commit, given its full id."""
    return ask(root, "cat-file", "-e", f"{id}^{{commit}}").code == 0


def commits_of(root: Path, globs: Sequence[str], since: str | None) -> tuple[Commit, ...]:
    """Return the commits that made what stands at `globs` in HEAD, the newest first.

    Those that the commit `since` contains are left out.
    """
    left_out = [] if since is None else [f"^{since}"]
    specs = [f":(top,glob){glob}" for glob in globs]
    listed = run(root, "rev-list", "HEAD", *left_out, "--", *specs) if specs else b""
    return tuple(_read(root, id) for id in listed.decode("ascii").split())


def _read(root: Path, id: str) -> Commit:
    """Return a commit; of its headers only what Git itself reads counts, its first author."""
    raw = run(root, "cat-file", "commit", id)
    head, _, message = raw.partition(b"\n\n")
    kept: list[bytes] = []
    signature: list[bytes] = []
    inside = False
    author = b""
    for line in head.split(b"\n"):
        if line.startswith(b"gpgsig "):
            inside = True
            signature.append(line.removeprefix(b"gpgsig "))
        elif inside and line.startswith(b" "):
            signature.append(line[1:])
        else:
            inside = False
            kept.append(line)
            if line.startswith(b"author ") and not author:
                author = line.removeprefix(b"author ")
    name, _, rest = author.decode("utf-8", "replace").rpartition(" <")
    signed = b"\n".join(kept) + b"\n\n" + message
    text = b"\n".join(signature).decode("ascii", "replace")
    return Commit(id, name, rest.partition(">")[0], text, signed)

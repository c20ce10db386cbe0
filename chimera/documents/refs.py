"""Refs: from the name of a commit to its id.

Refuses names that Git could read as options or paths, and ambiguous ones; says of a name that
leads nowhere what may have been meant, or what has to be fetched.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
from pathlib import Path

from chimera.documents.repository import ask, failure, has_git, run
from chimera.model import GitError, RefError

# What Git forbids in the name of a ref is refused, but for the suffixes ~, ^ and @{…}.
_REF = re.compile(r"(?!-)[^\x00-\x20\x7f:?*\[\\]+")
_SUFFIX = re.compile(r"\^\{[^}]*\}|@\{[^}]*\}|[~^]\d*")
_ID = re.compile(r"[0-9a-f]{4,64}")
_FULL_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_CHECKED_OUT = ("HEAD", "@", "")
_MOST_NAMES = 10_000  # that are looked through for a near one


def resolve(root: Path, ref: str) -> str:
    """Return the full commit id that `ref` names; raises `GitError` where it names none."""
    if not has_git(root):
        raise GitError(
            f"{str(root)!r} is not in a git repository", help="run `git init`, or leave out the ref"
        )
    if not _REF.fullmatch(ref) or ".." in ref:
        raise RefError(
            f"{ref!r} is not the name of a commit",
            help="name a branch, a tag, HEAD~1 or a commit id",
        )
    commit, complaint = _look_up(root, ref)
    name = _base(ref)
    is_whole = name.startswith("refs/")
    # Git goes on to look for refs/tags/refs/..., which whoever may push a tag can bring.
    if commit is None or (is_whole and not is_there(root, name)):
        raise _unknown(root, ref, complaint)
    # Nothing comes before HEAD and a full id, whatever a branch is called.
    is_sure = is_whole or name in _CHECKED_OUT or _FULL_ID.fullmatch(name)
    if "is ambiguous" in complaint and not is_sure:
        raise _ambiguous(root, name)
    return commit


def head(root: Path) -> str | None:
    """Return the id of the commit that is checked out; `None` without a repository or commits."""
    return _look_up(root, "HEAD")[0] if has_git(root) and shutil.which("git") else None


def is_there(root: Path, name: str) -> bool:
    """Tell whether there is a ref of exactly this name, written whole: `refs/heads/main`."""
    return ask(root, "show-ref", "--verify", "--quiet", "--", name).code == 0


def is_shallow(root: Path) -> bool:
    """Tell whether the history of the clone was cut off when it was fetched."""
    return run(root, "rev-parse", "--is-shallow-repository").strip() == b"true"


def how_to_deepen(generations: int) -> str:
    """Return what to do about a shallow clone that lacks so many generations of commits."""
    return (
        f"run `git fetch --deepen={generations}`, again where that is too little, or"
        " `git fetch --unshallow` for all of it; with actions/checkout, set `fetch-depth: 0`"
    )


def _look_up(root: Path, ref: str) -> tuple[str | None, str]:
    """Return the commit that `ref` names, and what Git said about the name."""
    answer = ask(root, "rev-parse", "--verify", "--end-of-options", ref + "^{commit}")
    complaint, id = answer.complaint.decode("utf-8", "replace"), os.fsdecode(answer.output).strip()
    if answer.code == 0 and _FULL_ID.fullmatch(id):
        return id, complaint
    if "Needed a single revision" not in complaint and "ambiguous" not in complaint:
        raise failure("rev-parse", answer.complaint)
    return None, complaint


def _base(ref: str) -> str:
    """Return a ref without its suffixes: `main` for `main~2^`."""
    return _SUFFIX.split(ref)[0]


def _unknown(root: Path, ref: str, complaint: str) -> RefError:
    """Return the error for a name that leads to no commit, and why it may be so."""
    name = _base(ref)
    if "expected commit type" in complaint:
        return RefError(
            f"{ref!r} names a file or folder of Git, not a commit", help="name a branch or a commit"
        )
    if "is ambiguous" in complaint and _ID.fullmatch(name):
        return RefError(f"several objects begin with {name!r}", help="write more of the commit id")
    if not run(root, "for-each-ref", "--count=1") and _look_up(root, "HEAD")[0] is None:
        return RefError("the repository has no commits yet", help="make a first commit")
    if name in _CHECKED_OUT and name == ref:
        return RefError(
            "HEAD is a branch without commits", help="commit something, or name another with --head"
        )
    message = f"git knows no commit {ref!r}"
    if name != ref and _look_up(root, name or "HEAD")[0] is not None:
        return RefError(message, help=_too_far(root, ref, name or "HEAD"))
    if _ID.fullmatch(name):
        return RefError(message, help=_lost(root))
    return RefError(message, help=_near(root, name))


def _too_far(root: Path, ref: str, name: str) -> str:
    if not is_shallow(root):
        return f"{name} is there, and has no such ancestor: name another"
    steps = sum(int(n or 1) for n in re.findall(r"~(\d*)", ref)) + len(re.findall(r"\^", ref))
    how = how_to_deepen(steps or 1)
    return f"this clone is shallow, and {name}'s history is cut off before: {how}"


def _lost(root: Path) -> str:
    help = (
        "look at its spelling; it may also have been force-pushed away: name the branch instead, as"
        " in origin/main, or fetch it with `git fetch origin COMMIT`"
    )
    return f"{help}. This clone is shallow: {how_to_deepen(100)}" if is_shallow(root) else help


def _near(root: Path, name: str) -> str:
    """Return the help for a branch or tag that is not here."""
    here = _names(root)
    elsewhere = [found for found in here if found.endswith("/" + name)]
    if elsewhere:
        best = min(elsewhere, key=lambda found: (found != f"origin/{name}", len(found), found))
        return f"there is {best!r}: name that"
    near = difflib.get_close_matches(name, here, n=3)
    branch = name.removeprefix("origin/")
    fetch = f"fetch it with `git fetch origin {branch}:refs/remotes/origin/{branch}`"
    if is_shallow(root):
        fetch += ", with --unshallow since this clone is shallow (`fetch-depth: 0`)"
    if near:
        return f"there is {', '.join(map(repr, near))}; or {fetch}"
    return f"look at its spelling, or {fetch}"


def _names(root: Path) -> list[str]:
    """Return how branches and tags are called in short."""
    listed = run(
        root,
        *("for-each-ref", f"--count={_MOST_NAMES}", "--format=%(refname)"),
        *("refs/heads", "refs/tags", "refs/remotes"),
    )
    return [os.fsdecode(line).split("/", 2)[2] for line in listed.splitlines()]


def _ambiguous(root: Path, name: str) -> RefError:
    listed = run(
        root,
        *("for-each-ref", "--format=%(refname)"),
        *(f"refs/{folder}{name}" for folder in ("", "heads/", "tags/", "remotes/")),
    )
    found = [f for f in map(os.fsdecode, listed.splitlines()) if f.endswith("/" + name)]
    return RefError(
        f"{name!r} is ambiguous: it names {' and '.join(found) or 'several commits'}",
        help=f"write it whole, as in {found[0] if found else f'refs/heads/{name}'}",
    )

"""A ref kept as a file: Git's bundles. And which history a repository is of.

Refuses a bundle that holds anything but the one ref that was asked for.
"""

from __future__ import annotations

from pathlib import Path

from chimera.documents.refs import is_shallow
from chimera.documents.refstore import tip
from chimera.documents.repository import ask, enclosing, run, run_bounded
from chimera.model import GitError

_LISTING_BYTES = 1 << 20
_MOST_ROOTS = 100


def first_commits(root: Path) -> tuple[str, ...]:
    """Return the commits with which the history of `HEAD` began, sorted.

    Nothing where there is no Git, no commit yet, or not all of the history.
    """
    if enclosing(root) != root or is_shallow(root):
        return ()
    answer = ask(root, "rev-list", "--max-parents=0", "HEAD", "--")
    found = answer.output.decode("ascii").split() if answer.code == 0 else []
    return tuple(sorted(found)[:_MOST_ROOTS])


def ref_tip(root: Path, ref: str) -> str | None:
    """Return the commit that a ref names here, if there is Git and such a ref."""
    return tip(root, ref) if enclosing(root) == root else None


def write_bundle(root: Path, ref: str, file: Path) -> None:
    """Write all that a ref reaches to a new file; raises `GitError`."""
    run(root, "bundle", "create", "--quiet", str(file.absolute()), ref)


def unpack_bundle(root: Path, file: Path, ref: str, commit: str) -> None:
    """Take the objects of a bundle into the repository; no ref is changed.

    Raises `GitError` where it holds anything but `ref` at `commit`, or is damaged.
    """
    heads = run_bounded(
        root, "bundle", "list-heads", str(file.absolute()), limit=_LISTING_BYTES
    ).decode("utf-8", "replace")
    if heads.split() != [commit, ref]:
        raise GitError(
            f"the bundle does not hold {ref} at {commit[:12]} and nothing else",
            help="restore another backup: somebody changed this one",
        )
    run(root, "-c", "fetch.fsckObjects=true", "bundle", "unbundle", str(file.absolute()))
    answer = ask(root, "rev-list", "--objects", "--quiet", commit, "--")
    if answer.code != 0:
        raise GitError(f"the bundle lacks objects of {commit[:12]}", help="restore another backup")


def set_ref(root: Path, ref: str, commit: str) -> None:
    """Have a ref name a commit that is here."""
    run(root, "update-ref", "--end-of-options", ref, commit)


def bundle_fault(file: Path, ref: str, commit: str, scratch: Path) -> str | None:
    """Say what is wrong with a bundle, by unpacking it in an empty folder; `None` for nothing."""
    try:
        run(
            scratch,
            "init",
            "--quiet",
            "--bare",
            "--template=",
            f"--object-format={_format(commit)}",
        )
        unpack_bundle(scratch, file, ref, commit)
    except GitError as error:
        return error.message
    return None


def _format(commit: str) -> str:
    return "sha1" if len(commit) == 40 else "sha256"

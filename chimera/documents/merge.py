"""What a head would leave behind where it is merged into a base, read from Git's objects alone.

Refuses to check anything out, and to write to the repository: Git merges in a scratch repository
of our own that borrows the objects of the real one and has none of its configuration. So no merge
driver, filter or hook of a repository can run, no attribute counts (a hosting service merges
without them, too), and nothing can be fetched.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chimera.documents.commit import CommitTree
from chimera.documents.objects import INCOMPLETE, Objects
from chimera.documents.refs import how_to_deepen, resolve
from chimera.documents.repository import ask, failure, run
from chimera.documents.trees import Tree
from chimera.model import Diagnostic, GitError, RefError, Span

_CONFLICT = "CONFLICT ("
_DEEPEN = 50  # commits to fetch at least, so that few have to ask twice
_USAGE = 129  # how Git exits that does not know an option


@dataclass(frozen=True)
class Merge:
    """A base, and the tree that merging a head into it gives.

    `name` says what was merged into, as in `main (1a2b3c4)`. `conflicts` are errors, one for each
    path that nobody can merge but a person; of such a path the tree holds what the head has, so
    that whatever else is found is the author's own and no conflict marker's.

    `base_id` and `head_id` are the commits, `merge_bases` their best common ancestors: several
    after criss-cross merges. They are empty where a work tree is compared, and nothing merged.
    """

    base: Tree
    tree: Tree
    name: str
    conflicts: tuple[Diagnostic, ...] = ()
    base_id: str = ""
    head_id: str = ""
    merge_bases: tuple[str, ...] = ()


def open_merge(root: Path, base: str, head: str) -> Merge:
    """Merge the commit `head` into the commit `base`.

    Raises `GitError` where there is none, and where they have no common ancestor or a shallow clone
    lacks it.
    """
    folder = root.absolute()
    ours, theirs = resolve(folder, base), resolve(folder, head)
    bases = tuple(_merge_bases(folder, ours, theirs))
    before = CommitTree(folder, ours)
    name = ours[:7] if ours.startswith(base) else f"{base} ({ours[:7]})"
    if ours in bases:
        return Merge(before, CommitTree(folder, theirs), name, (), ours, theirs, bases)
    if theirs in bases:
        name += f", which has {head} already"
        return Merge(before, before, name, (), ours, theirs, bases)
    common = _common_folder(folder)
    _require_history(folder, common, (base, ours), (head, theirs), bases)
    tree, conflicts = _merge(folder, common, (base, ours), (head, theirs))
    return Merge(before, tree, name, conflicts, ours, theirs, bases)


def _merge_bases(root: Path, ours: str, theirs: str) -> list[str]:
    """Return the best common ancestors of two commits, sorted."""
    answer = ask(root, "merge-base", "--all", ours, theirs)
    if answer.code not in (0, 1) or answer.complaint.strip():
        raise failure("merge-base", answer.complaint)
    return sorted(answer.output.decode("ascii").split())


_Named = tuple[str, str]
"""What the user called a commit, and its id."""


def _require_history(
    root: Path, common: Path, base: _Named, head: _Named, bases: tuple[str, ...]
) -> None:
    """Raise `RefError` where two commits have no common ancestor, or another might be better.

    That is so where a shallow clone is cut off between them and the best one that it holds.
    """
    shallow = common / "shallow"
    cut = set(shallow.read_text("ascii").split()) if shallow.is_file() else set()
    since = _since(root, base[1], head[1], bases) if cut else []
    if not cut.isdisjoint(since):
        raise RefError(
            f"this clone is shallow: where the histories of {base[0]} and {head[0]} meet is cut off"
            f" ({len(since)} commits of them are here)",
            help=how_to_deepen(max(_DEEPEN, len(since))),
        )
    if not bases:
        raise RefError(
            f"{base[0]} and {head[0]} have no common ancestor, so that nothing can be merged",
            help="name the branch that the change was made from; if the history was rewritten,"
            f" rebase {head[0]} onto {base[0]}",
        )


def _since(root: Path, ours: str, theirs: str, bases: tuple[str, ...]) -> list[str]:
    """Return the commits of both sides since their common ancestors."""
    asked = "".join(f"{id}\n" for id in (ours, theirs, *(f"^{base}" for base in bases)))
    return run(root, "rev-list", "--stdin", stdin=asked.encode("ascii")).decode("ascii").split()


def _common_folder(root: Path) -> Path:
    """Return where a repository keeps its objects, whichever of its worktrees `root` lies in."""
    answer = run(root, "rev-parse", "--path-format=absolute", "--git-common-dir")
    return Path(os.fsdecode(answer.removesuffix(b"\n")))


def _merge(
    root: Path, common: Path, base: _Named, head: _Named
) -> tuple[CommitTree, tuple[Diagnostic, ...]]:
    """Return what Git's own merge leaves, and its conflicts."""
    scratch = _make_scratch(common, sha256=len(base[1]) == 64)
    try:
        tree, stages, types = _run_merge(scratch, base[1], head[1])
        if stages:
            tree = _settle(scratch, tree, stages)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    merged = CommitTree(root, tree, Objects(scratch))
    # The tree is read from there for as long as anybody holds it, or this process lives.
    weakref.finalize(merged.objects, shutil.rmtree, scratch, ignore_errors=True)
    paths = sorted(stages.keys() | types.keys())
    return merged, tuple(
        _conflict(path, stages.get(path, {}), types.get(path, ""), base[0], head[0])
        for path in paths
    )


def _make_scratch(common: Path, *, sha256: bool) -> Path:
    """Make an empty bare repository that finds the objects of the one at `common`."""
    scratch = Path(tempfile.mkdtemp(prefix="chimera-merge-"))
    for folder in ("objects/info", "refs"):
        (scratch / folder).mkdir(parents=True)
    (scratch / "HEAD").write_text("ref: refs/heads/none\n")
    (scratch / "config").write_text(
        f"[core]\nrepositoryFormatVersion = {int(sha256)}\nbare = true\nfsync = none\n"
        + ("[extensions]\nobjectFormat = sha256\n" if sha256 else "")
    )
    quoted = "".join(f"\\{byte:03o}" for byte in os.fsencode(common / "objects"))
    (scratch / "objects" / "info" / "alternates").write_text(f'"{quoted}"\n')
    if (common / "shallow").is_file():
        shutil.copyfile(common / "shallow", scratch / "shallow")
    return scratch


_Stages = Mapping[str, Mapping[int, str]]
"""By conflicting path: what the merge base (1), the base (2) and the head (3) have there, written
`mode id`.
"""


def _run_merge(scratch: Path, base: str, head: str) -> tuple[str, _Stages, Mapping[str, str]]:
    """Return the merged tree, the conflicting paths, and what kind of conflict Git found where."""
    answer = ask(scratch, "merge-tree", "--write-tree", "-z", "--messages", base, head)
    if answer.code == _USAGE:
        raise GitError(
            "this git is too old to merge without a work tree",
            help="install git 2.38 or newer, or rebase the branch so that it contains the base",
        )
    if answer.code not in (0, 1):
        error = failure("merge-tree", answer.complaint)
        raise GitError(error.message, help=INCOMPLETE)
    tree, *fields = os.fsdecode(answer.output).split("\0")
    end = fields.index("")
    stages: dict[str, dict[int, str]] = {}
    for field in fields[:end]:
        facts, _, path = field.partition("\t")
        mode, id, stage = facts.split(" ")
        stages.setdefault(path, {})[int(stage)] = f"{mode} {id}"
    types = dict(_conflict_types(iter(fields[end + 1 : -1]), stages))
    if answer.code == 1 and not stages and not types:
        raise GitError(
            "git found a conflict and does not say where", help="merge the base, or rebase"
        )
    return tree, stages, types


def _conflict_types(fields: Iterator[str], stages: _Stages) -> Iterator[tuple[str, str]]:
    """Yield the paths of each conflict that Git tells, with its kind: `modify/delete`.

    Git also names paths that are fine by themselves: they count where it names no other.
    """
    for count in fields:
        paths = [next(fields) for _ in range(int(count))]
        type, _ = next(fields), next(fields)
        if type.startswith(_CONFLICT):
            for path in [path for path in paths if path in stages] or paths[:1]:
                yield path, type.removeprefix(_CONFLICT).rstrip(")")


def _settle(scratch: Path, tree: str, stages: _Stages) -> str:
    """Return the merged tree with what the head has at the paths in conflict."""
    nothing = "0 " + "0" * len(tree)
    lines = [f"{nothing}\t{path}\0" for path in stages]
    lines += [f"{sides[3]}\t{path}\0" for path, sides in stages.items() if 3 in sides]
    run(scratch, "read-tree", tree)
    run(scratch, "update-index", "-z", "--index-info", stdin=os.fsencode("".join(lines)))
    return run(scratch, "write-tree", "--missing-ok").strip().decode("ascii")


def _conflict(path: str, sides: Mapping[int, str], type: str, base: str, head: str) -> Diagnostic:
    known = {
        frozenset((1, 2, 3)): f"{base} and {head} both changed it",
        frozenset((2, 3)): f"{base} and {head} both added it",
        frozenset((1, 2)): f"{base} changed it, and {head} deleted or moved it",
        frozenset((1, 3)): f"{head} changed it, and {base} deleted or moved it",
    }
    reason = known.get(
        frozenset(sides), f"a move on one side, of {base} or {head}, meets a change of the other"
    )
    return Diagnostic(
        "merge-conflict",
        f"git cannot merge this path: {reason}" + (f" ({type})" if type else ""),
        Span(path),
        f"merge {base} into {head}, or rebase onto it, and decide what belongs here",
    )

"""What a merge would leave is what `git merge` leaves, and nothing is written or run to know it."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from chimera.documents import Entry, find_root, open_commit, open_merge
from chimera.model import GitError, Severity
from tests.documents.conftest import Repository


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go, so that a test sees what stays behind."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def forked(repository: Repository) -> Repository:
    """A base `main` and a branch `topic` that both moved on."""
    repository.write("shared", "".join(f"{line}\n" for line in range(20)))
    repository.write("specs/a.yaml", "a: 1\n")
    repository.write("old", "moves\n" * 10)
    repository.commit()
    repository.git("checkout", "-q", "-b", "topic")
    repository.write("shared", "".join(f"{line}\n" for line in range(19)) + "topic\n")
    repository.write("specs/b.yaml", "b: 1\n")
    repository.git("mv", "old", "new")
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("shared", "main\n" + "".join(f"{line}\n" for line in range(1, 20)))
    repository.write("old", "moves\n" * 10 + "and grows\n")
    repository.write("specs/c.yaml", "c: 1\n")
    repository.commit()
    return repository


def snapshot_of(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its content."""
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_tree_is_what_git_merge_leaves(forked: Repository) -> None:
    merge = open_merge(forked.root, "main", "topic")
    forked.git("merge", "-q", "--no-edit", "topic")
    merged = open_commit(forked.root, "HEAD")
    assert merge.tree.entries() == merged.entries()
    assert [e.path for e in merge.tree.entries()] == [
        *("new", "shared", "specs/a.yaml", "specs/b.yaml", "specs/c.yaml")
    ]
    paths = [entry.path for entry in merged.entries()]
    assert merge.tree.read_many(paths) == merged.read_many(paths)
    assert merge.tree.read("new").endswith(b"and grows\n")
    assert merge.tree.digest(paths) == merged.digest(paths)
    assert [e.path for e in merge.tree.under(["specs"])] == paths[2:]
    assert merge.tree.revision == forked.git("rev-parse", "HEAD^{tree}")
    assert not merge.conflicts


def test_a_merge_says_what_it_merged(forked: Repository) -> None:
    merge = open_merge(forked.root, "main", "topic")
    ids = [forked.git("rev-parse", ref) for ref in ("main", "topic", "main~1")]
    assert [merge.base_id, merge.head_id, *merge.merge_bases] == ids
    assert merge.name == f"main ({ids[0][:7]})"
    assert merge.base.revision == ids[0]
    assert open_merge(forked.root, ids[0], "topic").name == ids[0][:7]


def test_a_head_that_has_the_base_is_the_result(forked: Repository) -> None:
    merge = open_merge(forked.root, "topic~1", "topic")
    assert merge.tree.revision == merge.head_id
    assert merge.merge_bases == (merge.base_id,)
    assert merge.name == f"topic~1 ({merge.base_id[:7]})"


def test_a_head_that_the_base_has_changes_nothing_and_says_so(forked: Repository) -> None:
    merge = open_merge(forked.root, "topic", "topic~1")
    assert merge.tree.revision == merge.base_id
    assert merge.name == f"topic ({merge.base_id[:7]}), which has topic~1 already"
    same = open_merge(forked.root, "main", "main")
    assert same.name == f"main ({same.base_id[:7]})"


def test_nothing_is_written_to_the_repository_and_nothing_stays_behind(
    forked: Repository, scratch: Path
) -> None:
    before = snapshot_of(forked.root)
    merge = open_merge(forked.root, "main", "topic")
    tree = merge.tree
    del merge
    assert tree.read("shared").startswith(b"main\n")
    assert len(list(scratch.iterdir())) == 1
    assert snapshot_of(forked.root) == before
    del tree
    gc.collect()
    assert list(scratch.iterdir()) == []


def test_nothing_stays_behind_when_git_fails(
    forked: Repository, scratch: Path, old_git: Callable[[], None]
) -> None:
    old_git()
    with pytest.raises(GitError):
        open_merge(forked.root, "main", "topic")
    assert list(scratch.iterdir()) == []


@pytest.fixture
def old_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what puts a Git on PATH that knows no `merge-tree --write-tree`."""

    def put() -> None:
        git = shutil.which("git")
        (tmp_path / "bin").mkdir()
        script = tmp_path / "bin" / "git"
        script.write_text(
            f'#!/bin/sh\ncase "$*" in *--write-tree*)'
            f" echo 'usage: git merge-tree <base-tree> <branch1> <branch2>' >&2; exit 129;; esac\n"
            f'exec {git} "$@"\n'
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    return put


def test_an_old_git_says_what_to_install(forked: Repository, old_git: Callable[[], None]) -> None:
    old_git()
    with pytest.raises(GitError, match="too old") as caught:
        open_merge(forked.root, "main", "topic")
    assert "git 2.38" in (caught.value.help or "")
    assert "rebase" in (caught.value.help or "")
    assert open_merge(forked.root, "topic~1", "topic").tree.read("new")  # needs no merge


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_repository_is_merged(forked: Repository) -> None:
    for folder in (forked.root, *forked.root.rglob("*")):
        folder.chmod(folder.stat().st_mode & 0o555)
    try:
        assert open_merge(forked.root, "main", "topic").tree.read("new")
    finally:
        for folder in (forked.root, *forked.root.rglob("*")):
            folder.chmod(folder.stat().st_mode | 0o700)


def test_a_bare_repository_is_merged(forked: Repository, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    forked.git("clone", "-q", "--bare", str(forked.root), str(bare))
    assert find_root(bare) == find_root(bare / "objects" / "pack") == bare
    merge = open_merge(bare, "main", "topic")
    assert merge.tree.entries() == open_merge(forked.root, "main", "topic").tree.entries()
    assert merge.tree.read("specs/b.yaml") == b"b: 1\n"


def test_a_linked_worktree_is_merged(forked: Repository, tmp_path: Path) -> None:
    forked.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"), "topic")
    merge = open_merge(tmp_path / "linked", "main", "HEAD")
    assert merge.tree.entries() == open_merge(forked.root, "main", "topic").tree.entries()


def test_a_folder_below_the_top_is_merged_by_itself(forked: Repository) -> None:
    merge = open_merge(forked.root / "specs", "main", "topic")
    assert [e.path for e in merge.tree.entries()] == ["a.yaml", "b.yaml", "c.yaml"]
    assert merge.tree.read("b.yaml") == b"b: 1\n"


def test_objects_that_a_repository_borrows_itself_are_found(
    forked: Repository, tmp_path: Path
) -> None:
    clone = Repository(tmp_path / 'a "clone"\nof\\it')
    forked.git("clone", "-q", "--shared", str(forked.root), str(clone.root))
    merge = open_merge(clone.root, "main", "origin/topic")
    assert merge.tree.read("new").endswith(b"and grows\n")


def test_a_repository_with_other_hashes_is_merged(tmp_path: Path) -> None:
    made = Repository(tmp_path / "r")
    made.root.mkdir()
    made.git("init", "-q", "-b", "main", "--object-format=sha256")
    made.write("d/a", "1")
    made.commit()
    made.git("checkout", "-q", "-b", "topic")
    made.write("d/b", "2")
    made.commit()
    made.git("checkout", "-q", "main")
    made.write("c", "3")
    made.commit()
    merge = open_merge(made.root, "main", "topic")
    assert [e.path for e in merge.tree.entries()] == ["c", "d/a", "d/b"]
    assert len(merge.base_id) == 64
    assert merge.tree.read("d/b") == b"2"


# Conflicts


def test_each_path_in_conflict_is_an_error_there(repository: Repository) -> None:
    for name in ("both", "main-deletes", "topic-deletes"):
        repository.write(name, "1\n")
    repository.write("merges", "1\n")
    repository.commit()
    repository.git("checkout", "-q", "-b", "topic")
    for name in ("both", "main-deletes", "added\nby both", "binary\udcff"):
        repository.write(name, "topic\n\0")
    (repository.root / "topic-deletes").unlink()
    repository.commit()
    repository.git("checkout", "-q", "main")
    for name in ("both", "topic-deletes", "added\nby both", "binary\udcff", "merges"):
        repository.write(name, "main\n\0")
    (repository.root / "main-deletes").unlink()
    repository.commit()

    merge = open_merge(repository.root, "main", "topic")
    told = {d.span.path: d for d in merge.conflicts}
    assert sorted(told) == sorted(
        ["added\nby both", "binary\udcff", "both", "main-deletes", "topic-deletes"]
    )
    assert len(merge.conflicts) == len(told)
    for diagnostic in merge.conflicts:
        assert (diagnostic.rule, diagnostic.severity) == ("merge-conflict", Severity.ERROR)
        assert "merge main into topic, or rebase" in diagnostic.help
    assert "main and topic both changed it" in told["both"].message
    assert "main and topic both added it" in told["added\nby both"].message
    assert "main changed it, and topic deleted or moved it" in told["topic-deletes"].message
    assert "topic changed it, and main deleted or moved it" in told["main-deletes"].message

    # What the head has is judged there, and no conflict marker.
    assert [e.path for e in merge.tree.entries()] == sorted(
        ["added\nby both", "binary\udcff", "both", "main-deletes", "merges"]
    )
    assert merge.tree.read("both") == b"topic\n\0"
    assert merge.tree.read("merges") == b"main\n\0"


def test_a_merge_without_conflict_has_no_diagnostics(forked: Repository) -> None:
    assert open_merge(forked.root, "main", "topic").conflicts == ()


def test_a_file_against_a_folder_is_a_conflict(repository: Repository) -> None:
    repository.commit()
    repository.git("checkout", "-q", "-b", "topic")
    repository.write("x/y", "1\n")
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("x", "1\n")
    repository.commit()
    merge = open_merge(repository.root, "main", "topic")
    assert merge.conflicts
    assert "x/y" in [e.path for e in merge.tree.entries()]


def test_moves_to_two_places_are_a_conflict(repository: Repository) -> None:
    repository.write("a", "content\n" * 20)
    repository.commit()
    repository.git("checkout", "-q", "-b", "topic")
    repository.git("mv", "a", "t")
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.git("mv", "a", "m")
    repository.commit()
    merge = open_merge(repository.root, "main", "topic")
    assert {"a", "m", "t"} >= {d.span.path for d in merge.conflicts} >= {"m", "t"}
    assert [e.path for e in merge.tree.entries()] == ["t"]


def test_a_file_added_to_a_folder_that_moved_is_a_conflict(repository: Repository) -> None:
    for number in range(3):
        repository.write(f"src/{number}", f"content {number}\n" * 20)
    repository.commit()
    repository.git("checkout", "-q", "-b", "topic")
    repository.write("src/new", "1\n")
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.git("mv", "src", "lib")
    repository.commit()
    merge = open_merge(repository.root, "main", "topic")
    (conflict,) = merge.conflicts
    assert conflict.span.path == "lib/new"
    assert "a move on one side" in conflict.message
    assert "(directory rename suggested)" in conflict.message
    assert merge.tree.read("lib/new") == b"1\n"


def test_submodules_that_moved_apart_are_a_conflict(repository: Repository) -> None:
    def point(commit: str) -> None:
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit * 40},sub")
        repository.git("commit", "-q", "-m", commit)

    point("1")
    repository.git("checkout", "-q", "-b", "topic")
    point("2")
    repository.git("checkout", "-q", "main")
    point("3")
    merge = open_merge(repository.root, "main", "topic")
    assert [d.span.path for d in merge.conflicts] == ["sub"]
    assert merge.tree.entries() == (Entry("sub", "160000", "2" * 40),)


# Histories


def test_criss_cross_merges_have_several_bases(repository: Repository) -> None:
    repository.write("a", "".join(f"{n}\n" for n in range(9)))
    repository.commit()
    repository.git("checkout", "-q", "-b", "topic")
    repository.write("t", "1\n")
    left = repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("m", "1\n")
    right = repository.commit()
    repository.git("merge", "-q", "--no-edit", "topic")
    repository.git("checkout", "-q", "topic")
    repository.git("merge", "-q", "--no-edit", right)
    repository.write("t2")
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("m2")
    repository.commit()
    merge = open_merge(repository.root, "main", "topic")
    assert merge.merge_bases == tuple(sorted([left, right]))
    assert not merge.conflicts
    assert [e.path for e in merge.tree.entries()] == ["a", "m", "m2", "t", "t2"]


def test_unrelated_histories_are_refused(repository: Repository) -> None:
    repository.write("a")
    repository.commit()
    repository.git("checkout", "-q", "--orphan", "other")
    repository.commit("another root")
    with pytest.raises(GitError, match="main and other have no common ancestor"):
        open_merge(repository.root, "main", "other")


def test_parents_of_a_merge_commit_are_bases(forked: Repository) -> None:
    forked.git("merge", "-q", "--no-edit", "topic")
    first = open_merge(forked.root, "HEAD~1", "HEAD")
    assert first.base_id == forked.git("rev-parse", "HEAD^1")
    assert first.tree.revision == first.head_id
    second = open_merge(forked.root, "HEAD^2", "HEAD")
    assert second.base_id == forked.git("rev-parse", "topic")


def test_a_detached_head_and_a_rewritten_base_are_merged(forked: Repository) -> None:
    forked.git("checkout", "-q", "--detach", "topic")
    forked.git("branch", "-f", "main", "main~1")  # as after a force-push
    merge = open_merge(forked.root, "main", "HEAD")
    assert merge.tree.revision == merge.head_id


def chain(repository: Repository, branch: str, length: int) -> None:
    repository.git("checkout", "-q", branch)
    for number in range(length):
        repository.write(f"{branch}{number}")
        repository.commit()


def test_a_shallow_clone_that_lacks_the_merge_base_says_how_deep_to_fetch(
    repository: Repository, tmp_path: Path
) -> None:
    repository.commit()
    repository.git("branch", "topic")
    chain(repository, "main", 3)
    chain(repository, "topic", 3)
    shallow = Repository(tmp_path / "shallow")
    repository.git(
        *("clone", "-q", "--depth=2", "--no-single-branch"),
        *(f"file://{repository.root}", str(shallow.root)),
    )
    with pytest.raises(GitError, match="shallow") as caught:
        open_merge(shallow.root, "origin/main", "topic")
    assert "4 commits" in caught.value.message
    help = caught.value.help or ""
    assert "git fetch --deepen=50" in help
    assert "--unshallow" in help
    assert "fetch-depth: 0" in help
    shallow.git("fetch", "-q", "--deepen=50")  # as it says
    whole = open_merge(repository.root, "main", "topic")
    assert open_merge(shallow.root, "origin/main", "topic").tree.entries() == whole.tree.entries()


def test_a_shallow_clone_is_no_excuse_where_nothing_has_to_be_merged(
    repository: Repository, tmp_path: Path
) -> None:
    repository.commit()
    chain(repository, "main", 3)
    shallow = Repository(tmp_path / "shallow")
    repository.git("clone", "-q", "--depth=2", f"file://{repository.root}", str(shallow.root))
    merge = open_merge(shallow.root, "HEAD~1", "HEAD")
    assert merge.tree.revision == merge.head_id
    with pytest.raises(GitError, match="knows no commit 'HEAD~2'") as caught:
        open_merge(shallow.root, "HEAD~2", "HEAD")
    assert "git fetch --deepen=2" in (caught.value.help or "")


def test_an_ancestor_that_a_shallow_clone_may_have_better_is_not_taken(
    repository: Repository, tmp_path: Path
) -> None:
    """The best common ancestor lies behind the cut of one side; a worse one is in sight."""
    repository.write("a", "0")
    repository.commit("root")
    repository.write("a", "1")
    better = repository.commit("better")
    repository.git("checkout", "-q", "-b", "topic")
    for number in range(3):
        repository.write(f"t{number}")
        repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("m")
    repository.commit()
    shallow = Repository(tmp_path / "shallow")
    repository.git(
        *("clone", "-q", "--no-single-branch"), f"file://{repository.root}", str(shallow.root)
    )
    # Cut the topic off before `better`, and give it the root as another parent by a merge.
    shallow.git("checkout", "-q", "topic")
    shallow.git("checkout", "-q", "-b", "side", f"{better}~1")
    shallow.write("s")
    shallow.commit()
    shallow.git("checkout", "-q", "topic")
    shallow.git("merge", "-q", "--no-edit", "side")
    (shallow.root / ".git" / "shallow").write_text(shallow.git("rev-parse", "topic~1") + "\n")
    with pytest.raises(GitError, match="shallow"):
        open_merge(shallow.root, "origin/main", "topic")


# Hostile repositories


def traps(repository: Repository, canaries: Path) -> None:
    """Configure every program that a merge could run, and attributes that ask for them."""
    canaries.mkdir()

    def trap(name: str) -> str:
        script = canaries.parent / f"trap-{name}"
        script.write_text(f"#!/bin/sh\ntouch '{canaries}/{name}'\ncat \"$2\" 2>/dev/null\n")
        script.chmod(0o755)
        return str(script)

    attributes = "* merge=evil filter=evil diff=evil text=auto\n"
    repository.write(".gitattributes", attributes)
    (repository.root / ".git" / "info").mkdir(exist_ok=True)
    (repository.root / ".git" / "info" / "attributes").write_text(attributes)
    for key in (
        *("merge.evil.driver", "merge.default.driver", "diff.evil.textconv", "diff.evil.command"),
        *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "core.fsmonitor"),
        *("diff.external", "core.sshCommand", "uploadpack.packObjectsHook", "gpg.program"),
    ):
        repository.git("config", key, f"{trap(key)} %O %A %B")
    for key, value in {
        "merge.default": "evil",
        "merge.renormalize": "true",
        "merge.verifySignatures": "true",
        "merge.evil.recursive": "evil",
        "merge.evil.name": "evil",
    }.items():
        repository.git("config", key, value)
    hooks = repository.root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("pre-merge-commit", "post-merge", "post-index-change", "reference-transaction"):
        (hooks / hook).write_text(Path(trap(hook)).read_text())
        (hooks / hook).chmod(0o755)


def test_no_program_of_a_repository_runs(forked: Repository, tmp_path: Path) -> None:
    expected = open_merge(forked.root, "main", "topic").tree.entries()
    canaries = tmp_path / "canaries"
    traps(forked, canaries)
    assert open_merge(forked.root, "main", "topic").tree.entries() == expected
    assert list(canaries.iterdir()) == []


def test_the_traps_do_spring(forked: Repository, tmp_path: Path) -> None:
    """The control: a plain merge falls into them."""
    canaries = tmp_path / "canaries"
    traps(forked, canaries)
    for setting, sprung in (
        ("merge.renormalize=true", "filter.evil.process"),
        ("merge.renormalize=false", "merge.evil.driver"),
    ):
        command = ["git", "-c", setting, "merge-tree", "--write-tree", "main", "topic"]
        subprocess.run(command, cwd=forked.root, check=False, capture_output=True)
        assert (canaries / sprung).exists()


def test_attributes_do_not_count(repository: Repository) -> None:
    """`union` keeps both sides and calls that no conflict: nobody has seen that result."""
    repository.write(".gitattributes", "* merge=union\n")
    repository.write("a", "1\n")
    repository.commit()
    repository.git("checkout", "-q", "-b", "topic")
    repository.write("a", "2\n")
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("a", "3\n")
    repository.commit()
    assert [d.span.path for d in open_merge(repository.root, "main", "topic").conflicts] == ["a"]


def test_a_partial_clone_says_what_it_lacks(forked: Repository, tmp_path: Path) -> None:
    forked.git("config", "uploadpack.allowFilter", "true")
    partial = Repository(tmp_path / "partial")
    forked.git(
        *("clone", "-q", "--filter=blob:none", "--no-checkout"),
        *(f"file://{forked.root}", str(partial.root)),
    )
    with pytest.raises(GitError) as caught:
        open_merge(partial.root, "main", "origin/topic")
    assert "git fetch --refetch --no-filter" in (caught.value.help or "")
    partial.git("fetch", "-q", "--refetch", "--no-filter")  # as it says
    assert open_merge(partial.root, "main", "origin/topic").tree.read("new")

"""What differs between two trees is what Git says differs, and no more is read to know it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.documents import (
    Difference,
    Entry,
    Globs,
    Tree,
    differences,
    open_commit,
    open_merge,
    open_work_tree,
)
from chimera.model import ChimeraError, GitError
from tests.documents.conftest import Repository

Content = Mapping[str, tuple[str, bytes]]
"""By path: mode, and content or, of a submodule, the commit."""


def paths(found: object) -> list[str]:
    assert isinstance(found, tuple)
    return [difference.path for difference in found]


def test_what_is_added_edited_deleted_or_changes_mode_differs(repository: Repository) -> None:
    for name in ("same", "edited", "gone", "run", "link", "d/same", "d/edited", "file-to-folder"):
        repository.write(name, name)
    repository.commit()
    repository.write("edited", "2")
    repository.write("d/edited", "2")
    (repository.root / "gone").unlink()
    (repository.root / "run").chmod(0o755)
    (repository.root / "link").unlink()
    (repository.root / "link").symlink_to("same")
    (repository.root / "file-to-folder").unlink()
    repository.write("file-to-folder/x", "x")
    repository.write("new/deep/er", "1")
    repository.commit()
    before, after = (open_commit(repository.root, ref) for ref in ("HEAD~1", "HEAD"))
    found = {difference.path: difference for difference in differences(before, after)}
    assert list(found) == sorted(found)
    assert sorted(found) == [
        *("d/edited", "edited", "file-to-folder", "file-to-folder/x", "gone", "link"),
        *("new/deep/er", "run"),
    ]
    was = {entry.path: entry for entry in before.entries()}
    became = {entry.path: entry for entry in after.entries()}
    for path, difference in found.items():
        assert difference == Difference(path, was.get(path), became.get(path))
    run = found["run"]
    assert run.before
    assert run.after
    assert (run.before.mode, run.after.mode) == ("100644", "100755")
    assert run.before.id == run.after.id
    assert found["link"].after
    assert found["link"].after.mode == "120000"


def test_a_rename_is_a_deletion_and_a_creation(repository: Repository) -> None:
    repository.write("old/name", "content\n" * 9)
    repository.commit()
    repository.git("mv", "old", "new")
    repository.commit()
    found = differences(
        open_commit(repository.root, "HEAD~1"), open_commit(repository.root, "HEAD")
    )
    assert [(d.path, d.before is None, d.after is None) for d in found] == [
        ("new/name", True, False),
        ("old/name", False, True),
    ]


def test_a_submodule_that_moves_differs_whatever_gitmodules_ask(repository: Repository) -> None:
    repository.write(".gitmodules", '[submodule "s"]\n\tpath = s\n\turl = ./s\n\tignore = all\n')
    repository.git("config", "diff.ignoreSubmodules", "all")
    for commit in ("1", "2"):
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit * 40},s")
        repository.git("add", ".gitmodules")
        repository.git("commit", "-q", "--allow-empty", "-m", commit)
    found = differences(
        open_commit(repository.root, "HEAD~1"), open_commit(repository.root, "HEAD")
    )
    assert found == (
        Difference("s", Entry("s", "160000", "1" * 40), Entry("s", "160000", "2" * 40)),
    )


def test_odd_names_and_chimeras_own_folder(repository: Repository) -> None:
    repository.commit()
    odd = ["new\nline", 'quo"te', "\udcff\udcfe", "é", "-x", ":(glob)*", "tab\t", "d\n/e"]
    for name in odd:
        repository.write(name, "1")
    repository.write(".chimera/state", "1")
    repository.write("sub/.chimera/x", "1")
    repository.commit()
    before, after = open_commit(repository.root, "HEAD~1"), open_commit(repository.root, "HEAD")
    assert paths(differences(before, after)) == sorted([*odd, "sub/.chimera/x"])
    assert paths(differences(before, open_work_tree(repository.root))) == sorted(
        [*odd, "sub/.chimera/x"]
    )


def test_only_what_globs_match_is_asked_for(repository: Repository) -> None:
    repository.commit()
    for name in ("src/a.py", "src/b/c.py", "docs/x.md"):
        repository.write(name, "1")
    repository.commit()
    before = open_commit(repository.root, "HEAD~1")
    for after in (open_commit(repository.root, "HEAD"), open_work_tree(repository.root)):
        assert paths(differences(before, after, Globs(["src/**"]))) == ["src/a.py", "src/b/c.py"]
        assert paths(differences(before, after, Globs([]))) == []


def test_a_folder_below_the_top_is_compared_by_itself(repository: Repository) -> None:
    repository.write("other", "1")
    repository.commit()
    repository.write("sub/a", "1")
    repository.write("other", "2")
    repository.commit()
    root = repository.root / "sub"
    before, after = open_commit(root, "HEAD~1"), open_commit(root, "HEAD")
    assert before.tree_id is None
    assert before.entries() == ()
    assert paths(differences(before, after)) == ["a"]
    assert paths(differences(after, before)) == ["a"]
    assert differences(before, before) == ()


def test_equal_trees_of_two_commits_have_the_same_identity(repository: Repository) -> None:
    repository.write("a", "1")
    repository.commit("one")
    repository.commit("two")
    first, second = open_commit(repository.root, "HEAD~1"), open_commit(repository.root, "HEAD")
    assert first.revision != second.revision
    assert first.tree_id == second.tree_id == repository.git("rev-parse", "HEAD^{tree}")
    repository.write("a", "2")
    repository.commit()
    assert open_commit(repository.root, "HEAD").tree_id != first.tree_id


def test_a_merge_is_compared_with_its_base(repository: Repository) -> None:
    repository.write("a", "1")
    repository.commit()
    repository.git("checkout", "-q", "-b", "topic")
    repository.write("t", "1")
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("m", "1")
    repository.commit()
    merge = open_merge(repository.root, "main", "topic")
    assert paths(differences(merge.base, merge.tree)) == ["t"]


def test_equal_folders_are_not_looked_into(repository: Repository) -> None:
    """They may even be damaged: nothing of them is read."""
    for folder in ("same", "changes"):
        repository.write(f"{folder}/deep/a", folder)
    repository.commit()
    repository.write("changes/deep/a", "2")
    repository.commit()
    same = repository.git("rev-parse", "HEAD:same")
    (repository.root / ".git" / "objects" / same[:2] / same[2:]).unlink()
    before, after = open_commit(repository.root, "HEAD~1"), open_commit(repository.root, "HEAD")
    assert paths(differences(before, after)) == ["changes/deep/a"]
    assert after.read("changes/deep/a") == b"2"
    with pytest.raises(GitError):
        after.read("same/deep/a")


def test_a_change_to_what_could_leave_the_tree_is_refused(repository: Repository) -> None:
    repository.commit()
    blob = repository.git("hash-object", "-w", "--stdin", stdin=b"x")
    raw = b"100644 ..\0" + bytes.fromhex(blob)
    tree = repository.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)
    commit = repository.git("commit-tree", tree, "-m", "x")
    with pytest.raises(ChimeraError, match="leave the tree"):
        differences(open_commit(repository.root, "HEAD"), open_commit(repository.root, commit))


def test_a_folder_that_names_something_twice_is_refused(repository: Repository) -> None:
    repository.commit()
    ids = [repository.git("hash-object", "-w", "--stdin", stdin=data) for data in (b"1", b"2")]
    raw = b"".join(b"100644 a\0" + bytes.fromhex(id) for id in ids)
    folder = repository.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)
    tree = repository.git("mktree", stdin=f"040000 tree {folder}\td\n".encode())
    commit = repository.git("commit-tree", tree, "-m", "x")
    with pytest.raises(GitError, match="twice"):
        differences(open_commit(repository.root, "HEAD"), open_commit(repository.root, commit))
    with pytest.raises(GitError, match="twice"):
        open_commit(repository.root, commit).entries()


@pytest.mark.parametrize("raw", [b"x", b"100644 a", b"100644 a\0short", b"999 a\0" + b"1" * 20])
def test_a_damaged_folder_is_refused(repository: Repository, raw: bytes) -> None:
    repository.commit()
    tree = repository.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)
    commit = repository.git(
        *("hash-object", "-w", "-t", "commit", "--literally", "--stdin"),
        stdin=f"tree {tree}\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\n".encode(),
    )
    before, after = open_commit(repository.root, "HEAD"), open_commit(repository.root, commit)
    with pytest.raises(GitError, match=tree):
        differences(before, after)
    with pytest.raises(GitError):
        after.entries()


def test_old_modes_are_read_as_git_reads_them(repository: Repository) -> None:
    repository.write("a", "x")
    repository.commit()
    blob = repository.git("rev-parse", "HEAD:a")
    raw = b"100664 a\0" + bytes.fromhex(blob)
    tree = repository.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)
    commit = repository.git("commit-tree", tree, "-m", "x")
    before, after = open_commit(repository.root, "HEAD"), open_commit(repository.root, commit)
    assert before.tree_id != after.tree_id
    assert before.entries() == after.entries()
    assert differences(before, after) == ()


# Laws


NAMES = st.sampled_from(["a", "b", "a.b", "a-b", "é", "x\ny"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FILES = st.one_of(
    st.tuples(st.sampled_from(["100644", "100755", "120000"]), st.sampled_from([b"1", b"2"])),
    st.tuples(st.just("160000"), st.sampled_from([b"1" * 40, b"2" * 40])),
)


def without_clashes(content: dict[str, tuple[str, bytes]]) -> Content:
    """Drop what lies below a file: no tree can hold both."""
    return {
        path: found
        for path, found in content.items()
        if not any(path.startswith(other + "/") for other in content)
    }


CONTENT = st.dictionaries(PATHS, FILES, max_size=8).map(without_clashes)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """One repository for all examples: commits are made from trees, beside one another."""
    made = Repository(tmp_path_factory.mktemp("shared"))
    made.git("init", "-q", "-b", "main")
    return made


def committed(repository: Repository, content: Content) -> str:
    """Commit exactly this content, without a work tree."""
    stream = b"commit refs/heads/main\ncommitter a <a@example.org> 0 +0000\ndata 0\ndeleteall\n"
    for path, (mode, data) in content.items():
        name = os.fsencode(path).replace(b"\n", b"\\n")
        if mode == "160000":
            stream += b'M 160000 %s "%s"\n' % (data, name)
        else:
            stream += b'M %s inline "%s"\ndata %d\n%s\n' % (mode.encode(), name, len(data), data)
    repository.git("fast-import", "--quiet", "--force", stdin=stream)
    return repository.git("rev-parse", "main")


def as_git_says(repository: Repository, before: str, after: str) -> list[Difference]:
    """Ask Git itself, the oracle."""
    told = subprocess.run(
        ["git", "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", before, after],
        cwd=repository.root,
        check=True,
        capture_output=True,
    ).stdout
    fields = list(map(os.fsdecode, told.split(b"\0")[:-1]))
    found = []
    for facts, path in zip(fields[::2], fields[1::2], strict=True):
        modes, ids = facts[1:].split(" ")[:2], facts.split(" ")[2:4]
        was, became = (
            Entry(path, mode, id) if mode != "000000" else None
            for mode, id in zip(modes, ids, strict=True)
        )
        found.append(Difference(path, was, became))
    return sorted(found, key=lambda difference: difference.path)


@given(before=CONTENT, after=CONTENT)
def test_differences_are_what_git_finds(
    shared: Repository, before: Content, after: Content
) -> None:
    refs = [committed(shared, content) for content in (before, after)]
    trees = [open_commit(shared.root, ref) for ref in refs]
    assert list(differences(*trees)) == as_git_says(shared, *refs)
    assert differences(trees[0], trees[0]) == ()
    assert differences(trees[0], open_commit(shared.root, refs[0])) == ()


def lay_out(root: Path, content: Content) -> Content:
    """Write content into a folder; a submodule needs a repository and is left out."""
    kept = {path: found for path, found in content.items() if found[0] != "160000"}
    for path, (mode, data) in kept.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if mode == "120000":
            file.symlink_to(data.decode())
        else:
            file.write_bytes(data)
            file.chmod(0o755 if mode == "100755" else 0o644)
    return kept


@given(before=CONTENT, after=CONTENT)
@settings(max_examples=30)
def test_a_work_tree_differs_as_its_commit_will(
    shared: Repository, before: Content, after: Content
) -> None:
    for item in shared.root.iterdir():
        if item.name != ".git":
            shutil.rmtree(item) if stat.S_ISDIR(item.lstat().st_mode) else item.unlink()
    base = open_commit(shared.root, committed(shared, before))
    shared.git("read-tree", "--empty")
    kept = lay_out(shared.root, after)
    work: Tree = open_work_tree(shared.root)
    commit = open_commit(shared.root, committed(shared, kept))
    assert differences(base, work) == differences(base, commit)
    assert differences(work, base) == differences(commit, base)
    assert differences(work, commit) == ()
    assert differences(work, open_work_tree(shared.root)) == ()


def test_a_work_tree_with_a_submodule_differs_as_its_commit(repository: Repository) -> None:
    inner = Repository(repository.root / "sub")
    inner.root.mkdir()
    inner.git("init", "-q")
    inner.commit("1")
    repository.commit()
    moved = inner.commit("2")
    repository.git("add", "sub")
    found = differences(open_commit(repository.root, "HEAD"), open_work_tree(repository.root))
    assert [(d.path, d.after and d.after.id) for d in found] == [("sub", moved)]


def test_a_tree_without_git_is_compared_by_content() -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        for folder, data in ((one, "1"), (two, "2")):
            Path(folder, "a").write_text(data)
            Path(folder, "b").write_text("same")
        trees = [open_work_tree(Path(folder)) for folder in (one, two)]
        assert paths(differences(*trees)) == ["a"]
        assert differences(trees[0], trees[0]) == ()

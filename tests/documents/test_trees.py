"""A work tree and a commit read alike, and nothing outside a tree is ever read or written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chimera.documents import (
    Entry,
    conversions,
    export,
    find_root,
    head,
    load_documents,
    open_commit,
    open_work_tree,
)
from chimera.model import ChimeraError, GitError, digest_bytes, digest_paths
from tests.documents.conftest import Repository

ODD_NAMES = ["a b", "é", "new\nline", 'quo"te', "tab\there", "-dash", "*star", "d/#", "d/e/ f"]


def test_a_clean_work_tree_and_its_commit_have_the_same_entries_and_digest(
    repository: Repository,
) -> None:
    for number, name in enumerate(ODD_NAMES):
        repository.write(name, f"content {number}")
    repository.write("run.sh", "#!/bin/sh\n").chmod(0o755)
    (repository.root / "link").symlink_to("d/e")
    repository.commit()
    work, commit = open_work_tree(repository.root), open_commit(repository.root, "HEAD")
    facts = [(entry.path, entry.mode) for entry in work.entries()]
    assert facts == [(entry.path, entry.mode) for entry in commit.entries()]
    assert {path for path, _ in facts} == {*ODD_NAMES, "run.sh", "link"}
    assert dict(facts)["run.sh"] == "100755"
    assert dict(facts)["link"] == "120000"
    paths = [path for path, _ in facts]
    assert work.read_many(paths) == commit.read_many(paths)
    assert work.digest(paths) == commit.digest(paths)


def test_a_digest_covers_path_mode_and_content(repository: Repository) -> None:
    file = repository.write("a", "1")
    tree = open_work_tree(repository.root)
    before = tree.digest(["a"])
    assert before == digest_paths([("a", "100644", digest_bytes(b"1"))])
    file.chmod(0o755)
    executable = tree.digest(["a"])
    file.write_text("2")
    assert len({before, executable, tree.digest(["a"]), tree.digest([])}) == 4


def test_ignored_files_and_chimeras_own_folder_are_not_content(repository: Repository) -> None:
    repository.write(".gitignore", "*.log\n")
    repository.write("x.log")
    repository.write("new")
    repository.write(".chimera/state.db")
    repository.write("gone")
    repository.git("add", "-A")
    (repository.root / "gone").unlink()
    assert [e.path for e in open_work_tree(repository.root).entries()] == [".gitignore", "new"]


def test_without_git_every_file_counts(tmp_path: Path) -> None:
    for name in ("a", "b/c", ".hidden/d", ".chimera/state.db"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    tree = open_work_tree(tmp_path)
    assert [e.path for e in tree.entries()] == [".hidden/d", "a", "b/c"]
    assert tree.revision is None
    assert head(tmp_path) is None
    with pytest.raises(GitError):
        open_commit(tmp_path, "HEAD")


def test_a_commit_is_read_whatever_the_work_tree_holds(repository: Repository) -> None:
    repository.write("a", "old")
    repository.commit()
    repository.write("a", "new")
    second = repository.commit()
    assert open_commit(repository.root, "HEAD~1").read("a") == b"old"
    assert open_commit(repository.root, "main").revision == second == head(repository.root)


def test_many_blobs_of_any_size_come_in_bulk(repository: Repository) -> None:
    for number in range(600):
        repository.write(f"f{number}", b"\n\0" * (number * 7))
    repository.write("large", b"x" * 300_000)
    repository.commit()
    tree = open_commit(repository.root, "HEAD")
    paths = [entry.path for entry in tree.entries()]
    assert tree.read_many(paths) == open_work_tree(repository.root).read_many(paths)
    cut = tree.read_many(["large", "f1"], limit=10)
    assert cut == {"large": b"x" * 11, "f1": b"\n\0" * 5 + b"\n"}
    assert tree.read("f2") == b"\n\0" * 14


@pytest.mark.parametrize(
    "ref", ["-x", "--help", "", "a..b", ":/c", "HEAD:a", "a b", "nothing", "HEAD\n", "0" * 40]
)
def test_a_ref_that_names_no_commit_is_refused(repository: Repository, ref: str) -> None:
    repository.write("a")
    repository.commit()
    with pytest.raises(GitError):
        open_commit(repository.root, ref)


def test_a_repository_without_commits_is_read_and_says_so(repository: Repository) -> None:
    repository.write("a", "1")
    assert [e.path for e in open_work_tree(repository.root).entries()] == ["a"]
    assert head(repository.root) is None
    with pytest.raises(GitError, match="no commits"):
        open_commit(repository.root, "HEAD")


def test_a_missing_git_is_named_and_documents_are_still_read(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write("specs/a.yaml", "a: 1\n")
    repository.commit()
    monkeypatch.setenv("PATH", "")
    tree = open_work_tree(repository.root)
    documents, diagnostics = load_documents(tree, ["specs"])
    assert [d.value for d in documents] == [{"a": 1}]
    assert not diagnostics
    with pytest.raises(GitError, match="not installed"):
        tree.entries()
    assert head(repository.root) is None


def test_a_first_import_without_git_is_an_error_of_ours(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from chimera.documents import open_commit\n"
        "from chimera.model import GitError\n"
        "try: open_commit(Path(sys.argv[1]), 'HEAD')\n"
        "except GitError as error: print(error)"
    )
    (tmp_path / ".git").write_text("gitdir: nowhere")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={"PATH": "", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "not installed" in done.stdout


def test_importing_the_room_loads_neither_parsers_nor_git() -> None:
    code = (
        "import sys, chimera.documents\n"
        "print([m for m in ('git', 'yaml', 'yaml_rs', 'ruamel.yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_linked_worktree_and_a_shallow_clone_are_read(
    repository: Repository, tmp_path: Path
) -> None:
    repository.write("a", "1")
    repository.commit()
    repository.write("a", "2")
    repository.commit()
    repository.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    assert (tmp_path / "side" / ".git").is_file()
    assert find_root(tmp_path / "side") == tmp_path / "side"
    assert open_commit(tmp_path / "side", "HEAD").read("a") == b"2"
    assert [e.path for e in open_work_tree(tmp_path / "side").entries()] == ["a"]
    shallow = Repository(tmp_path / "shallow")
    repository.git("clone", "-q", "--depth=1", f"file://{repository.root}", str(shallow.root))
    assert open_commit(shallow.root, "HEAD").read("a") == b"2"
    with pytest.raises(GitError, match="knows no commit"):
        open_commit(shallow.root, "HEAD~1")


def test_a_partial_clone_never_fetches(repository: Repository, tmp_path: Path) -> None:
    repository.write("a", "1")
    repository.commit()
    repository.git("config", "uploadpack.allowFilter", "true")
    partial = Repository(tmp_path / "partial")
    repository.git(
        *("clone", "-q", "--filter=blob:none", "--no-checkout"),
        *(f"file://{repository.root}", str(partial.root)),
    )
    tree = open_commit(partial.root, "HEAD")
    assert [entry.path for entry in tree.entries()] == ["a"]
    with pytest.raises(GitError):
        tree.read("a")
    assert partial.git("rev-list", "--objects", "--missing=print", "HEAD").count("?") == 1


def test_variables_of_another_repository_are_not_believed(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write("a", "1")
    commit = repository.commit()
    other = Repository(tmp_path / "other")
    other.root.mkdir()
    other.git("init", "-q")
    other.write("b")
    other.commit()
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.root / ".git" / "index"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "no number")
    assert head(repository.root) == commit
    assert [e.path for e in open_work_tree(repository.root).entries()] == ["a"]
    assert os.environ["GIT_CONFIG_COUNT"] == "no number"


def test_replaced_objects_are_not_believed(repository: Repository) -> None:
    repository.write("a", "real")
    repository.commit()
    real = repository.git("rev-parse", "HEAD:a")
    fake = repository.git("hash-object", "-w", "--stdin", stdin=b"fake")
    repository.git("replace", real, fake)
    assert repository.git("cat-file", "blob", "HEAD:a") == "fake"
    assert open_commit(repository.root, "HEAD").read("a") == b"real"


def test_the_root_is_the_repository_else_a_folder_of_specs_else_the_start(
    repository: Repository, tmp_path: Path
) -> None:
    file = repository.write("deep/down/file")
    assert find_root(file) == repository.root
    (tmp_path / "plain" / "specs").mkdir(parents=True)
    (tmp_path / "plain" / "x").mkdir()
    assert find_root(tmp_path / "plain" / "x") == tmp_path / "plain"
    (tmp_path / "bare").mkdir()
    assert find_root(tmp_path / "bare") == tmp_path / "bare"


def test_a_folder_below_the_top_is_read_by_itself(repository: Repository) -> None:
    repository.write("sub/a", "1")
    repository.write("other", "2")
    repository.commit()
    repository.write(".gitignore", "sub\n")
    assert [e.path for e in open_commit(repository.root / "sub", "HEAD").entries()] == ["a"]
    assert [e.path for e in open_work_tree(repository.root / "sub").entries()] == ["a"]


def test_documents_are_found_under_their_roots_in_both_trees(repository: Repository) -> None:
    for name in ("specs/a.yaml", "specs/x/b.yml", "specs/c.txt", "specs/.hid/d.yaml", "one.yaml"):
        repository.write(name, f"name: {name}\n")
    repository.write("other/e.yaml", "name: e\n")
    repository.commit()
    expected = ["one.yaml", "specs/a.yaml", "specs/x/b.yml"]
    for tree in (open_work_tree(repository.root), open_commit(repository.root, "HEAD")):
        documents, diagnostics = load_documents(tree, ["specs/", "./one.yaml", "missing"])
        assert [d.path for d in documents] == expected
        assert not diagnostics
        assert [e.path for e in tree.under(["."])] == sorted([*expected, "other/e.yaml"])


def test_symlinks_and_submodules_are_named_and_not_followed(
    repository: Repository, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("secret: 1\n")
    specs = repository.write("specs/a.yaml", "a: 1\n").parent
    (specs / "in.yaml").symlink_to("a.yaml")
    (specs / "out.yaml").symlink_to("../../secret.yaml")
    (specs / "absolute.yaml").symlink_to(secret)
    (specs / "folder").symlink_to(tmp_path)
    other = Repository(specs / "sub")
    other.root.mkdir()
    other.git("init", "-q")
    other.write("s.yaml", "s: 1\n")
    linked = other.commit()
    repository.commit()
    found = []
    for tree in (open_work_tree(repository.root), open_commit(repository.root, "HEAD")):
        documents, diagnostics = load_documents(tree, ["specs"])
        assert [d.value for d in documents] == [{"a": 1}]
        found.append({(d.span.path, d.rule) for d in diagnostics})
        assert Entry("specs/sub", "160000", linked) in tree.entries()
        assert tree.read("specs/sub") == linked.encode()
    assert (
        found[0]
        == found[1]
        == {
            ("specs/in.yaml", "document-symlink"),
            ("specs/out.yaml", "document-symlink-leaves-tree"),
            ("specs/absolute.yaml", "document-symlink-leaves-tree"),
            ("specs/folder", "document-symlink-leaves-tree"),
            ("specs/sub", "document-submodule"),
        }
    )
    paths = [e.path for e in open_work_tree(repository.root).entries()]
    assert open_work_tree(repository.root).digest(paths) == tree.digest(paths)


def test_a_tracked_file_behind_a_symlinked_folder_is_not_read(
    repository: Repository, tmp_path: Path
) -> None:
    repository.write("d/a.yaml", "a: 1\n")
    repository.commit()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.yaml").write_text("secret: 1\n")
    (repository.root / "d" / "a.yaml").unlink()
    (repository.root / "d").rmdir()
    (repository.root / "d").symlink_to(tmp_path / "elsewhere")
    tree = open_work_tree(repository.root)
    assert [e.path for e in tree.entries()] == ["d"]
    with pytest.raises(ChimeraError):
        tree.read("d/a.yaml")
    assert tree.under(["d/a.yaml"]) == ()


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../../x", ".git/config", "a//b", "a\\b"]
)
def test_a_path_that_leaves_the_tree_is_refused(repository: Repository, path: str) -> None:
    repository.write("a", "1")
    repository.commit()
    for tree in (open_work_tree(repository.root), open_commit(repository.root, "HEAD")):
        with pytest.raises(ChimeraError):
            tree.read(path)
        with pytest.raises(ChimeraError):
            tree.digest([path])


@pytest.mark.parametrize("name", ["..", ".git", "a\\b", ".GIT"])
def test_a_tree_object_with_a_dangerous_name_is_refused(repository: Repository, name: str) -> None:
    blob = repository.git("hash-object", "-w", "--stdin", stdin=b"x")
    raw = b"100644 " + name.encode() + b"\0" + bytes.fromhex(blob)
    tree_id = repository.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)
    commit = repository.git("commit-tree", tree_id, "-m", "x")
    with pytest.raises(ChimeraError, match="leave the tree"):
        open_commit(repository.root, commit).entries()


def test_export_writes_content_modes_and_inner_links(
    repository: Repository, tmp_path: Path
) -> None:
    repository.write("a b/é", "1\r\n")
    repository.write("run", "x").chmod(0o755)
    (repository.root / "a b" / "link").symlink_to("é")
    repository.commit()
    for number, tree in enumerate(
        (open_work_tree(repository.root), open_commit(repository.root, "HEAD"))
    ):
        into = tmp_path / f"out{number}"
        paths = [entry.path for entry in tree.entries()]
        export(tree, paths, into)
        assert (into / "a b" / "é").read_bytes() == b"1\r\n"
        assert os.access(into / "run", os.X_OK)
        assert (into / "a b" / "link").readlink() == Path("é")
        assert open_work_tree(into).digest(paths) == tree.digest(paths)


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "d/../../outside", ".git/config"])
def test_export_refuses_a_link_that_leaves(
    repository: Repository, tmp_path: Path, target: str
) -> None:
    (repository.root / "link").symlink_to(target)
    repository.commit()
    with pytest.raises(ChimeraError, match="points out"):
        export(open_commit(repository.root, "HEAD"), ["link"], tmp_path / "out")
    assert not (tmp_path / "out" / "link").is_symlink()


def test_export_refuses_links_that_leave_together(repository: Repository, tmp_path: Path) -> None:
    (repository.root / "d").mkdir()
    (repository.root / "d" / "up").symlink_to("..")
    (repository.root / "link").symlink_to("d/up/../x")
    repository.commit()
    with pytest.raises(ChimeraError, match="points out"):
        export(open_commit(repository.root, "HEAD"), ["d/up", "link"], tmp_path / "out")


def test_export_never_writes_through_a_link_that_is_there(
    repository: Repository, tmp_path: Path
) -> None:
    repository.write("d/a", "1")
    repository.commit()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "d").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ChimeraError, match="through a symlink"):
        export(open_work_tree(repository.root), ["d/a"], tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_export_of_an_absent_path_says_which(repository: Repository, tmp_path: Path) -> None:
    repository.commit()
    with pytest.raises(ChimeraError, match="'nothing'"):
        export(open_commit(repository.root, "HEAD"), ["nothing"], tmp_path / "out")
    with pytest.raises(ChimeraError, match="'nothing'"):
        export(open_work_tree(repository.root), ["nothing"], tmp_path / "out")


@pytest.mark.parametrize(
    ("attributes", "content", "warns"),
    [
        ("* text=auto\n", b"a\r\n", True),
        ("* text=auto\n", b"a\n", False),
        ("* text=auto\n", b"\0a\r\n", False),
        ("* eol=lf\n", b"a\r\n", True),
        ("* -text\n", b"a\r\n", False),
        ("* filter=x\n", b"a\n", True),
        ("* ident\n", b"a\n", True),
        ("* working-tree-encoding=UTF-16\n", b"a\n", True),
        ("", b"a\r\n", False),
    ],
)
def test_an_attribute_that_converts_is_told(
    repository: Repository, attributes: str, content: bytes, warns: bool
) -> None:
    repository.write(".gitattributes", attributes)
    repository.write("a b", content)
    tree = open_work_tree(repository.root)
    assert [(d.rule, d.span.path) for d in conversions(tree, ["a b"])] == (
        [("git-converted-path", "a b")] if warns else []
    )


def test_only_a_work_tree_with_git_can_be_converted(repository: Repository, tmp_path: Path) -> None:
    repository.write(".gitattributes", "* text\n")
    repository.write("a", b"x\r\n")
    repository.commit()
    assert conversions(open_commit(repository.root, "HEAD"), ["a"]) == ()
    (tmp_path / "a").write_bytes(b"x\r\n")
    assert conversions(open_work_tree(tmp_path), ["a"]) == ()


def test_a_file_that_cannot_be_read_is_one_diagnostic(repository: Repository) -> None:
    repository.write("specs/a.yaml", "a: 1\n")
    repository.write("specs/b.yaml", "b: 1\n")
    repository.commit()
    blob = repository.git("rev-parse", "HEAD:specs/a.yaml")
    (repository.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    documents, diagnostics = load_documents(open_commit(repository.root, "HEAD"), ["specs"])
    assert [d.value for d in documents] == [{"b": 1}]
    assert [(d.rule, d.span.path) for d in diagnostics] == [("document-unreadable", "specs/a.yaml")]

"""Nothing that a repository configures is ever run."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from chimera.documents import (
    Globs,
    conversions,
    differences,
    export,
    find_root,
    head,
    load_documents,
    locate,
    open_commit,
    open_merge,
    open_work_tree,
    span_of,
)
from chimera.model import GitError, Place
from tests.documents.conftest import Repository

HOOKS = ("post-checkout", "post-index-change", "pre-auto-gc", "reference-transaction", "pre-commit")


@pytest.fixture
def hostile(repository: Repository, tmp_path: Path) -> Repository:
    """A repository in which every way to run something would leave a file in `canaries`."""
    (tmp_path / "canaries").mkdir()

    def trap(name: str) -> str:
        script = tmp_path / f"trap-{name}"
        script.write_text(f"#!/bin/sh\ntouch '{tmp_path}/canaries/{name}'\ncat\n")
        script.chmod(0o755)
        return str(script)

    repository.write("specs/a.yaml", "a: 1\nb: !x 2\n")
    repository.write("src/code.py", "x\r\n")
    repository.commit()
    repository.write("src/code.py", "y\r\n")
    repository.commit()
    repository.write(
        ".gitattributes",
        "* text=auto filter=f diff=d merge=m\n*.yaml working-tree-encoding=UTF-16\n",
    )
    repository.git("update-index", "--fsmonitor")
    settings = {
        "core.fsmonitor": "fsmonitor",
        "filter.f.clean": "clean",
        "filter.f.smudge": "smudge",
        "filter.f.process": "process",
        "diff.external": "external",
        "diff.d.textconv": "textconv",
        "diff.d.command": "command",
        "merge.m.driver": "driver",
        "core.sshCommand": "ssh",
        "core.pager": "pager",
        "pager.ls-files": "pager-ls",
        "core.editor": "editor",
        "core.askPass": "askpass",
        "core.gitProxy": "proxy",
        "gpg.program": "gpg",
        "credential.helper": "credential",
        "core.alternateRefsCommand": "alternate",
        "uploadpack.packObjectsHook": "pack",
        "alias.ls-files": "alias",
        "remote.origin.uploadpack": "uploadpack",
    }
    for key, name in settings.items():
        repository.git("config", key, ("!" if key.startswith("alias") else "") + trap(name))
    repository.git("config", "remote.origin.url", "ssh://example.invalid/x")
    repository.git("config", "remote.origin.promisor", "true")
    repository.git("config", "filter.f.required", "true")
    hooks = repository.root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in HOOKS:
        (hooks / hook).write_text(Path(trap(f"hook-{hook}")).read_text())
        (hooks / hook).chmod(0o755)
    return repository


def test_no_configured_program_runs(
    hostile: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canaries = tmp_path / "canaries"
    for variable in ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_SSH_COMMAND", "GIT_ASKPASS"):
        monkeypatch.setenv(variable, str(tmp_path / "trap-external"))
    index = (hostile.root / ".git" / "index").read_bytes()
    blob = hostile.git("rev-parse", "HEAD~1:src/code.py")
    for canary in canaries.iterdir():
        canary.unlink()  # making the repository, and asking it just now, may have run some
    (hostile.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()

    root = find_root(hostile.root / "src")
    assert head(root) is not None
    work, commit = open_work_tree(root), open_commit(root, "HEAD")
    for tree in (work, commit):
        paths = Globs(["**"]).filter([entry.path for entry in tree.entries()])
        assert tree.read("src/code.py") == b"y\r\n"
        tree.read_many(paths)
        tree.digest(paths)
        documents, diagnostics = load_documents(tree, ["specs"])
        assert not documents
        assert locate(diagnostics, tree)[0].rule == "yaml-tag"
        assert span_of(tree, Place("specs/a.yaml", 0, ("b",))).line == 2
        export(tree, paths, tmp_path / f"out-{tree.revision}")
    assert {d.span.path for d in conversions(work, paths)} >= {"src/code.py"}
    former = open_commit(root, "HEAD~1")
    assert [d.path for d in differences(former, commit)] == ["src/code.py"]
    assert {d.path for d in differences(commit, work)} == {".gitattributes"}
    assert open_merge(root, "HEAD~1", "HEAD").tree.entries() == commit.entries()
    with pytest.raises(GitError):  # the missing object is not fetched from the promisor
        open_commit(root, "HEAD~1").read("src/code.py")

    assert list(canaries.iterdir()) == []
    assert (hostile.root / ".git" / "index").read_bytes() == index


def test_the_traps_do_spring(hostile: Repository, tmp_path: Path) -> None:
    """The control: a plain Git command falls into them."""
    for canary in (tmp_path / "canaries").iterdir():
        canary.unlink()
    hostile.write("src/code.py", "z\r\n")
    with suppress(AssertionError):  # a filter that is a trap may also fail the command
        hostile.git("status")
    assert list((tmp_path / "canaries").iterdir())


def test_a_commit_of_ten_billion_paths_is_refused(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten trees, each of which holds the next ten times."""
    monkeypatch.setattr(sys.modules["chimera.documents.differences"], "_MOST", 5_000)
    monkeypatch.setattr("chimera.documents.commit._LISTING_BYTES", 1 << 20)
    empty = open_commit(repository.root, repository.commit())
    id = repository.git("hash-object", "-w", "--stdin", stdin=b"boom")
    kind = "100644 blob"
    for _ in range(10):
        listed = "".join(f"{kind} {id}\t{name}\n" for name in range(10))
        id, kind = repository.git("mktree", stdin=listed.encode()), "040000 tree"
    bomb = open_commit(repository.root, repository.git("commit-tree", id, "-m", "bomb"))
    with pytest.raises(GitError, match="more than 5000 folders differ"):
        differences(empty, bomb)
    with pytest.raises(GitError, match="more than 1 MiB of paths"):
        bomb.entries()
    assert bomb.read("1/2/3/4/5/6/7/8/9/0") == b"boom"
    assert differences(bomb, bomb) == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_another_user_is_refused(repository: Repository) -> None:
    repository.write("a")
    repository.commit()
    os.chown(repository.root, 12345, 12345)
    os.chown(repository.root / ".git", 12345, 12345)
    bare = repository.root.parent / "bare.git"
    repository.git("init", "-q", "--bare", str(bare))
    os.chown(bare, 12345, 12345)
    for root, ask in (
        (repository.root, head),
        (repository.root, lambda root: open_work_tree(root).entries()),
        (repository.root, lambda root: open_merge(root, "main", "HEAD")),
        (bare, lambda root: open_commit(root, "main")),
    ):
        with pytest.raises(GitError, match="another user"):
            ask(root)

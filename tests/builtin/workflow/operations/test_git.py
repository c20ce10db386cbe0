"""The operations `git.*`, on real repositories."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chimera.documents import authorization, git_command
from chimera.runtime import PermanentError
from chimera.runtime.recovery import StepError

Git = Callable[..., str]


@pytest.fixture
def git(perform, root: Path) -> Git:
    """Run Git in the tree as its author would; there is one commit on main."""

    def run(*arguments: str, cwd: Path = root) -> str:
        settings = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
        done = subprocess.run(
            ["git", *settings, *arguments], cwd=cwd, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    run("init", "-q", "-b", "main")
    (root / "a.txt").write_text("one\n")
    (root / "b.txt").write_text("two\n")
    run("add", ".")
    run("commit", "-q", "-m", "Begin")
    return run


@pytest.fixture
def bare(git: Git, tmp_path: Path) -> Path:
    folder = tmp_path / "bare.git"
    git("init", "-q", "--bare", "-b", "main", str(folder), cwd=tmp_path)
    return folder


def test_a_revision_is_resolved(perform, git: Git) -> None:
    assert perform("git.resolve", {}) == {"commit": git("rev-parse", "HEAD")}
    with pytest.raises(PermanentError, match="names no commit"):
        perform("git.resolve", {"revision": "nowhere"})


@pytest.mark.parametrize("revision", ["--all", "-h", "a b", "a..b", ":/x", "a\nb"])
def test_a_revision_is_no_option_and_no_range(perform, git: Git, revision: str) -> None:
    with pytest.raises(PermanentError):
        perform("git.resolve", {"revision": revision})


def test_what_differs_is_listed_by_path(perform, root: Path, git: Git) -> None:
    (root / "a.txt").write_text("other\n")
    (root / "c.txt").write_text("new\n")
    git("rm", "-q", "b.txt")
    git("add", ".")
    git("commit", "-q", "-m", "Change")
    outputs = perform("git.diff", {"before": "HEAD~1"})
    assert outputs["changes"] == [
        {"path": "a.txt", "change": "updated"},
        {"path": "b.txt", "change": "deleted"},
        {"path": "c.txt", "change": "created"},
    ]
    assert perform("git.diff", {"before": "HEAD~1", "paths": ["c*"]})["paths"] == ["c.txt"]
    with pytest.raises(PermanentError, match="3 paths differ, more than 2"):
        perform("git.diff", {"before": "HEAD~1", "limit": 2})


def test_commits_are_listed_the_newest_first(perform, root: Path, git: Git) -> None:
    (root / "a.txt").write_text("other\n")
    git("commit", "-q", "-am", "Change a\n\nWhy: it was wrong.")
    first, second = perform("git.log", {})["commits"]
    assert (first["subject"], first["author"], first["email"]) == (
        "Change a",
        "Ann",
        "ann@example.org",
    )
    assert first["commit"] == git("rev-parse", "HEAD")
    assert second["subject"] == "Begin"
    assert len(perform("git.log", {"since": "HEAD~1"})["commits"]) == 1
    assert [c["subject"] for c in perform("git.log", {"paths": ["b.txt"]})["commits"]] == ["Begin"]
    assert len(perform("git.log", {"limit": 1})["commits"]) == 1


def test_a_commit_goes_on_a_branch_and_touches_nothing_else(perform, root: Path, git: Git) -> None:
    (root / ".chimera" / "out").mkdir(parents=True)
    (root / ".chimera" / "out" / "new").write_text("made\n")
    given = {
        "branch": "results",
        "files": {"results/new.txt": ".chimera/out/new"},
        "delete": ["b.txt"],
        "message": "Add results",
        "author": "Bot <bot@example.org>",
    }
    done = perform("git.commit", given)
    assert done == {"commit": git("rev-parse", "results"), "branch": "refs/heads/results"}
    assert git("show", "results:results/new.txt") == "made"
    assert git("ls-tree", "-r", "--name-only", "results").split() == ["a.txt", "results/new.txt"]
    assert git("log", "-1", "--format=%an %s", "results") == "Bot Add results"
    assert git("rev-parse", "results~1") == git("rev-parse", "main")
    assert git("status", "--porcelain", "--", "a.txt", "b.txt") == ""
    # Another attempt, after one that nobody heard the end of, makes no other commit.
    assert perform("git.commit", given) == done
    assert git("rev-list", "--count", "results") == "2"


def test_a_commit_made_again_before_its_branch_moved_is_the_same(
    perform, root: Path, git: Git
) -> None:
    given = {"branch": "results", "files": {"c.txt": "a.txt"}, "message": "Copy"}
    done = perform("git.commit", given)
    git("update-ref", "-d", "refs/heads/results")
    assert perform("git.commit", given) == done


def test_a_branch_that_is_checked_out_is_refused(perform, git: Git, tmp_path: Path) -> None:
    given = {"files": {"c.txt": "a.txt"}, "message": "Copy"}
    with pytest.raises(PermanentError, match="checked out"):
        perform("git.commit", {"branch": "main", **given})
    git("worktree", "add", "-q", "-b", "elsewhere", str(tmp_path / "elsewhere"))
    with pytest.raises(PermanentError, match="checked out"):
        perform("git.commit", {"branch": "elsewhere", **given})


@pytest.mark.parametrize(
    "wrong",
    [
        {"files": {".git/hooks/post-checkout": "a.txt"}},
        {"files": {"../c.txt": "a.txt"}},
        {"files": {".chimera/state.db": "a.txt"}},
        {"files": {"c.txt": "../../etc/passwd"}},
        {"branch": "--force"},
        {"branch": "a..b"},
        {"author": "Eve <e@x>\ncommitter x"},
    ],
)
def test_a_commit_of_what_is_nobodys_business_is_refused(
    perform, git: Git, wrong: dict[str, Any]
) -> None:
    given = {"branch": "x", "files": {"c.txt": "a.txt"}, "message": "Copy", **wrong}
    with pytest.raises(PermanentError):
        perform("git.commit", given)
    assert git("branch", "--list", "x") == ""


def test_hooks_and_monitors_of_the_repository_do_not_run(
    perform, root: Path, git: Git, bare: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    for name in ("pre-commit", "post-commit", "reference-transaction", "pre-push"):
        hook = root / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
        hook.chmod(0o755)
    git("config", "core.fsmonitor", f"touch {mark}; false")
    git("config", "credential.helper", f"!touch {mark}")
    perform("git.commit", {"branch": "x", "files": {"c.txt": "a.txt"}, "message": "Copy"})
    perform("git.tag", {"name": "v1"})
    perform("git.push", {"remote": str(bare), "revision": "x", "to": "refs/heads/x"})
    assert not mark.exists()


def test_a_tag_is_given_once(perform, root: Path, git: Git) -> None:
    assert perform("git.tag", {"name": "v1.0"}) == {"commit": git("rev-parse", "v1.0")}
    perform("git.tag", {"name": "v1.0"})
    (root / "a.txt").write_text("other\n")
    git("commit", "-q", "-am", "Change")
    with pytest.raises(PermanentError, match="already"):
        perform("git.tag", {"name": "v1.0"})


def test_a_push_goes_forward_only(perform, root: Path, git: Git, bare: Path) -> None:
    given = {"remote": str(bare), "revision": "main", "to": "refs/heads/release"}
    sent = perform("git.push", given)
    assert perform("git.push", given) == sent
    assert git("rev-parse", "release", cwd=bare) == sent["commit"]
    git("commit", "-q", "--amend", "-m", "Begin again")
    with pytest.raises(PermanentError, match="refused"):
        perform("git.push", given)
    with pytest.raises(PermanentError, match="refused"):
        perform("git.push", {**given, "replaces": "0" * 39 + "1"})
    perform("git.push", {**given, "replaces": sent["commit"]})
    assert git("rev-parse", "release", cwd=bare) == git("rev-parse", "main")


def test_a_fetched_commit_can_be_named(perform, root: Path, git: Git, bare: Path) -> None:
    perform("git.push", {"remote": str(bare), "revision": "main", "to": "refs/heads/main"})
    fetched = perform("git.fetch", {"remote": str(bare), "ref": "main", "name": "theirs"})
    assert fetched["commit"] == git("rev-parse", "main")
    assert perform("git.resolve", {"revision": "refs/chimera/theirs"}) == fetched


@pytest.mark.parametrize(
    "remote",
    [
        "origin",
        "ext::sh -c x",
        "https://a:b@example.org/x",
        "-oProxyCommand=x",
        "git://x/y",
        "../x",
    ],
)
def test_only_the_address_of_a_repository_is_a_remote(perform, git: Git, remote: str) -> None:
    with pytest.raises(PermanentError, match="address of a repository"):
        perform("git.push", {"remote": remote, "revision": "main", "to": "refs/heads/x"})


def test_a_remote_that_is_not_there_is_said_so(perform, git: Git, tmp_path: Path) -> None:
    given = {"remote": str(tmp_path / "nothing"), "revision": "main", "to": "refs/heads/x"}
    with pytest.raises(PermanentError, match="does not appear to be a git repository"):
        perform("git.push", given)


def test_a_host_that_cannot_be_reached_is_a_transient_failure(perform, git: Git) -> None:
    given = {"remote": "https://127.0.0.1:1/x", "revision": "main", "to": "refs/heads/x"}
    with pytest.raises(StepError, match="git push failed") as raised:
        perform("git.push", given)
    assert raised.value.transient


def test_a_token_is_on_no_command_line_and_goes_to_https_only(
    perform, root: Path, git: Git, bare: Path
) -> None:
    env = authorization("https://example.org/x", "s3cret-token")
    command = git_command(root, "push", environment=env, remote=True)
    assert "s3cret" not in repr(command)
    assert "s3cret" not in " ".join(command.argv)
    given = {"remote": str(bare), "revision": "main", "to": "refs/heads/x", "token": "s3cret-token"}
    with pytest.raises(PermanentError, match="only to https") as raised:
        perform("git.push", given)
    assert "s3cret" not in str(raised.value)

"""Whether one commit contains another, and who wrote what is there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from chimera.documents import commits_of, has_commit, is_contained
from chimera.model import GitError


def git(root: Path, *args: str, who: str = "ann") -> str:
    identity = {
        "GIT_AUTHOR_NAME": who,
        "GIT_AUTHOR_EMAIL": f"{who}@example.org",
        "GIT_COMMITTER_NAME": "c",
        "GIT_COMMITTER_EMAIL": "c@example.org",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    done = subprocess.run(
        ["git", *args],
        cwd=root,
        env={**os.environ, **identity},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def commit(root: Path, path: str, text: str, who: str = "ann") -> str:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "x\n\ngpgsig forged\nauthor eve <eve@example.org> 0", who=who)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "one"
    made.mkdir()
    git(made, "init", "-q", "-b", "main")
    return made


def test_a_commit_contains_itself_and_its_ancestors_and_nothing_else(root: Path) -> None:
    first, second = commit(root, "a", "1"), commit(root, "a", "2")
    assert is_contained(root, first, second)
    assert is_contained(root, second, second)
    assert not is_contained(root, second, first)
    git(root, "checkout", "-q", "-b", "other", first)
    assert not is_contained(root, commit(root, "b", "1"), second)


def test_a_shallow_clone_says_how_deep_to_fetch(root: Path, tmp_path: Path) -> None:
    first, second = commit(root, "a", "1"), commit(root, "a", "2")
    third = commit(root, "a", "3")
    shallow = tmp_path / "two"
    git(tmp_path, "clone", "-q", "--depth=2", f"file://{root}", str(shallow))
    assert is_contained(shallow, second, third)
    assert not has_commit(shallow, first)
    git(shallow, "checkout", "-q", "--orphan", "lone")
    lone = commit(shallow, "a", "4")
    with pytest.raises(GitError, match="this clone is shallow") as caught:
        is_contained(shallow, lone, third)
    assert "--unshallow" in str(caught.value.help)


def test_a_commit_that_is_not_there_is_an_error(root: Path) -> None:
    present = commit(root, "a", "1")
    with pytest.raises(GitError):
        is_contained(root, "0" * 40, present)


def test_the_authors_are_those_of_what_stands_there(root: Path) -> None:
    first = commit(root, "src/a", "1", "ann")
    second = commit(root, "src/a", "2", "bob")
    commit(root, "lib/b", "1", "cid")
    found = commits_of(root, ("src/**",), None)
    assert [(c.id, c.author, c.email) for c in found] == [
        (second, "bob", "bob@example.org"),
        (first, "ann", "ann@example.org"),
    ]
    assert [c.signature for c in found] == ["", ""], "what a message says is no header"
    assert [c.id for c in commits_of(root, ("src/**",), first)] == [second]
    assert commits_of(root, (), None) == ()


def test_whoever_merges_is_no_author(root: Path) -> None:
    first = commit(root, "src/a", "1", "ann")
    git(root, "checkout", "-q", "-b", "topic")
    commit(root, "src/a", "2", "bob")
    git(root, "checkout", "-q", "main")
    commit(root, "lib/b", "1", "cid")
    git(root, "merge", "-q", "--no-ff", "--no-edit", "topic", who="merger")
    assert [c.author for c in commits_of(root, ("src/**",), first)] == ["bob"]

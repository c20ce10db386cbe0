"""Globs mean what Git's `:(glob)` pathspecs mean."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.documents import Globs
from chimera.model import UsageError

_NAMES = ["a", "b", "ab", "aa", "a.b", "é", "a*", "a[", "[a]", "a b", "-a", "A", "1", "aab", "a]b"]


@cache
def _index() -> tuple[Path, list[str]]:
    """Return a repository whose index names every path of one, two or three of `_NAMES`."""
    root = Path(mkdtemp(prefix="chimera-globs-"))
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    blob = _git(root, "hash-object", "-w", "--stdin").strip().decode()
    paths = [f"f/{a}" for a in _NAMES]
    paths += [f"{a}/{b}" for a in _NAMES for b in _NAMES if b != "a"]
    paths += [f"{a}/a/{b}" for a in _NAMES for b in _NAMES]
    lines = "".join(f"100644 {blob}\t{path}\0" for path in paths)
    _git(root, "update-index", "-z", "--index-info", stdin=lines.encode())
    return root, sorted(paths)


def _git(root: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=root, input=stdin, capture_output=True, check=True
    ).stdout


_PIECES = st.sampled_from(
    [
        "a",
        "b",
        "f",
        "A",
        "é",
        "*",
        "**",
        "***",
        "/",
        "**/",
        "/**",
        "?",
        ".",
        "-",
        ":",
        "!",
        "^",
        "[",
        "]",
        "\\",
        "\\*",
        "\\/",
        "[a]",
        "[!a]",
        "[^b]",
        "[a-b]",
        "[]a]",
        "[a-]",
        "[+--]",
        "[a/b]",
        "[[:alpha:]]",
        "[[:upper:]b]",
        "[[:alpha]",
        "[[:x:]]",
        "[\\]]",
        "[\\a-b]",
        "[[]",
        "a/*/",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_PIECES, min_size=1, max_size=6).map("".join))
def test_patterns_match_as_git_matches_them(pattern: str) -> None:
    root, paths = _index()
    try:
        globs = Globs([pattern])
    except UsageError:
        return
    listed = _git(root, "ls-files", "-z", "--", ":(glob)" + pattern)
    assert globs.filter(paths) == sorted(os.fsdecode(p) for p in listed.split(b"\0")[:-1])


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("src/**", "src/a/b.py", True),
        ("src/**/*.py", "src/b.py", True),
        ("src/*.py", "src/a/b.py", False),
        ("src", "src/a/b.py", True),
        ("src/", "src/a", True),
        ("./src//x", "src/x", True),
        ("src", "source/a", False),
        ("**/x", "x", True),
        ("a/**/b/**/c", "a/1/b/2/3/c", True),
        ("?", "é", False),  # one byte, as in Git
        (".", "anything", True),
    ],
)
def test_globs_name_files_folders_and_depths(pattern: str, path: str, expected: bool) -> None:
    assert Globs([pattern]).matches(path) is expected


def test_several_patterns_are_a_union_and_none_match_nothing() -> None:
    assert Globs(["a", "b/*"]).filter(["a", "b/c", "c"]) == ["a", "b/c"]
    assert not Globs([]).matches("a")


@pytest.mark.parametrize("pattern", ["", "/etc/*", "../x", "a/../../b", "a\0b"])
def test_a_pattern_that_leaves_the_tree_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError):
        Globs([pattern])


def test_a_pattern_made_to_backtrack_is_answered() -> None:
    assert not Globs(["*a" * 40 + "b"]).matches("a" * 4000)
    assert not Globs(["**/a/" * 40 + "b"]).matches("a/" * 1000 + "c")


_PATHS = st.lists(st.text("ab/*[\U0010ffff", min_size=1, max_size=5), max_size=12)


@given(st.lists(st.lists(_PIECES, min_size=1, max_size=4).map("".join), max_size=3), _PATHS)
def test_of_sorted_paths_the_same_are_selected_as_filtered(
    patterns: list[str], paths: list[str]
) -> None:
    try:
        globs = Globs(patterns)
    except UsageError:
        return
    ordered = sorted(paths)
    assert globs.select(ordered) == globs.filter(ordered)


@pytest.mark.parametrize(
    ("pattern", "path", "leads"),
    [
        ("src/**", "src", True),
        ("src/api/**", "src", True),
        ("src/api/pay.py", "src/api", True),
        ("apps/*/config/**", "apps/web", True),
        ("apps/[a-f]*/x.yaml", "apps/eve", True),
        ("src/", "src", True),
        ("src/**", "lib", False),
        ("src/**", "src/api", False),
        ("src/**/x/y", "src/x", False),
        ("apps/*/x", "apps/a/b", False),
        ("**/*.py", "src", False),
        ("*.py", "a.py", False),
        ("src", "src", False),
    ],
)
def test_where_a_pattern_goes_through_a_folder_a_link_leads_to_what_it_matches(
    pattern: str, path: str, leads: bool
) -> None:
    assert Globs([pattern]).leads_to(path) is leads

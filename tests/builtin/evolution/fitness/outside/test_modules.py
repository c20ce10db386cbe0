"""Modules of the tree: nothing outside of it is read, and all that they import is known."""

import os

import pytest

from chimera.builtin.evolution.fitness.outside.modules import digest_of, source_at, sources_of
from chimera.runtime import PermanentError


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "tools" / "deep").mkdir(parents=True)
    (root / "tools" / "__init__.py").write_text("")
    (root / "tools" / "fit.py").write_text(
        "import math, tools.model\nfrom tools.deep import part\nfrom . import near\nimport numpy\n"
    )
    (root / "tools" / "model.py").write_text("import tools.fit\n")
    (root / "tools" / "near.py").write_text("VALUE = 1\n")
    (root / "tools" / "deep" / "part.py").write_text("from ..near import VALUE\n")
    (root / "tools" / "other.py").write_text("")
    (tmp_path / "outside.py").write_text("secret = 1")
    return root


def test_a_module_and_all_that_it_imports_of_the_tree_are_found(tree):
    assert list(sources_of(tree, "tools/fit.py")) == [
        *("tools/__init__.py", "tools/deep/part.py", "tools/fit.py"),
        *("tools/model.py", "tools/near.py"),
    ]


def test_a_change_of_what_it_imports_is_a_change_and_of_others_none(tree):
    before = digest_of(tree, "tools/fit.py")
    (tree / "tools" / "other.py").write_text("x = 1")
    assert digest_of(tree, "tools/fit.py") == before
    (tree / "tools" / "near.py").write_text("VALUE = 2\n")
    assert digest_of(tree, "tools/fit.py") != before


@pytest.mark.parametrize(
    "path", ["../outside.py", "/etc/passwd", "tools/../../outside.py", "", "none.py", "tools"]
)
def test_what_is_no_file_of_the_tree_is_refused(tree, path):
    with pytest.raises(PermanentError):
        source_at(tree, path)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_no_symlink_is_followed(tree, what):
    if what == "file":
        (tree / "link.py").symlink_to(tree.parent / "outside.py")
        path = "link.py"
    else:
        (tree / "link").symlink_to(tree / "tools")
        path = "link/near.py"
    with pytest.raises(PermanentError, match=r"symlinks are not followed|cannot be read"):
        source_at(tree, path)


@pytest.mark.parametrize("folder", [".git", ".chimera", "tools/.GIT"])
def test_a_module_that_git_does_not_keep_in_the_tree_is_refused(tree, folder):
    (tree / folder).mkdir()
    (tree / folder / "fit.py").write_text("")
    with pytest.raises(PermanentError, match="is no path inside the tree"):
        source_at(tree, f"{folder}/fit.py")


def test_a_pipe_is_no_module(tree):
    os.mkfifo(tree / "pipe.py")
    with pytest.raises(PermanentError, match="it is no regular file"):
        source_at(tree, "pipe.py")


def test_what_is_no_python_is_told(tree):
    (tree / "bad.py").write_text("def fitness(:\n")
    with pytest.raises(PermanentError, match=r"'bad.py' is no Python"):
        sources_of(tree, "bad.py")

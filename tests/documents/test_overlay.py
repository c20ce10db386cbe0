"""A tree in which some paths are another's reads, lists and digests as a tree of those files."""

from __future__ import annotations

from pathlib import Path

import pytest

from chimera.documents import OverlayTree, open_work_tree
from chimera.model import ChimeraError


def folder(root: Path, **files: str) -> Path:
    for name, text in files.items():
        file = root / name.replace("__", "/").replace("_yaml", ".yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    base = folder(
        tmp_path / "base", a="base", src__b="base", gone_yaml="base", specs__x_yaml="base"
    )
    other = folder(tmp_path / "other", a="other", src__b="other", src__c="other")
    return base, other


def is_src(path: str) -> bool:
    return path.startswith("src/") or path == "gone.yaml"


def test_it_is_the_tree_of_the_files_that_it_shows(
    trees: tuple[Path, Path], tmp_path: Path
) -> None:
    base, other = map(open_work_tree, trees)
    overlay = OverlayTree(base, other, is_src)
    whole = folder(tmp_path / "w", a="base", src__b="other", src__c="other", specs__x_yaml="base")
    expected = open_work_tree(whole)
    paths = [entry.path for entry in expected.entries()]
    assert [entry.path for entry in overlay.entries()] == paths
    assert overlay.read_many(paths) == expected.read_many(paths)
    assert overlay.digest(paths) == expected.digest(paths)
    assert overlay.read("src/c") == b"other"
    assert [e.path for e in overlay.under(["."])] == [e.path for e in expected.under(["."])]


def test_what_the_other_tree_has_not_is_not_there(trees: tuple[Path, Path]) -> None:
    base, other = map(open_work_tree, trees)
    overlay = OverlayTree(base, other, is_src)
    for ask in (overlay.read, lambda path: overlay.digest([path])):
        with pytest.raises(ChimeraError):
            ask("gone.yaml")


def test_what_is_read_is_cut_where_it_is_asked_for(trees: tuple[Path, Path]) -> None:
    base, other = map(open_work_tree, trees)
    overlay = OverlayTree(base, other, is_src)
    assert overlay.read_many(["a", "src/b"], limit=2) == {"a": b"bas", "src/b": b"oth"}

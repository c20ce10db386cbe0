"""What changes between two trees: only what differs is read, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import pytest

from chimera.documents import differences, open_work_tree
from chimera.kinds import (
    Field,
    Glob,
    Governs,
    Items,
    Kind,
    Model,
    Registry,
    Snapshot,
    load_snapshot,
    read_source,
)
from chimera.model import Action, Address, Category, Change, Digest, PathSet, Placement
from chimera.plan import Side, compare_trees, target_digests


class GuardSpec(Model):
    """Something that governs paths."""

    paths: Items[Annotated[Glob, Governs()]] = Field(default=(), description="What.")
    note: str = Field(default="", description="Why.")


REGISTRY = Registry(
    {
        "Guard": Kind("Guard", GuardSpec, "Governs."),
        "Job": Kind("Job", GuardSpec, "Runs.", executable=True),
        "Log": Kind("Log", GuardSpec, "Says.", record=True),
    }
)
A, JOB = Address("Guard", "a"), Address("Job", "j")
SRC = PathSet.of(["src/**"])


class Folder:
    """One side: files on disk, and where documents stand."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.standing: dict[Address, tuple[Placement, ...]] = {}
        self.digested: list[list[str]] = []

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def document(
        self, kind: str, name: str, paths: str = "[]", note: str = "", file: str = ""
    ) -> None:
        self.write(
            f"specs/{file or f'{kind}-{name}'}.yaml",
            f"apiVersion: chimera/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
            f"spec: {{paths: {paths}, note: '{note}'}}\n",
        )

    def stand(self, address: Address, layer: str, *, dormant: bool = False) -> None:
        self.standing[address] = (Placement(address, layer, dormant),)

    def snapshot(self) -> Snapshot:
        tree = open_work_tree(self.root)
        digest = tree.digest

        def watched(paths: Iterable[str]) -> Digest:
            self.digested.append(list(paths))
            return digest(self.digested[-1])

        tree.digest = watched  # type: ignore[method-assign]
        loaded = load_snapshot(read_source(tree), REGISTRY)
        assert loaded.diagnostics == ()
        return loaded.snapshot


class Pair:
    """Two trees that begin equal."""

    def __init__(self, root: Path) -> None:
        self.before, self.after = Folder(root / "before"), Folder(root / "after")

    def both(self, path: str, text: str) -> None:
        for side in (self.before, self.after):
            side.write(path, text)

    def document(self, kind: str, name: str, paths: str = "[]", note: str = "") -> None:
        for side in (self.before, self.after):
            side.document(kind, name, paths, note)

    def changes(self, others: Iterable[Address] = ()) -> dict[str, Change]:
        old, new = self.before.snapshot(), self.after.snapshot()
        differing = [difference.path for difference in differences(old.tree, new.tree)]
        found = compare_trees(
            Side(old, self.before.standing),
            Side(new, self.after.standing),
            differing,
            "main",
            list(others),
        )
        assert len({change.target for change in found}) == len(found)
        return {str(change.target): change for change in found}


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = Pair(tmp_path)
    made.document("Guard", "a", "['src/**']")
    made.document("Guard", "b", "['docs/**']")
    made.both("src/x", "1")
    made.both("docs/x", "1")
    return made


def test_two_equal_trees_differ_in_nothing_and_nothing_is_digested(pair: Pair) -> None:
    pair.document("Job", "j", "['src/**']")
    assert pair.changes() == {}
    assert pair.before.digested == pair.after.digested == []


def test_only_path_sets_with_a_differing_path_are_digested(pair: Pair) -> None:
    pair.after.write("docs/x", "2")
    changes = pair.changes()
    assert (changes["paths:docs/**"].action, changes["paths:docs/**"].paths) == (
        Action.UPDATE,
        ("docs/x",),
    )
    assert changes.keys() == {"paths:docs/**"}
    assert pair.before.digested == pair.after.digested == [["docs/x"]]


def test_a_path_set_has_the_digests_that_a_state_keeps_of_it(pair: Pair) -> None:
    pair.after.write("src/x", "2")
    pair.after.write("src/y", "2")
    change = pair.changes()["paths:src/**"]
    assert change.paths == ("src/x", "src/y")
    assert change.before == target_digests(pair.before.snapshot())[SRC]
    assert change.after == target_digests(pair.after.snapshot())[SRC]
    assert change.category is None, "nobody refers to paths"


def test_a_set_that_several_govern_is_digested_and_told_once(pair: Pair) -> None:
    pair.document("Guard", "c", "['src/**']")
    pair.document("Job", "j", "['src/**']")
    pair.after.write("src/x", "2")
    assert pair.changes()["Job/j"].action is Action.UPDATE
    assert len(pair.after.digested) == 1


def test_a_set_comes_and_goes_with_its_first_and_last_path(pair: Pair) -> None:
    (pair.after.root / "docs/x").unlink()
    (pair.before.root / "src/x").unlink()
    changes = pair.changes()
    gone, new = changes["paths:docs/**"], changes["paths:src/**"]
    assert (gone.action, gone.after, gone.paths) == (Action.DELETE, None, ("docs/x",))
    assert (new.action, new.before, new.paths) == (Action.CREATE, None, ("src/x",))


def test_what_is_governed_newly_or_no_longer_is_told_though_no_byte_differs(pair: Pair) -> None:
    pair.after.document("Guard", "a", "['docs/x']")
    changes = pair.changes()
    assert changes["paths:src/**"].action is Action.DELETE
    assert changes["paths:src/**"].reason == "is no longer governed"
    assert changes["paths:docs/x"].action is Action.CREATE
    assert changes["paths:docs/x"].reason == "is governed now"
    assert changes["paths:docs/x"].paths == ()


def test_a_set_that_matches_nothing_in_either_tree_is_no_target_when_it_comes(pair: Pair) -> None:
    pair.after.document("Guard", "c", "['nowhere/**']")
    assert "paths:nowhere/**" not in pair.changes()


def test_an_executable_document_changes_with_the_paths_that_it_declares(pair: Pair) -> None:
    pair.document("Job", "j", "['src/**']")
    pair.after.write("src/x", "2")
    change = pair.changes()["Job/j"]
    assert change.action is Action.UPDATE
    assert change.before == target_digests(pair.before.snapshot())[JOB]
    assert change.after == target_digests(pair.after.snapshot())[JOB]
    pair.after.write("src/x", "1")
    pair.after.document("Job", "j", "['src/**']", note="other")
    assert pair.changes()["Job/j"].after == target_digests(pair.after.snapshot())[JOB]


def test_a_document_that_says_the_same_in_other_words_is_cosmetic(pair: Pair) -> None:
    file = pair.after.root / "specs/Guard-a.yaml"
    file.write_text("# why\n" + file.read_text())
    change = pair.changes()["Guard/a"]
    assert (change.action, change.category, change.paths) == (
        Action.NO_OP,
        Category.COSMETIC,
        ("specs/Guard-a.yaml",),
    )
    assert not change.changes


def test_of_a_file_in_which_something_changes_nothing_is_called_cosmetic(pair: Pair) -> None:
    for side in (pair.before, pair.after):
        file = side.root / "specs/Guard-a.yaml"
        file.write_text(file.read_text() + "---\n" + file.read_text().replace("name: a", "name: c"))
    file = pair.after.root / "specs/Guard-a.yaml"
    file.write_text(file.read_text()[::-1].replace("''", "'x'", 1)[::-1])
    changes = pair.changes()
    assert changes["Guard/c"].action is Action.UPDATE
    assert changes.keys() == {"Guard/c"}


def test_a_document_that_moved_is_cosmetic_where_its_layers_are_the_same(pair: Pair) -> None:
    (pair.after.root / "specs/Guard-a.yaml").rename(pair.after.root / "specs/other.yaml")
    for side in (pair.before, pair.after):
        side.stand(A, "ops/1")
    change = pair.changes()["Guard/a"]
    assert (change.category, change.reason) == (
        Category.COSMETIC,
        "moved from specs/Guard-a.yaml to specs/other.yaml",
    )
    pair.after.stand(A, "ops/2")
    change = pair.changes()["Guard/a"]
    assert (change.action, change.before) == (Action.UPDATE, change.after)
    assert change.is_move
    assert change.reason.endswith("and so from ops/1 to ops/2")
    assert change.paths == ("specs/Guard-a.yaml", "specs/other.yaml")


def test_a_renamed_document_is_deleted_and_created(pair: Pair) -> None:
    (pair.after.root / "specs/Guard-a.yaml").unlink()
    pair.after.document("Guard", "z", "['src/**']")
    changes = pair.changes()
    assert changes["Guard/a"].action is Action.DELETE
    assert changes["Guard/z"].action is Action.CREATE
    assert "paths:src/**" not in changes, "somebody still governs it"


def test_what_is_dormant_in_a_tree_is_not_there(pair: Pair) -> None:
    pair.after.document("Guard", "a", "['src/**']", note="edited")
    pair.after.stand(A, "ops/4", dormant=True)
    leaves = pair.changes()["Guard/a"]
    assert (leaves.action, leaves.after, leaves.reason) == (
        Action.DELETE,
        None,
        "stands in a dormant layer",
    )
    pair.before.stand(A, "ops/4", dormant=True)
    stays = pair.changes()["Guard/a"]
    assert (stays.action, stays.before, stays.paths) == (
        Action.NO_OP,
        None,
        ("specs/Guard-a.yaml",),
    )
    pair.after.standing.clear()
    wakes = pair.changes()["Guard/a"]
    assert (wakes.action, wakes.before) == (Action.CREATE, None)
    (pair.after.root / "specs/Guard-a.yaml").unlink()
    gone = pair.changes()["Guard/a"]
    assert (gone.action, gone.reason) == (Action.NO_OP, "stood in a dormant layer")


def test_an_unchanged_dormant_document_is_no_change(pair: Pair) -> None:
    for side in (pair.before, pair.after):
        side.stand(A, "ops/4", dormant=True)
    assert pair.changes() == {}


def test_records_are_never_changes(pair: Pair) -> None:
    pair.after.document("Log", "l", "['src/**']")
    assert pair.changes() == {}


def test_a_document_that_wakes_without_a_difference_of_its_own_is_created(pair: Pair) -> None:
    pair.before.stand(A, "ops/4", dormant=True)
    assert pair.changes() == {}
    (change,) = pair.changes(others=[A]).values()
    assert (change.target, change.action) == (A, Action.CREATE)
    assert pair.changes(others=[Address("Guard", "b")]) == {}

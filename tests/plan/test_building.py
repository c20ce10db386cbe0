"""From a snapshot and what was there before, to changes: dormant layers and governed paths."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pytest

from chimera.documents import open_work_tree
from chimera.kinds import (
    EnvironmentFacts,
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
from chimera.model import (
    Action,
    Address,
    Change,
    ChimeraError,
    Obligation,
    PathSet,
    Placement,
    Target,
    digest_json,
    is_dormant,
)
from chimera.plan import (
    Baseline,
    build_plan,
    compute_changes,
    governed_globs,
    target_digests,
)


class GuardSpec(Model):
    """Something that governs paths."""

    paths: Items[Annotated[Glob, Governs()]] = Field(default=(), description="What.")
    note: str = Field(default="", description="Why.")


KINDS = (
    Kind("Guard", GuardSpec, "Governs."),
    Kind("Job", GuardSpec, "Runs.", executable=True),
    Kind("Log", GuardSpec, "Says.", record=True),
)
REGISTRY = Registry({kind.name: kind for kind in KINDS})
A, B = Address("Guard", "a"), Address("Guard", "b")
SRC = PathSet.of(["src/**"])
LOCAL = EnvironmentFacts("local", protected=False)


class Team:
    """A folder of documents and governed files."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def document(self, kind: str, name: str, paths: str = "[]", note: str = "") -> None:
        self.write(
            f"specs/{kind}-{name}.yaml",
            f"apiVersion: chimera/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
            f"spec: {{paths: {paths}, note: '{note}'}}\n",
        )

    def snapshot(self) -> Snapshot:
        loaded = load_snapshot(read_source(open_work_tree(self.root)), REGISTRY)
        assert loaded.diagnostics == ()
        return loaded.snapshot

    def changes(
        self, before: Mapping[Target, str], dormant: tuple[Address, ...] = ()
    ) -> tuple[Change, ...]:
        placements = {a: (Placement(a, "ops/4", dormant=True),) for a in dormant}
        return compute_changes(self.snapshot(), Baseline("main", before), placements)


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)


def brief(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(str(c.target), c.action.value) for c in changes]


def test_what_is_new_edited_and_gone_is_created_updated_and_deleted(team: Team) -> None:
    team.document("Guard", "a")
    team.document("Guard", "b", note="old")
    before = target_digests(team.snapshot())
    team.document("Guard", "b", note="new")
    team.document("Guard", "c")
    (team.root / "specs/Guard-a.yaml").unlink()
    assert brief(team.changes(before)) == [
        ("Guard/a", "delete"),
        ("Guard/b", "update"),
        ("Guard/c", "create"),
    ]


def test_nothing_changes_between_a_tree_and_itself(team: Team) -> None:
    team.document("Guard", "a", "['src/**']")
    team.document("Job", "j", "['src/**']")
    team.write("src/x.py", "1")
    before = target_digests(team.snapshot())
    assert {c.action for c in team.changes(before)} == {Action.NO_OP}


def test_records_are_never_changes(team: Team) -> None:
    team.document("Log", "l", "['src/**']")
    team.write("src/x.py", "1")
    assert team.changes({}) == ()


def test_documents_stand_before_path_sets_and_both_in_order(team: Team) -> None:
    team.document("Guard", "b", "['src/**']")
    team.document("Guard", "a", "['docs/**']")
    team.write("src/x", "1")
    team.write("docs/x", "1")
    assert [str(c.target) for c in team.changes({})] == [
        "Guard/a",
        "Guard/b",
        "paths:docs/**",
        "paths:src/**",
    ]


def test_a_document_of_a_dormant_layer_is_nothing_to_do(team: Team) -> None:
    team.document("Guard", "a")
    (change,) = team.changes({}, dormant=(A,))
    assert (change.action, change.before) == (Action.NO_OP, None)
    assert change.reason == "stands in a dormant layer"


def test_what_was_applied_while_its_layer_was_active_is_deleted(team: Team) -> None:
    team.document("Guard", "a")
    before = target_digests(team.snapshot())
    (change,) = team.changes(before, dormant=(A,))
    assert (change.action, change.before, change.after) == (Action.DELETE, before[A], None)
    assert change.reason == "stands in a dormant layer"


def test_a_plan_marks_its_dormant_items(team: Team) -> None:
    team.document("Guard", "a")
    team.document("Guard", "b")
    placements = {A: (Placement(A, "ops/4", dormant=True), Placement(A, "x/1", dormant=False))}
    base = Baseline("main", {})
    changes = compute_changes(team.snapshot(), base, placements)
    plan = build_plan(LOCAL, base, changes, placements, ())
    assert [(i.dormant, i.changes, i.layers) for i in plan.items] == [
        (True, False, ("ops/4", "x/1")),
        (False, True, ()),
    ]
    assert is_dormant(placements[A])
    assert not is_dormant(())


def test_a_path_set_that_matches_nothing_is_no_target(team: Team) -> None:
    team.document("Guard", "a", "['src/**']")
    assert brief(team.changes({})) == [("Guard/a", "create")]


def test_a_path_set_is_created_changes_with_a_byte_and_goes_with_its_last_path(team: Team) -> None:
    team.document("Guard", "a", "['src/**']")
    team.write("src/x", "1")
    team.write("other", "1")
    before = target_digests(team.snapshot())
    assert before.keys() == {A, SRC}
    team.write("other", "2")
    assert team.changes(before)[1].action is Action.NO_OP
    team.write("src/x", "2")
    assert team.changes(before)[1].action is Action.UPDATE
    (team.root / "src/x").unlink()
    gone = team.changes(before)[1]
    assert (gone.target, gone.action, gone.after) == (SRC, Action.DELETE, None)


def test_the_mode_and_the_name_of_a_governed_file_count(team: Team) -> None:
    team.document("Guard", "a", "['src/**']")
    team.write("src/x", "1")
    before = target_digests(team.snapshot())
    (team.root / "src/x").chmod(0o755)
    assert team.changes(before)[1].action is Action.UPDATE
    (team.root / "src/x").chmod(0o644)
    (team.root / "src/x").rename(team.root / "src/y")
    assert team.changes(before)[1].action is Action.UPDATE


def test_two_documents_that_govern_the_same_paths_share_one_target(team: Team) -> None:
    team.document("Guard", "a", "['src/**', 'lib/**']")
    team.document("Guard", "b", "['lib/**', 'src/**']")
    team.write("src/x", "1")
    assert target_digests(team.snapshot()).keys() == {A, B, PathSet.of(["src/**", "lib/**"])}


def test_all_paths_are_listed_where_digests_alone_are_known(team: Team) -> None:
    team.document("Guard", "a", "['src/**']")
    for name in "xyz":
        team.write(f"src/{name}", "1")
    before = {SRC: digest_json("before")}
    assert team.changes(before)[1].paths == ("src/x", "src/y", "src/z")


def test_an_executable_document_changes_with_the_paths_that_it_declares(team: Team) -> None:
    job = Address("Job", "j")
    team.document("Job", "j", "['src/**']")
    empty = target_digests(team.snapshot())
    team.write("src/x", "1")
    first = target_digests(team.snapshot())
    team.write("src/x", "2")
    second = target_digests(team.snapshot())
    assert empty.keys() == first.keys() == {job}
    assert len({empty[job], first[job], second[job]}) == 3
    document = team.snapshot().documents[job]
    team.document("Job", "j", "[]")
    assert target_digests(team.snapshot())[job] != document.digest


def test_governed_globs_are_sorted_and_unique(team: Team) -> None:
    team.document("Guard", "a", "['b', 'a', 'b']")
    assert governed_globs(team.snapshot().documents[A]) == ("a", "b")


def owed(target: Target, reason: str = "r") -> Obligation:
    return Obligation("proof", "Proof/p", target, Address("Gate", "g"), reason)


def test_each_item_bears_its_own_obligations_once_and_in_order(team: Team) -> None:
    team.document("Guard", "a")
    team.document("Guard", "b")
    base = Baseline("main", {})
    changes = compute_changes(team.snapshot(), base, {})
    more = Obligation("record", "Log", A, Address("Gate", "g"), "r")
    plan = build_plan(LOCAL, base, changes, {}, [more, owed(A), owed(B), owed(A)])
    assert [item.obligations for item in plan.items] == [(owed(A), more), (owed(B),)]


def test_an_obligation_of_what_the_plan_lacks_is_not_lost(team: Team) -> None:
    team.document("Guard", "a")
    base = Baseline("main", {})
    changes = compute_changes(team.snapshot(), base, {})
    with pytest.raises(ChimeraError, match=r"Guard/b, which is not in the plan"):
        build_plan(LOCAL, base, changes, {}, [owed(B)])

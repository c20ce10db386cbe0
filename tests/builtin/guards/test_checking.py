"""What is asked of guards: each rule where it speaks, and where it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chimera.builtin.guards.checking import judge
from chimera.builtin.guards.kinds import GuardScope, GuardSpec
from chimera.builtin.guards.plugin import _breaks, _ends
from chimera.builtin.guards.scoping import named, stops
from chimera.kinds import Snapshot
from chimera.model import Action, Address, Severity
from tests.gate.conftest import SHIPPED, THING, Team, update

NOW = "2026-11-21T00:00:00Z"  # when the team's subjects are judged


@pytest.fixture
def team(tmp_path: Path) -> Team:
    made = Team(tmp_path)
    made.write("Thing", "a")
    return made


def rules(team: Team, spec: str) -> list[tuple[str, Severity]]:
    team.write("Guard", "g", spec)
    subject = team.subject()
    snapshot = subject.snapshot
    registry = replace(snapshot.registry, operations=SHIPPED.operations)
    known = Snapshot.of(snapshot.tree, registry, snapshot.documents.values())
    (verdict,) = judge(replace(subject, snapshot=known))
    return [(fault.rule, fault.severity) for fault in verdict.diagnostics]


def invariant(expression: str = "true", *, id: str = "one", more: str = "") -> str:
    return f'{{id: {id}, message: m, expression: "{expression}"{more}}}'


@pytest.mark.parametrize(
    ("invariants", "found"),
    [
        (invariant("inputs.a == 1 && outputs.b", more=", when: [after]"), []),
        (invariant("has(inputs.a) && step.stage in ['x']"), []),
        (invariant("outputs == 1"), ["guard-invariant-invalid"]),
        (invariant("inputs.a ==", more=", when: [after]"), ["guard-invariant-invalid"]),
        (invariant("'text'", more=", when: [after]"), ["guard-invariant-invalid"]),
        (invariant("nobody.knows", more=", when: [before]"), ["guard-invariant-invalid"]),
        (f"{invariant()}, {invariant(id='two')}", []),
        (f"{invariant()}, {invariant()}", ["guard-invariant-twice"]),
        (invariant(more=", steps: {operations: ['file.*', command]}"), []),
        (invariant(more=", steps: {operations: [comand]}"), ["guard-operation-unknown"]),
    ],
)
def test_invariants_can_be_decided_and_are_about_something(
    team: Team, invariants: str, found: list[str]
) -> None:
    told = rules(team, f"{{reason: r, invariants: [{invariants}]}}")
    assert told == [(rule, Severity.ERROR) for rule in found]


@pytest.mark.parametrize(
    ("maintenance", "found"),
    [
        ("{from: '2026-11-20T00:00:00Z', until: '2026-11-22T00:00:00Z'}", []),
        ("{until: '2026-11-22T00:00:00+01:00'}", []),
        (
            "{from: '2026-11-23T00:00:00Z', until: '2026-11-22T00:00:00Z'}",
            [("guard-maintenance-backwards", Severity.ERROR)],
        ),
        (f"{{until: '{NOW}'}}", [("guard-maintenance-over", Severity.WARNING)]),
    ],
)
def test_maintenance_ends_after_it_begins_and_later_than_now(
    team: Team, maintenance: str, found: list[tuple[str, Severity]]
) -> None:
    assert rules(team, f"{{reason: r, maintenance: {maintenance}}}") == found


def test_a_fault_is_told_at_its_line_with_what_to_do(team: Team) -> None:
    team.write("Guard", "g", f"{{reason: r, invariants: [{invariant('outputs == 1')}]}}")
    (verdict,) = judge(team.subject())
    (fault,) = verdict.diagnostics
    assert fault.help == "there are no outputs before a step: write when: [after]"
    assert fault.address == "Guard/g"


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ({}, True),
        ({"addresses": ("Thing/a",)}, True),
        ({"addresses": ("Thing/b",)}, False),
        ({"addresses": ("Thing/b",), "kinds": ("Thing",)}, True),
        ({"addresses": ("Thing/a",), "environments": ("Environment/production",)}, False),
        ({"kinds": ("Workflow",)}, False),
    ],
)
def test_a_scope_means_documents_by_address_besides_kinds_and_layers(
    team: Team, scope: dict[str, tuple[str, ...]], found: bool
) -> None:
    meant = GuardScope.model_validate(scope)
    assert stops(meant, update(), team.subject(update())) is found
    assert named(meant) == scope


def test_what_runs_a_workflow_inside_is_meant_where_that_is(team: Team) -> None:
    stage = "{trigger: human, stages: [{id: s, workflow: Workflow/in}]}"
    team.write("Workflow", "out", stage)
    inner = "{trigger: human, stages: [{id: s, operation: command, inputs: {argv: [x]}}]}"
    team.write("Workflow", "in", inner)
    change = update(Address("Workflow", "out"), action=Action.RUN)
    subject = team.subject(change)
    assert stops(GuardScope(addresses=("Workflow/in",)), change, subject)
    assert not stops(GuardScope(addresses=("Workflow/out",)), update(THING), subject)
    change = update(Address("Workflow", "in"), action=Action.RUN)
    assert not stops(GuardScope(addresses=("Workflow/out",)), change, subject)


def spec(**fields: object) -> GuardSpec:
    return GuardSpec.model_validate({"reason": "r", **fields})


ONE = {"id": "one", "message": "m", "expression": "true"}


def test_what_a_guard_stops_no_longer_breaks() -> None:
    full = spec(invariants=[ONE], maintenance={"until": "2026-11-22T00:00:00Z"}, engaged=True)
    assert list(_breaks(full, full)) == []
    said = " ".join(_breaks(full, spec(scope={"kinds": ["Thing"]})))
    for part in ("it is released", "until 2026-11-22", "the invariant one is gone", "its scope"):
        assert part in said
    weaker = spec(invariants=[{**ONE, "expression": "1 == 1"}])
    assert list(_breaks(spec(invariants=[ONE]), weaker)) == ["the invariant one is another: m"]
    longer = spec(maintenance={"until": "2026-11-23T00:00:00Z"})
    shorter = spec(maintenance={"until": "2026-11-22T00:00:00Z"})
    assert list(_breaks(shorter, longer)) == []
    assert len(list(_breaks(longer, shorter))) == 1
    later = spec(maintenance={"from": "2026-11-21T00:00:00Z", "until": "2026-11-23T00:00:00Z"})
    assert len(list(_breaks(longer, later))) == 1
    assert list(_breaks(later, longer)) == []
    assert len(list(_ends(full))) == 3

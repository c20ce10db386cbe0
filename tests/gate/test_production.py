"""Production is protected, and what is recorded of one environment serves no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from chimera.builtin.records.gating.owing import owe
from chimera.gate.checks import check_environments
from chimera.gate.compatibility import environment_breaks
from chimera.gate.kinds import EnvironmentSpec
from chimera.model import Action, Address, Finding, Outcome
from tests.builtin.records.test_incidents_at_the_gate import KEPT, ROLLBACK
from tests.gate.conftest import AFTER, BEFORE, Team, update


@pytest.fixture
def team(tmp_path: Path) -> Team:
    made = Team(tmp_path)
    made.write("Thing", "a")
    return made


@pytest.mark.parametrize(
    ("spec", "rules"),
    [
        ("{production: true}", []),
        ("{production: true, protected: true}", []),
        ("{protected: false}", []),
        ("{production: true, protected: false}", ["environment-production-unprotected"]),
    ],
)
def test_production_is_protected(team: Team, spec: str, rules: list[str]) -> None:
    team.write("Environment", "live", spec)
    found = [fault.rule for v in check_environments(team.snapshot()) for fault in v.diagnostics]
    assert found == rules


def test_to_call_it_production_no_longer_is_told() -> None:
    before, after = EnvironmentSpec(production=True), EnvironmentSpec()
    assert [*environment_breaks(before, after)] == [
        "it is no longer production: its changes owe no entry in the changelog"
    ]
    assert not [*environment_breaks(after, before)]


def owed(team: Team, **change: object) -> list[tuple[str, str, str]]:
    subject = team.subject(update(**change), protected=True, name="live")
    return sorted((o.kind, o.subject, str(o.source)) for o in owe(subject))


ENTRY = ("record", "ChangelogEntry", "Environment/live")


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.DELETE])
def test_each_change_of_production_owes_an_entry(team: Team, action: Action) -> None:
    team.write("Environment", "live", "{production: true}")
    assert owed(team, action=action) == [ENTRY]


def test_a_run_changes_nothing_and_owes_none(team: Team) -> None:
    team.write("Environment", "live", "{production: true}")
    assert owed(team, action=Action.RUN) == []


def test_no_change_escapes_by_calling_it_something_else(team: Team) -> None:
    team.write("Environment", "live", "{production: false}")
    assert owed(team) == []
    live = Address("Environment", "live")
    team.before[live] = {"metadata": {"name": "live"}, "spec": {"production": True}}
    subject = team.subject(update(live), update(), protected=True, name="live")
    assert {str(o.target) for o in owe(subject)} == {"Environment/live", "Thing/a"}


def test_a_rollback_owes_a_person_and_every_proof_and_its_entry_later(team: Team) -> None:
    team.write("Environment", "live", "{production: true}")
    proof = "claim: c\ncovers: {kinds: [Thing]}\nphase: %s\ninputs: ['src/**']\n"
    steps = "steps: [{run: command, argv: ['true'], expect: {exitCode: 0}}]\n"
    controls = "controls: [{mutate: delete, path: src/a}]"
    for phase in ("merge", "rollback"):
        team.write("Proof", phase, proof % phase + steps + controls)
    spec = (ROLLBACK % (BEFORE, AFTER, KEPT)).replace("environment: local", "environment: live")
    team.write("Rollback", "back", spec)
    assert owed(team) == [
        ("approval", "human", "Rollback/back"),
        ("proof", "Proof/merge", "Rollback/back"),
        ("proof", "Proof/rollback", "Rollback/back"),
    ]
    assert owed(team, after=BEFORE) == [ENTRY]


@pytest.mark.parametrize(("environment", "serves"), [("local", True), ("staging", False)])
def test_an_entry_serves_the_environment_that_it_names(
    team: Team, environment: str, serves: bool
) -> None:
    team.gate(requires="{records: [ChangelogEntry]}", match="{kinds: [Thing]}")
    team.write(
        "ChangelogEntry",
        "e",
        f"date: '2026-11-20'\nenvironment: {environment}\nsummary: s\nscope: code\nrisk: low\n"
        f"verification: v\nrollback: r\nanswers: [{{target: Thing/a, after: '{AFTER}'}}]",
    )
    ruling = team.ruling()
    assert (ruling.outcome is Outcome.PASSED) is serves
    said = [r for v in ruling.verdicts if v.finding is Finding.FAIL for r in v.reasons]
    assert ("ChangelogEntry/e is of another environment than local" in said) is not serves

"""An open incident whose level owes a freeze stops every change but its rollback."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.records.gating.telling import halts
from chimera.builtin.records.reviewing import review, review_approval
from chimera.gate import Side, Weighing, weigh
from chimera.model import Action, Actor, Address, Diagnostic, Finding, Outcome, Place
from tests.gate.conftest import AFTER, BEFORE, PLUGINS, Team, update

# The ids say nothing of how grave a level is, and the rank of the freezing one is the lowest.
MODEL = """\
levels:
  - {id: SEV-9, rank: 9, name: n, meaning: m, response: r}
  - {id: zero, rank: 0, name: n, meaning: m, response: r, freezeOwed: true, commanderOwed: true}
"""
T0 = "2026-11-20T00:00:00Z"
INCIDENT = """\
title: money is gone
environment: local
model: SeverityModel/sev
assessments: [{level: %(level)s, at: '2026-11-20T00:00:00Z', by: Ann, reason: r}]
opened: {at: '2026-11-20T00:00:00Z', by: Ann}
commands: [{by: Ann, from: '2026-11-20T00:00:00Z'}]
%(more)s
"""
FREEZE = """\
from: '2026-11-20T00:00:00Z'
reason: money
by: %s
incident: Incident/fire
scope: {environments: [Environment/local]}
%s
"""
ROLLBACK = """\
type: code
opened: {at: '2026-11-20T01:00:00Z', by: Ann}
environment: local
reason: r
reverts: [{target: Thing/a, after: '%s'}]
answers: [{target: Thing/a, after: '%s'}]
%s
"""
_WHAT = ("timeline", "metrics", "logs", "state", "impact")
KEPT = f"preserved: [{', '.join(f'{{what: {what}, where: here}}' for what in _WHAT)}]"
NAMED = "rollback: Rollback/back"
RESOLVED = f"resolved: {{at: '{T0}', by: Ann, impact: i, risk: r, monitoring: m}}"
SEEN = f"observation: {{from: '{T0}', until: '2026-11-20T01:00:00Z', result: stable}}"
FREED = f"redeploy: {{at: '{T0}', by: Ann, why: w}}"
BACKED_UP = f"backup: {{reference: r, at: '{T0}'}}"
ESCALATED = f"escalated: {{to: Bob, at: '{T0}', why: none}}"
TESTED = "migration: {path: down.sql, tested: on staging}"
NO_WAY_BACK = "rollback-without-migration"


@pytest.fixture
def team(tmp_path: Path) -> Team:
    made = Team(tmp_path / "here")
    made.write("Thing", "a")
    made.write("SeverityModel", "sev", MODEL)
    return made


def burns(team: Team, level: str = "zero", more: str = "") -> None:
    team.write("Incident", "fire", INCIDENT % {"level": level, "more": more})


def frozen(team: Team, by: str = "Ann", more: str = "") -> None:
    team.write("Freeze", "stop", FREEZE % (by, more))


def back(team: Team, more: str = KEPT, after: str = AFTER, reverts: str = BEFORE) -> None:
    team.write("Rollback", "back", ROLLBACK % (reverts, after, more))


def rules(weighing: Weighing) -> list[str]:
    """Return the rules that refuse, at the stages of freezes and approvals."""
    verdicts = [*review(weighing), *review_approval(weighing)]
    found = [fault.rule for v in verdicts for fault in v.diagnostics]
    refused = [v for v in verdicts if v.finding is not Finding.PASS]
    assert bool(found) is bool(refused)
    assert (weigh(weighing, PLUGINS).outcome is Outcome.PASSED) is not bool(refused)
    return sorted(found)


def held(weighing: Weighing, *, was_there: bool = True) -> Weighing:
    return replace(weighing, held=lambda change: was_there)


@pytest.mark.parametrize(
    ("level", "more", "found"),
    [
        ("zero", "", ["incident-freeze-missing"]),
        ("SEV-9", "", []),
        ("unknown", "", ["incident-freeze-missing"]),
        ("zero", RESOLVED, []),
    ],
)
def test_a_level_freezes_by_what_its_model_says_and_in_doubt(
    team: Team, level: str, more: str, found: list[str]
) -> None:
    burns(team, level, more)
    assert rules(team.weighing()) == found


def test_an_incident_of_another_environment_stops_nothing_here(team: Team) -> None:
    burns(team)
    assert rules(team.weighing(name="staging")) == []


@pytest.mark.parametrize(
    ("by", "more", "found"),
    [
        ("Ann", "", ["freeze-stands"]),
        ("Identity/ann", "", ["freeze-stands"]),
        ("Eve", "", ["freeze-stands", "incident-freeze-foreign"]),
        (
            "Ann",
            "lifted: {at: '2026-11-20T02:00:00Z', by: Eve, reason: r}",
            ["incident-freeze-lifted"],
        ),
        ("Ann", "until: '2026-11-20T02:00:00Z'", ["incident-freeze-lifted"]),
    ],
)
def test_the_freeze_is_the_commanders_and_stands_while_the_incident_is_open(
    team: Team, by: str, more: str, found: list[str]
) -> None:
    burns(team)
    frozen(team, by, more)
    assert rules(team.weighing()) == found


def test_what_its_freeze_is_too_narrow_for_is_refused_all_the_same(team: Team) -> None:
    burns(team)
    spec = (FREEZE % ("Ann", "")).replace("environments: [Environment/local]", "kinds: [Gate]")
    team.write("Freeze", "stop", spec)
    assert rules(team.weighing()) == ["incident-freezes"]


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.DELETE, Action.RUN])
def test_every_action_is_stopped(team: Team, action: Action) -> None:
    burns(team)
    assert rules(team.weighing(update(action=action))) == ["incident-freeze-missing"]


def test_a_refusal_names_the_commander_the_way_out_and_the_line(team: Team) -> None:
    burns(team)
    (refusal,) = weigh(team.weighing(), PLUGINS).refusals
    (fault,) = refusal.diagnostics
    assert fault.where.path == "specs/Incident-fire.yaml"
    assert "Incident/fire is open at zero, the freeze that it owes is missing" in fault.message
    assert "`chimera incident update TEXT -i fire` writes it" in fault.help
    assert "who declares it: Ann" in fault.help
    assert "`chimera rollback suggest fire`" in fault.help


@pytest.mark.parametrize("freeze", [True, False])
def test_the_rollback_that_it_names_goes_through_and_nothing_else(team: Team, freeze: bool) -> None:
    burns(team, more=NAMED)
    if freeze:
        frozen(team)
    back(team)
    assert rules(held(team.weighing())) == []
    other = update(after="sha256:" + "0" * 64)
    assert rules(held(team.weighing(other))) == (
        ["freeze-stands"] if freeze else ["incident-freeze-missing"]
    )


def test_to_run_what_it_restores_is_not_the_rollback(team: Team) -> None:
    burns(team, more=NAMED)
    back(team)
    assert rules(held(team.weighing(update(action=Action.RUN)))) == ["incident-freeze-missing"]


def test_a_rollback_that_it_does_not_name_is_stopped(team: Team) -> None:
    burns(team)
    back(team)
    assert rules(held(team.weighing())) == ["incident-freeze-missing"]


def test_a_rollback_that_is_over_lets_nothing_through_any_more(team: Team) -> None:
    burns(team, more=NAMED)
    back(team, f"{KEPT}\n{SEEN}")
    assert rules(held(team.weighing())) == ["incident-freeze-missing"]


def test_a_new_fix_is_no_rollback(team: Team) -> None:
    burns(team, more=NAMED)
    back(team)
    assert rules(team.weighing()) == ["rollback-target-unknown"]


@pytest.mark.parametrize("protected", [True, False])
def test_automation_rolls_nothing_back(team: Team, protected: bool) -> None:
    back(team)
    weighing = held(team.weighing(protected=protected))
    automated = replace(weighing.subject, actor=Actor("ci", "automation"))
    found = [v for v in review_approval(replace(weighing, subject=automated)) if v.diagnostics]
    assert [fault.rule for v in found for fault in v.diagnostics] == ["rollback-without-human"]
    signed = replace(automated, signers={"Thing/a": "Identity/ann"})
    assert not any(v.diagnostics for v in review_approval(replace(weighing, subject=signed)))


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (KEPT, []),
        ("", ["rollback-evidence-missing"]),
        (KEPT.replace("{what: logs, where: here}, ", ""), ["rollback-evidence-missing"]),
        (KEPT.replace("what: logs, where: here", "what: logs, unavailable: the disk died"), []),
    ],
)
def test_evidence_is_preserved_or_said_to_be_unavailable(
    team: Team, more: str, found: list[str]
) -> None:
    back(team, more)
    assert rules(held(team.weighing())) == found


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("", ["rollback-without-backup", NO_WAY_BACK]),
        (BACKED_UP, [NO_WAY_BACK]),
        (TESTED, ["rollback-without-backup"]),
        (f"{BACKED_UP}\nmigration: {{path: down.sql}}", [NO_WAY_BACK]),
        *(
            (f"{BACKED_UP}\nmigration: {{path: down.sql, tested: {word}}}", [NO_WAY_BACK])
            for word in ("'no'", "n/a", "'-'")
        ),
        (f"{BACKED_UP}\n{ESCALATED}", []),
        (f"{BACKED_UP}\n{TESTED}", []),
    ],
)
def test_a_database_is_backed_up_and_has_a_way_back(
    team: Team, more: str, found: list[str]
) -> None:
    spec = (ROLLBACK % (BEFORE, AFTER, f"{KEPT}\n{more}")).replace("code", "database", 1)
    team.write("Rollback", "back", spec)
    assert rules(held(team.weighing())) == found


def test_what_was_taken_back_is_not_applied_again_until_somebody_says_so(team: Team) -> None:
    back(team, after=BEFORE, reverts=AFTER)
    assert rules(team.weighing()) == ["rollback-redeployed"]
    assert rules(team.weighing(update(after=BEFORE.replace("1", "2")))) == []
    back(team, FREED, after=BEFORE, reverts=AFTER)
    assert rules(team.weighing()) == []


def test_a_rollback_of_a_rollback_may_apply_it_again(team: Team) -> None:
    back(team, SEEN, after=BEFORE, reverts=AFTER)
    team.write("Rollback", "again", ROLLBACK % (BEFORE, AFTER, KEPT))
    assert rules(held(team.weighing())) == []


def elsewhere(team: Team, root: Path) -> Team:
    made = Team(root)
    made.write("Thing", "a")
    made.write("SeverityModel", "sev", MODEL)
    return made


def with_trusted(team: Team, trusted: Team, **where: Any) -> Weighing:
    weighing = team.weighing(**where)
    side = Side("origin/main", trusted.snapshot(), is_trusted=True)
    return held(replace(weighing, sides=(*weighing.sides, side)))


def test_no_branch_ends_resolves_or_lowers_what_the_trust_ref_has(
    team: Team, tmp_path: Path
) -> None:
    trusted = elsewhere(team, tmp_path / "trusted")
    burns(trusted)
    assert rules(with_trusted(team, trusted)) == ["incident-freeze-missing"]
    burns(team, "SEV-9")
    assert rules(with_trusted(team, trusted)) == ["incident-freeze-missing"]
    burns(team, more=RESOLVED)
    assert rules(with_trusted(team, trusted)) == ["incident-freeze-missing"]
    team.write("SeverityModel", "sev", MODEL.replace("true", "false"))
    assert rules(with_trusted(team, trusted)) == ["incident-freeze-missing"]
    burns(team, more=NAMED)
    back(team)
    assert rules(with_trusted(team, trusted)) == ["incident-freeze-missing"]


def test_what_ended_in_the_trust_ref_stops_no_older_commit(team: Team, tmp_path: Path) -> None:
    trusted = elsewhere(team, tmp_path / "trusted")
    burns(trusted, more=RESOLVED)
    burns(team)
    assert rules(with_trusted(team, trusted)) == []


def test_where_it_is_protected_the_rollback_is_merged(team: Team, tmp_path: Path) -> None:
    trusted = elsewhere(team, tmp_path / "trusted")
    for one in (team, trusted):
        burns(one, more=NAMED)
    back(team)
    found = [
        fault.rule
        for v in review(with_trusted(team, trusted, protected=True))
        for fault in v.diagnostics
    ]
    assert found == ["incident-freeze-missing"]
    back(trusted)
    assert not [v for v in review(with_trusted(team, trusted, protected=True)) if v.diagnostics]


@pytest.mark.parametrize("kind", ["Incident", "Rollback", "SeverityModel", "Freeze"])
def test_a_record_that_cannot_be_read_stops_everything(team: Team, kind: str) -> None:
    weighing = team.weighing()
    fault = Diagnostic("field-unknown", "m", Place("specs/x.yaml"), "h", address=f"{kind}/x")
    side = replace(weighing.sides[0], faults=(fault,))
    found = [v for v in review(replace(weighing, sides=(side,))) if v.finding is Finding.FAIL]
    assert [fault.rule for v in found for fault in v.diagnostics] == ["field-unknown"]


def test_what_the_change_makes_of_the_model_thaws_nothing(team: Team) -> None:
    burns(team)
    model = Address("SeverityModel", "sev")
    found = team.snapshot().get(model)
    assert found is not None
    team.before[model] = dict(found.value)
    team.write("SeverityModel", "sev", MODEL.replace("true", "false"))
    assert rules(team.weighing()) == []
    assert rules(team.weighing(update(), update(model))) == ["incident-freeze-missing"] * 2


@pytest.mark.parametrize("ahead", ["2026-11-21T00:03:00Z", "2036-11-21T00:00:00Z"])
def test_no_clock_that_is_behind_thaws_anything(team: Team, ahead: str) -> None:
    team.write("Incident", "fire", (INCIDENT % {"level": "zero", "more": ""}).replace(T0, ahead))
    assert rules(team.weighing()) == ["incident-freeze-missing"]
    spec = INCIDENT % {"level": "SEV-9", "more": ""}
    later = f"reason: r}}, {{level: zero, at: '{ahead}', by: Ann, reason: r}}]"
    team.write("Incident", "fire", spec.replace("reason: r}]", later, 1))
    assert rules(team.weighing()) == ["incident-freeze-missing"]


def test_what_is_lowered_after_now_freezes_until_then(team: Team) -> None:
    spec = INCIDENT % {"level": "zero", "more": ""}
    later = "reason: r}, {level: SEV-9, at: '2026-11-21T00:03:00Z', by: Ann, reason: r}]"
    team.write("Incident", "fire", spec.replace("reason: r}]", later, 1))
    assert rules(team.weighing()) == ["incident-freeze-missing"]


def test_an_environment_that_nobody_knows_may_be_this_one(team: Team) -> None:
    spec = INCIDENT % {"level": "zero", "more": ""}
    team.write("Incident", "fire", spec.replace("environment: local", "environment: locl"))
    assert rules(team.weighing()) == ["incident-freeze-missing"]


@pytest.mark.parametrize("merged", [True, False])
def test_where_it_is_protected_only_a_merged_rollback_applies_it_again(
    team: Team, tmp_path: Path, merged: bool
) -> None:
    trusted = elsewhere(team, tmp_path / "trusted")
    back(trusted, SEEN, after=BEFORE, reverts=AFTER)
    (trusted if merged else team).write("Rollback", "again", ROLLBACK % (BEFORE, AFTER, KEPT))
    weighing = with_trusted(team, trusted, protected=True)
    found = [fault.rule for v in review(weighing) for fault in v.diagnostics]
    assert found == ([] if merged else ["rollback-redeployed"])


@pytest.mark.parametrize(
    ("opened", "level", "more", "told"),
    [
        (T0, "zero", "", ["zero: money is gone"]),
        (T0, "unknown", "", ["unknown: money is gone"]),
        (T0, "SEV-9", "", []),
        (T0, "zero", RESOLVED, []),
        ("2026-11-21T00:03:00Z", "zero", "", ["zero: money is gone"]),
        ("2026-11-22T00:00:00Z", "zero", "", []),
    ],
)
def test_what_freezes_is_shown_also_by_a_clock_that_is_a_little_behind(
    team: Team, opened: str, level: str, more: str, told: list[str]
) -> None:
    spec = INCIDENT % {"level": level, "more": more}
    team.write("Incident", "fire", spec if more else spec.replace(T0, opened))
    weighing = team.weighing()
    assert [halt.reason for halt in halts(weighing.sides, weighing.now)] == told

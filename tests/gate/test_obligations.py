"""Which changes owe what, by every way in which a gate can mean them; and what meets it."""

from __future__ import annotations

from typing import Any

import pytest

from chimera.documents import locate
from chimera.model import Action, Address, Finding, Outcome, Placement
from tests.gate.conftest import AFTER, BEFORE, SRC, THING, update

NOTE = [("record", "Note", "Thing/a")]
OF_THE_PATHS = [("record", "Note", "paths:src/**")]


@pytest.mark.parametrize(
    ("match", "owed"),
    [
        ("{}", NOTE),
        ("{kinds: [Thing]}", NOTE),
        ("{kinds: [Gate]}", []),
        ("{layers: [ops/1]}", NOTE),
        ("{layers: [ops/2]}", []),
        ("{labels: {tier: one}}", NOTE),
        ("{labels: {tier: two}}", []),
        ("{paths: ['src/**']}", []),
        ("{paths: ['src/**'], kinds: [Thing]}", NOTE),
        ("{environments: [Environment/local]}", NOTE),
        ("{environments: [Environment/production]}", []),
        ("{kinds: [Thing], labels: {tier: two}}", []),
    ],
)
def test_a_gate_means_documents_by_kind_layer_label_and_environment(
    team: Any, match: str, owed: list[tuple[str, str, str]]
) -> None:
    team.placements[THING] = (Placement(THING, "ops/1", dormant=False),)
    team.gate(match)
    assert team.owes() == owed


@pytest.mark.parametrize(
    ("match", "owed"),
    [
        ("{paths: ['src/**']}", OF_THE_PATHS),
        ("{paths: ['src/**'], kinds: [Gate]}", OF_THE_PATHS),
        ("{paths: ['docs/**']}", []),
        ("{kinds: [Thing]}", []),
        ("{}", []),
    ],
)
def test_a_gate_means_paths_by_its_own_path_set(
    team: Any, match: str, owed: list[tuple[str, str, str]]
) -> None:
    team.gate(match)
    assert team.owes(update(SRC)) == owed


@pytest.mark.parametrize("action", [a for a in Action if a is not Action.NO_OP])
def test_every_action_owes_but_none(team: Any, action: Action) -> None:
    team.gate("{kinds: [Thing]}")
    assert team.owes(update(action=action)) == NOTE
    assert team.owes(update(action=Action.NO_OP)) == []


def test_each_change_owes_for_itself_and_everything_that_is_asked(team: Any) -> None:
    team.write("Thing", "b")
    team.write("Role", "owner", "{members: []}")
    team.gate(
        "{kinds: [Thing]}",
        "{proofs: [Proof/p], records: [Note], approvals: [{role: Role/owner, count: 2}]}",
    )
    both = (update(), update(Address("Thing", "b")))
    assert team.owes(*both) == [
        ("proof", "Proof/p", "Thing/a"),
        ("record", "Note", "Thing/a"),
        ("proof", "Proof/p", "Thing/b"),
        ("record", "Note", "Thing/b"),
    ]


def test_approvals_are_owed_where_it_is_protected_and_nowhere_else(team: Any) -> None:
    team.write("Role", "owner", "{members: []}")
    team.gate("{kinds: [Thing]}", "{approvals: [{role: Role/owner, count: 2}]}")
    assert team.owes() == []
    assert team.owes(protected=True, name="production") == [("approval", "Role/owner", "Thing/a")]


@pytest.mark.parametrize("count", [1, 2])
def test_an_approval_is_not_met_where_nobodys_key_counts(team: Any, count: int) -> None:
    team.write("Role", "owner", "{members: []}")
    team.gate("{kinds: [Thing]}", f"{{approvals: [{{role: Role/owner, count: {count}}}]}}")
    ruling = team.ruling(protected=True, name="production")
    (refusal,) = ruling.refusals
    assert ruling.outcome is Outcome.FAILED
    assert refusal.reasons[0].startswith(f"{count} approval")
    assert refusal.reasons[-1].startswith("nobody's key counts without a trust ref")


@pytest.mark.parametrize(
    ("finding", "outcome"),
    [
        (Finding.PASS, Outcome.PASSED),
        (Finding.FAIL, Outcome.FAILED),
        (Finding.NOT_EXERCISED, Outcome.NOT_EXERCISED),
    ],
)
def test_a_proof_is_met_by_evidence_that_stands(
    team: Any, finding: Finding, outcome: Outcome
) -> None:
    team.gate("{kinds: [Thing]}", "{proofs: [Proof/p]}")
    team.standing["Proof/p"] = finding
    ruling = team.ruling()
    assert ruling.outcome is outcome
    for refusal in ruling.refusals:
        assert refusal.judge == "Gate/g owes proof Proof/p"
        assert refusal.reasons[-1] == "run `chimera prove Proof/p`"


def test_where_evidence_has_to_be_signed_the_help_says_so(team: Any) -> None:
    team.gate("{kinds: [Thing]}", "{proofs: [Proof/p]}")
    team.standing["Proof/p"] = Finding.NOT_EXERCISED
    ruling = team.ruling(protected=True, name="production")
    assert [r.reasons[-1] for r in ruling.refusals] == [
        "run `chimera prove Proof/p --sign` with a key that may prove"
    ]


@pytest.mark.parametrize(
    ("target", "after", "is_met"),
    [
        ("Thing/a", AFTER, True),
        ("Thing/a", BEFORE, False),
        ("Thing/b", AFTER, False),
        ("paths:src/**", AFTER, False),
        ("Thing/a", "deleted", False),
    ],
)
def test_a_record_must_name_the_target_and_its_digest(
    team: Any, target: str, after: str, is_met: bool
) -> None:
    team.gate("{kinds: [Thing]}")
    team.write("Note", "n", f"answers: [{{target: '{target}', after: '{after}'}}]")
    ruling = team.ruling()
    assert (ruling.outcome is Outcome.PASSED) is is_met
    for refusal in ruling.refusals:
        missing, *offered, how = refusal.reasons
        assert missing == "no Note names Thing/a with its digest"
        assert how == f"add one whose spec.answers has target: Thing/a and after: {AFTER}"
        why = f"Note/n is about another change: after {after[:19]}, and this is after {AFTER[:19]}"
        assert offered == ([why] if target == "Thing/a" else [])


def test_a_record_of_another_kind_does_not_serve(team: Any) -> None:
    team.gate("{kinds: [Thing]}", "{records: [ChangelogEntry]}")
    team.write("Note", "n", f"answers: [{{target: Thing/a, after: '{AFTER}'}}]")
    assert team.ruling().outcome is Outcome.FAILED


def test_a_record_answers_for_a_deletion_by_saying_so(team: Any) -> None:
    team.gate("{kinds: [Thing]}")
    team.write("Note", "n", "answers: [{target: Thing/a, after: deleted}]")
    assert team.ruling(update(action=Action.DELETE, after=None)).outcome is Outcome.PASSED
    assert team.ruling().outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("kind", "requires"),
    [
        ("proof", "{proofs: [Proof/p]}"),
        ("record", "{records: [Note]}"),
        ("approval", "{approvals: [{role: Role/owner}]}"),
    ],
)
def test_what_is_owed_cites_the_gate_that_asks_and_the_change(
    team: Any, kind: str, requires: str
) -> None:
    team.gate("{kinds: [Thing]}", requires)
    weighing = team.weighing(protected=True, name="production")
    ruling = team.ruling(protected=True, name="production")
    (refusal,) = ruling.refusals
    (fault,) = locate(refusal.diagnostics, weighing.subject.snapshot.tree)
    assert fault.rule == f"gate-{kind}-owed"
    assert str(fault.span) == "specs/Gate-g.yaml:6:3"
    assert str(fault.related[0].where).startswith("specs/Thing-a.yaml:")
    assert fault.help == refusal.reasons[-1]


def test_what_is_met_is_no_fault(team: Any) -> None:
    team.gate("{kinds: [Thing]}", "{proofs: [Proof/p]}")
    team.standing["Proof/p"] = Finding.PASS
    ruling = team.ruling()
    assert ruling.refusals == ()
    assert {v.diagnostics for v in ruling.verdicts} == {()}


GATE = {"spec": {"match": {"kinds": ["Thing"]}, "requires": {"records": ["Note"]}}}
GATE_ADDRESS = Address("Gate", "g")


@pytest.mark.parametrize("action", [Action.UPDATE, Action.DELETE])
def test_a_gate_that_the_change_loosens_holds_as_it_was(team: Any, action: Action) -> None:
    team.before[GATE_ADDRESS] = GATE
    if action is Action.UPDATE:
        team.gate("{kinds: [Thing]}", "{}")
    loosened = update(GATE_ADDRESS, action=action)
    assert team.owes(update(), loosened) == NOTE
    assert team.owes(update()) == []


def test_a_gate_in_a_dormant_layer_asks_for_nothing_once_it_is_there(team: Any) -> None:
    team.gate("{kinds: [Thing]}")
    team.placements[GATE_ADDRESS] = (Placement(GATE_ADDRESS, "ops/4", dormant=True),)
    assert team.owes() == []
    team.before[GATE_ADDRESS] = GATE
    assert team.owes(update(), update(GATE_ADDRESS, action=Action.DELETE)) == NOTE

"""Postmortems: blameless, complete once they were held, and followed up."""

from __future__ import annotations

import pytest

from tests.builtin.records.checks.conftest import POSTMORTEM, Check, Json, varied

BROKEN: list[tuple[str, Json]] = [
    ("postmortem-timeline-disordered", {"timeline.1.at": "2026-11-18T08:00:00Z"}),
    ("postmortem-time-future", {"held": "2026-11-22T09:00:00Z"}),
    ("postmortem-early", {"held": "2026-11-18T10:00:00Z"}),
    ("postmortem-overdue", {"held": ..., "scheduled": "2026-11-20T11:59:00Z"}),
    ("postmortem-action-overdue", {"actions.0.due": "2026-11-19"}),
    ("postmortem-action-unowned", {"actions.0.owner": ...}),
    ("postmortem-action-undated", {"actions.0.due": ...}),
    ("postmortem-action-unranked", {"actions.0.priority": ...}),
    ("postmortem-action-duplicate", {"actions.1.id": "idempotency"}),
    ("postmortem-follow-up-missing", {"actions.1.done.reducedRisk": ...}),
    *(
        ("postmortem-incomplete", {part: ...})
        for part in (
            *("impact", "impact.who", "impact.duration", "rootCause", "detection", "response"),
            *("missingGuardrails", "actions", "timeline"),
        )
    ),
    ("postmortem-incomplete", {"response": "tbd"}),
]
FINE: list[Json] = [
    {"missingGuardrails": []},
    {"actions": []},
    {"actions.0.due": "2026-11-21"},
    {"actions.1.owner": ..., "actions.1.priority": ..., "actions.1.due": "2026-11-01"},
    {"actions.1.done.reducedRisk": False},
    {"held": ..., "scheduled": "2026-11-20T12:00:00Z"},
    {"held": ..., "scheduled": "2026-12-20T12:00:00Z", "impact": ..., "rootCause": ...},
]


@pytest.mark.parametrize(("rule", "changes"), BROKEN)
def test_a_postmortem_that_breaks_a_rule_is_told(check: Check, rule: str, changes: Json) -> None:
    (fault,) = check({"Postmortem/over": changes})
    assert (fault.rule, fault.span.path) == (rule, "records/Postmortem-over.yaml")
    assert fault.span.line > 1
    assert fault.help


@pytest.mark.parametrize("changes", FINE)
def test_one_that_breaks_none_is_told_nothing(check: Check, changes: Json) -> None:
    assert check({"Postmortem/over": changes}) == ()


@pytest.mark.parametrize(
    ("cause", "blamed"),
    [
        ("Ben deployed without looking.", "Ben"),
        ("ben deployed without looking.", "ben"),
        ("It was Ann Lee's change.", "ann lee"),
        ("ben@example.org pushed to main", "ben"),
        ("Human error.", "Human error"),
        ("an operator error in the console", "operator error"),
        ("Somebody forgot to rotate the key.", "Somebody forgot"),
        ("The on-call engineer did not see the page.", "engineer did not"),
        ("Carelessness in review", "Carelessness"),
        ("The benchmark has no limit.", None),
        ("The release pipeline had no lock.", None),
        ("robot accounts could push to main.", None),
        ("Errors of users were not shown to operators.", None),
        ("The handler failed when the key was missing.", None),
    ],
)
def test_a_root_cause_is_a_condition_of_the_system_and_no_person(
    check: Check, cause: str, blamed: str | None
) -> None:
    found = check({"Postmortem/over": {"rootCause": cause}})
    assert [fault.rule for fault in found] == (["postmortem-blames"] if blamed else [])
    assert not found or (blamed or "") in found[0].message


def test_names_that_are_words_are_names_where_they_are_written_large(check: Check) -> None:
    added = {"Identity/mark": {"kind": "human"}}
    changes = {"Postmortem/over": {"rootCause": "The mark phase holds the lock."}}
    assert check(changes, added) == ()


def test_and_large_they_are_blame(check: Check) -> None:
    changes = {"Postmortem/over": {"rootCause": "Mark held the lock."}}
    (fault,) = check(changes, {"Identity/mark": {"kind": "human"}})
    assert fault.rule == "postmortem-blames"


def test_an_incident_has_one_postmortem(check: Check) -> None:
    (fault,) = check(added={"Postmortem/again": varied(POSTMORTEM, {})})
    assert (fault.rule, fault.address) == ("postmortem-duplicate", "Postmortem/over")

"""A review begins with what the incident's record says, and nothing that nobody said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chimera.builtin.records.kinds import PostmortemSpec
from chimera.model import Actor
from tests.builtin.records.commands.conftest import NOON, Desk

NAME = "2026-11-21-down"
REVIEW = f"changelog/postmortems/{NAME}.yaml"


@pytest.fixture
def over(desk: Desk) -> Desk:
    """An incident that is over."""
    desk.tell("incident", "open", "Down", "--level", "SEV-1")
    desk.later(minutes=80)
    desk.tell("incident", "mitigate", "--how", "restarted")
    desk.tell("incident", "resolve", "--impact", "a", "--risk", "b", "--monitoring", "c")
    return desk


def test_a_review_begins_with_the_record(over: Desk) -> None:
    told = over.json("postmortem", "new", NAME)
    assert told["written"] == [REVIEW, f"changelog/incidents/{NAME}.yaml"]
    assert told["owed"] == [
        *("impact", "rootCause", "detection", "response", "missingGuardrails", "actions"),
    ]
    spec = over.spec(REVIEW)
    assert spec["incident"] == f"Incident/{NAME}"
    for part in (NAME, "SEV-1", "2026-11-21T12:00:00Z", "Commanded by ada"):
        assert part in spec["summary"]
    assert [line["text"] for line in spec["timeline"]][-2:] == ["mitigated: restarted", "resolved"]
    assert spec["impact"] == {"duration": "1h20m"}
    assert not {"rootCause", "detection", "actions", "held"} & spec.keys()
    assert "  #   rootCause: The condition of the system" in over.text(REVIEW)
    assert over.spec(f"changelog/incidents/{NAME}.yaml")["postmortem"] == f"Postmortem/{NAME}"
    assert over.faults() == []
    assert "a review already" in over.tell("postmortem", "new", NAME, code=4).err


def test_what_is_to_come_is_told_before_it_is_late(over: Desk) -> None:
    said = over.tell("postmortem", "check").out
    assert f"{NAME}:\n  scheduling its review is owed until 2026-11-23 12:00Z" in said
    assert f"chimera postmortem new {NAME} --scheduled TIME" in said
    (owed,) = over.json("postmortem", "check")["unscheduled"]
    assert (owed["incident"], owed["late"]) == (f"Incident/{NAME}", False)
    over.tell("postmortem", "new", NAME, "--scheduled", "2026-11-24T09:00:00Z")
    said = over.tell("postmortem", "check").out
    assert "is owed until" not in said
    assert f"{NAME}: scheduled for 2026-11-24 09:00Z, not held yet; owes impact, rootCause" in said
    told = over.json("postmortem", "check", NAME)
    assert told["unscheduled"] == []
    assert told["unheld"][0]["postmortem"] == f"Postmortem/{NAME}"


def test_it_is_scheduled_at_once_or_later(over: Desk) -> None:
    over.tell("postmortem", "new", NAME)
    late = (NOON + timedelta(hours=49)).isoformat()
    assert over.json("postmortem", "check", "--now", late, code=1)["diagnostics"][0]["rule"] == (
        "incident-review-missing"
    )
    over.tell("postmortem", "schedule", NAME, "2026-11-24T09:00:00Z")
    spec = over.spec(REVIEW)
    assert spec["scheduled"] == "2026-11-24T09:00:00Z"
    assert spec["planned"] == {"at": "2026-11-21T13:20:00Z", "by": "ada"}
    over.tell("postmortem", "check", "--now", late)
    over.tell("postmortem", "schedule", NAME, "2026-11-25T09:00:00Z")
    assert over.spec(REVIEW)["scheduled"] == "2026-11-25T09:00:00Z"


def test_a_review_can_be_scheduled_when_it_begins(over: Desk) -> None:
    over.tell("postmortem", "new", NAME, "--scheduled", "2026-11-22T09:00:00Z")
    assert over.json("incident", "show")["owed"] == []


def _with_actions(desk: Desk, *actions: dict[str, Any]) -> None:
    desk.tell("postmortem", "new", NAME, "--scheduled", "2026-11-22T09:00:00Z")
    spec = desk.spec(REVIEW) | {"actions": list(actions)}
    PostmortemSpec.model_validate(spec)
    (desk.root / REVIEW).unlink()
    desk.document(f"Postmortem/{NAME}", spec, REVIEW)


ACTION = {"description": "d", "owner": "Ben", "priority": "high"}


def test_overdue_actions_are_said_and_fail(over: Desk) -> None:
    done = {"at": "2026-11-21T13:00:00Z", "by": "ada", "reducedRisk": True}
    _with_actions(
        over,
        {**ACTION, "id": "later", "due": "2026-12-24"},
        {**ACTION, "id": "soon", "due": "2026-11-22"},
        {**ACTION, "id": "done", "due": "2026-11-20", "done": done},
    )
    over.later(hours=5)
    said = over.tell("postmortem", "check").out
    assert said.endswith("2 open actions, 0 overdue\n")
    found = over.json("postmortem", "check", "--now", "2026-11-25", code=1)
    assert [(a["id"], a["overdue"]) for a in found["actions"]] == [("soon", True), ("later", False)]
    assert "postmortem-action-overdue" in {fault["rule"] for fault in found["diagnostics"]}
    late = over.tell("postmortem", "check", NAME, "--now", "2026-11-25", code=1).out
    assert "2026-11-22, 3 days late  high      Ben    soon" in late


def test_the_names_of_reviews_can_be_short_and_not_wrong(over: Desk) -> None:
    over.tell("postmortem", "check", "nothing", code=4)
    over.tell("postmortem", "new", NAME)
    over.tell("postmortem", "check", "2026-11")
    over.tell("postmortem", "schedule", "other", "2026-11-24T09:00:00Z", code=4)


def test_automation_begins_no_review(over: Desk) -> None:
    over.actor = Actor("ci", "automation")
    over.tell("postmortem", "new", NAME, code=4)
    over.tell("postmortem", "check")

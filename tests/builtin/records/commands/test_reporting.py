"""What records say in reports: changes with their entries, incidents, reviews, and the chain."""

from __future__ import annotations

from typing import Any

import pytest

from chimera.state import open_state
from tests.builtin.records.commands.conftest import Desk

GOOD, BAD = "sha256:" + "a" * 64, "sha256:" + "b" * 64
EVIDENCE, APPROVAL, RECORD = ("sha256:" + letter * 64 for letter in "123")
FEES = "paths:src/**"
ENTRY = {
    "date": "2026-11-21",
    "environment": "production",
    "summary": "Fees",
    "scope": "code",
    "risk": "high",
    "verification": "look",
    "rollback": "revert",
    "recorded": "2026-11-21T13:00:00Z",
    "answers": [{"target": FEES, "after": BAD}],
}


@pytest.fixture
def production(desk: Desk) -> Desk:
    """A production environment, of which only the journal is looked at."""
    desk.document("Environment/production", {"protected": True, "production": True})
    return desk


def _let_through(desk: Desk, *targets: tuple[str, str], outcome: str = "passed") -> None:
    """Record a ruling as the gate does, resting on evidence, an approval and a record."""
    verdicts = [
        {"judge": "Role/owner", "subject": target, "finding": "pass", "restsOn": [APPROVAL, RECORD]}
        for target, _ in targets
    ]
    ruling = {
        "outcome": outcome,
        "revision": "f" * 40,
        "items": [
            {"target": t, "action": "update", "before": None, "after": a} for t, a in targets
        ],
        "stages": [{"stage": "approval", "verdicts": verdicts}],
        "weighed": {
            "evidence": {f"Proof/fees for {FEES}": EVIDENCE},
            "approvals": {"Approval/carla": APPROVAL},
            "records": {"ChangelogEntry/fees": RECORD},
        },
    }
    with open_state(desk.root, desk.context(), command="test") as state:
        state.record_ruling("production", "sha256:" + "0" * 64, ruling)


def _section(desk: Desk, kind: str, id: str, code: int = 0) -> Any:
    found = desk.json("report", kind, "--env", "production", code=code)
    (section,) = [each for each in found["sections"] if each["id"] == id]
    return section


def _figure(section: Any, id: str) -> Any:
    return next(figure["value"] for figure in section["figures"] if figure["id"] == id)


def _rows(section: Any, id: str) -> list[Any]:
    rows: list[Any] = next(table["rows"] for table in section["tables"] if table["id"] == id)
    return rows


def _rules(section: Any) -> list[str]:
    return [lack["rule"] for lack in section["missing"]]


def test_the_chain_names_all_that_belongs_to_a_change(production: Desk) -> None:
    desk = production
    desk.document("ChangelogEntry/fees", ENTRY, "changelog/fees.yaml")
    _let_through(desk, (FEES, BAD))
    desk.later(hours=1)
    desk.tell("incident", "open", "Wrong fees", "--level", "SEV-3", "--env", "production")
    desk.later(minutes=5)
    section = _section(desk, "compliance", "compliance")
    (row,) = _rows(section, "chain")
    assert (row["target"], row["entry"], row["proofs"]) == (FEES, "fees", "Proof/fees")
    assert row["approvals"] == "Approval/carla"  # and not the record that was weighed beside it
    assert row["evidence"] == EVIDENCE[:19]
    assert row["incidents"] == "2026-11-21-wrong-fees"
    assert row["missing"] is None
    assert section["missing"] == []


def test_a_production_change_without_an_entry_is_missing_one(production: Desk) -> None:
    _let_through(production, (FEES, BAD), ("Workflow/pay", GOOD))
    production.document("ChangelogEntry/fees", ENTRY, "changelog/fees.yaml")
    production.later(hours=1)
    section = _section(production, "compliance", "compliance", code=1)
    (lack,) = section["missing"]
    assert (lack["rule"], lack["subject"]) == ("entry-missing", "Workflow/pay in production")
    assert _figure(section, "compliance-complete") == 1
    pay = _rows(section, "chain")[1]
    assert (pay["proofs"], pay["missing"]) == ("none owed", "entry-missing")


def test_an_entry_of_another_digest_or_environment_answers_for_nothing(production: Desk) -> None:
    _let_through(production, (FEES, GOOD))
    production.document("ChangelogEntry/fees", ENTRY, "changelog/fees.yaml")
    staging = {**ENTRY, "environment": "staging", "answers": [{"target": FEES, "after": GOOD}]}
    production.document("ChangelogEntry/staging", staging, "changelog/staging.yaml")
    production.later(minutes=1)
    assert _rules(_section(production, "compliance", "compliance", code=1)) == ["entry-missing"]


def test_what_was_refused_and_what_came_again_is_no_change(production: Desk) -> None:
    production.document("ChangelogEntry/fees", ENTRY, "changelog/fees.yaml")
    _let_through(production, (FEES, GOOD), outcome="failed")
    _let_through(production, (FEES, BAD))
    production.later(minutes=1)
    _let_through(production, (FEES, BAD))
    production.later(minutes=1)
    assert _figure(_section(production, "daily", "changes"), "changes") == 1


def test_changes_of_an_environment_that_is_not_production_owe_no_entry(desk: Desk) -> None:
    desk.tell("apply")
    desk.later(minutes=1)
    found = desk.json("report", "compliance", "--env", "local")
    (section,) = [each for each in found["sections"] if each["id"] == "compliance"]
    assert (len(_rows(section, "chain")), section["missing"]) == (1, [])


def test_an_edited_ruling_is_told(production: Desk) -> None:
    production.document("ChangelogEntry/fees", ENTRY, "changelog/fees.yaml")
    _let_through(production, (FEES, BAD))
    with open_state(production.root, production.context(), command="test") as state:
        state._writing.execute("UPDATE ruling SET actor = 'mallory'")
    production.later(minutes=1)
    assert _rules(_section(production, "compliance", "compliance", code=1)) == ["ruling-edited"]


def _rollback(desk: Desk, **more: Any) -> None:
    spec = {
        "type": "code",
        "opened": {"at": "2026-11-21T12:10:00Z", "by": "ada"},
        "environment": "production",
        "reason": "wrong fees",
        "reverts": [{"target": FEES, "after": BAD}],
        "answers": [{"target": FEES, "after": GOOD}],
    }
    desk.document("Rollback/fees", {**spec, **more}, "changelog/rollbacks/fees.yaml")


def test_a_rollback_counts_once_it_was_watched_and_owes_an_entry_too(production: Desk) -> None:
    desk = production
    desk.document("ChangelogEntry/fees", ENTRY, "changelog/fees.yaml")
    _let_through(desk, (FEES, BAD))
    desk.later(minutes=15)
    _rollback(desk)
    _let_through(desk, (FEES, GOOD))
    desk.later(minutes=30)
    section = _section(desk, "compliance", "compliance", code=1)
    assert _rules(section) == ["entry-missing", "rollback-unwatched"]
    first, second = _rows(section, "chain")
    assert first["rollback"] == "taken back by fees"
    assert second["rollback"] == "is fees, not watched to its end"
    watched = {"from": "2026-11-21T12:15:00Z", "until": "2026-11-21T12:30:00Z"}
    _rollback(desk, observation={**watched, "result": "stable"})
    undo = {**ENTRY, "answers": [{"target": FEES, "after": GOOD}], "rollbackOf": "Rollback/fees"}
    desk.document("ChangelogEntry/undo", undo, "changelog/undo.yaml")
    section = _section(desk, "compliance", "compliance")
    assert _rows(section, "chain")[1]["rollback"] == "is fees, it counts"
    changes = _section(desk, "daily", "changes")
    assert _figure(changes, "changes-reverted") == 1
    assert _rows(changes, "rollbacks")[0]["counts"] is True


def test_a_late_entry_is_told_and_not_missing(production: Desk) -> None:
    late = {**ENTRY, "recorded": "2026-11-22T13:00:00Z"}
    production.document("ChangelogEntry/fees", late, "changelog/fees.yaml")
    _let_through(production, (FEES, BAD))
    production.later(days=2)
    section = _section(production, "compliance", "compliance")
    assert _rows(section, "chain")[0]["entry"] == "fees (late)"
    found = production.json("report", "daily", "--for", "2026-11-21", "--env", "production")
    (changes,) = [each for each in found["sections"] if each["id"] == "changes"]
    assert _figure(changes, "entries-late") == 1


def test_incidents_have_their_times_and_their_reviews(production: Desk) -> None:
    desk = production
    at = ("--env", "production", "--commander", "ada", "--by", "monitoring")
    desk.tell("incident", "open", "Down", "--level", "SEV-1", *at)
    desk.later(minutes=4)
    desk.tell("incident", "ack")
    desk.later(minutes=6)
    desk.tell("incident", "mitigate", "--how", "restarted")
    desk.later(minutes=50)
    desk.tell("incident", "resolve", "--impact", "a", "--risk", "b", "--monitoring", "c")
    desk.tell("incident", "open", "Slow", "--level", "SEV-2", "--env", "production")
    desk.later(minutes=1)
    section = _section(desk, "daily", "incidents")
    assert [_figure(section, f"time-to-{n}") for n in ("acknowledge", "mitigate", "resolve")] == [
        *(120.0, 600.0, 3600.0),
    ]
    assert (_figure(section, "incidents-opened"), _figure(section, "incidents-open")) == (2, 1)
    assert [row["level"] for row in _rows(section, "incidents")] == ["SEV-2", "SEV-1"]
    assert [row["state"] for row in _rows(_section(desk, "daily", "reviews"), "reviews")] == [
        *("owed", "owed"),
    ]
    desk.later(days=3)
    overdue = _section(desk, "compliance", "compliance", code=1)
    assert _rules(overdue) == ["incident-review-missing"] * 2
    desk.tell("postmortem", "new", "2026-11-21-down", "--scheduled", "2026-11-25T09:00:00Z")
    assert _rules(_section(desk, "compliance", "compliance", code=1)) == ["incident-review-missing"]


def test_a_quiet_time_says_so(production: Desk) -> None:
    found = production.json("report", "weekly")
    ids = {section["id"] for section in found["sections"]}
    assert "changes" in ids
    assert not {"incidents", "reviews"} & ids  # nobody records any here
    section = _section(production, "compliance", "compliance")
    assert section["summary"] == "The journal has no change in the period."


@pytest.mark.parametrize("kind", ["daily", "compliance"])
def test_the_same_time_gives_the_same_bytes(production: Desk, kind: str) -> None:
    production.document("ChangelogEntry/fees", ENTRY, "changelog/fees.yaml")
    _let_through(production, (FEES, BAD))
    production.tell("incident", "open", "Down", "--level", "SEV-3", "--env", "production")
    production.later(days=9)  # compliance is told as of a week after the end
    asked = ("report", kind, "--from", "2026-11-21", "--to", "2026-11-22", "-o", "html")
    first = production.answer(*asked).out
    production.later(days=5)
    assert production.answer(*asked).out == first
    assert "Down" in first or kind == "compliance"

"""Rollbacks: evidence first, no step skipped, a backup always, and watched before they count."""

from __future__ import annotations

import pytest

from chimera.builtin.records.procedures import EVIDENCE, PROCEDURES
from chimera.builtin.records.spec.rollback import Preserved
from chimera.model import Severity
from tests.builtin.records.checks.conftest import (
    BAD,
    DATABASE,
    ENTRY,
    ROLLBACK,
    Check,
    Json,
    varied,
)

BROKEN: list[tuple[str, Json]] = [
    ("rollback-step-skipped", {"checklist.2": {"step": "capture-status"}}),
    ("rollback-step-skipped", {"checklist.5": ...}),
    ("rollback-step-unknown", {"checklist.+": {"step": "verfy"}}),
    ("rollback-step-twice", {"checklist.+": {"step": "verify"}}),
    ("rollback-steps-disordered", {"checklist.0.done.at": "2026-11-18T09:16:00Z"}),
    ("rollback-times-disordered", {"opened.at": "2026-11-18T09:16:00Z"}),
    ("rollback-time-future", {"redeploy.at": "2026-11-22T09:00:00Z"}),
    ("rollback-automated", {"opened.by": "Identity/robot"}),
    ("rollback-evidence-missing", {"preserved.2": ...}),
    ("rollback-evidence-missing", {"preserved": []}),
    ("rollback-evidence-unclear", {"preserved.2.unavailable": "rotated"}),
    ("rollback-evidence-unclear", {"preserved.2": {"what": "logs"}}),
    ("rollback-target-missing", {"answers": []}),
    ("rollback-restores-nothing", {"answers.0.after": BAD}),
    ("rollback-observation-short", {"observation.until": "2026-11-18T09:39:59Z"}),
    ("rollback-observation-short", {"observation.for": "14m"}),
    ("rollback-observation-short", {"observation.from": ...}),
    (
        "rollback-observation-early",
        {"observation.from": "2026-11-18T09:19:00Z"},
    ),
    ("rollback-unwatched", {"observation": {}, "redeploy": ...}),
    ("rollback-redeploy-early", {"redeploy.at": "2026-11-18T09:30:00Z"}),
]
FINE: list[Json] = [
    {"opened.by": "robo"},
    {"answers": [], "to": "c" * 40},
    {"observation.until": "2026-11-18T10:40:00Z"},
    {"observation.for": "16m", "observation.until": "2026-11-18T09:41:00Z"},
    {"observation.result": "unstable", "observation.until": "2026-11-18T09:26:00Z"},
    {"redeploy": ...},
]


@pytest.mark.parametrize(("rule", "changes"), BROKEN)
def test_a_rollback_that_breaks_a_rule_is_told(check: Check, rule: str, changes: Json) -> None:
    found = check({"Rollback/over": changes})
    assert {fault.rule for fault in found} == {rule}
    assert all(fault.span.path == "records/Rollback-over.yaml" and fault.help for fault in found)


@pytest.mark.parametrize("changes", FINE)
def test_one_that_breaks_none_is_told_nothing(check: Check, changes: Json) -> None:
    assert check({"Rollback/over": changes}) == ()


def as_database(**changes: object) -> Json:
    return {"Rollback/over": varied(DATABASE, dict(changes))}


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("rollback-without-backup", {"backup": ...}),
        ("rollback-without-migration", {"migration": ...}),
        ("rollback-without-migration", {"migration": {"path": "down.sql"}}),
        ("rollback-without-migration", {"migration": {"path": "down.sql", "tested": "no"}}),
        (
            "rollback-several",
            {"reverts": [{"target": f"paths:{n}", "after": BAD} for n in ("a", "b")]},
        ),
        (None, {}),
        (
            None,
            {
                "migration": ...,
                "escalated": {"to": "Cleo", "at": "2026-11-18T09:12:00Z", "why": "there is none"},
            },
        ),
    ],
)
def test_a_database_is_backed_up_and_goes_back_by_a_tested_migration(
    check: Check, rule: str | None, changes: Json
) -> None:
    found = check(added=as_database(**changes))
    assert [fault.rule for fault in found] == ([rule] if rule else [])
    assert not any(fault.stops for fault in found)


def test_a_backup_from_afterwards_is_none_from_before(check: Check) -> None:
    (fault,) = check(added=as_database(**{"backup.at": "2026-11-18T09:21:00Z"}))
    assert (fault.rule, fault.severity) == ("rollback-backup-late", Severity.WARNING)


def test_steps_under_a_condition_may_be_left_out(check: Check) -> None:
    at = "2026-11-18T09:15:00Z"
    procedure = PROCEDURES["config"]
    steps = [{"step": step, "done": {"at": at, "by": "Ben"}} for step in procedure.owed]
    assert procedure.owed != procedure.ids
    changes = {"type": "config", "checklist": steps}
    assert check({"Rollback/over": changes}) == ()


def test_a_rollback_that_has_not_begun_owes_nothing_yet(check: Check) -> None:
    planned = {
        key: ROLLBACK[key] for key in ("type", "incident", "environment", "reason", "answers")
    }
    planned["opened"] = {"at": "2026-11-21T11:50:00Z", "by": "Ann Lee"}
    planned["checklist"] = [{"step": step} for step in PROCEDURES["code"].ids]
    assert check(added={"Rollback/next": planned}) == ()


def test_one_rollback_at_a_time(check: Check) -> None:
    other = varied(
        ROLLBACK, {"answers.0.target": "paths:docs/**", "reverts.0.target": "paths:docs/**"}
    )
    entry = varied(ENTRY, {"rollbackOf": "Rollback/other", "answers": []})
    found = check(added={"Rollback/other": other, "ChangelogEntry/other": entry})
    assert [fault.rule for fault in found] == ["rollback-concurrent"]
    assert found[0].address == "Rollback/over"


def test_rollbacks_of_two_environments_or_one_after_the_other_are_fine(check: Check) -> None:
    elsewhere = varied(ROLLBACK, {"environment": "staging"})
    moments = {
        f"checklist.{i}.done.at": "2026-11-18T09:40:00Z" for i in range(len(ROLLBACK["checklist"]))
    }
    after = varied(
        ROLLBACK,
        {
            "opened.at": "2026-11-18T09:40:00Z",
            **moments,
            "observation.from": "2026-11-18T09:40:00Z",
            "observation.until": "2026-11-18T09:55:00Z",
        },
    )
    entries = {
        f"ChangelogEntry/{name}": varied(ENTRY, {"rollbackOf": f"Rollback/{name}", "answers": []})
        for name in ("elsewhere", "after")
    }
    assert check(added={"Rollback/elsewhere": elsewhere, "Rollback/after": after, **entries}) == ()


def test_a_rollback_is_entered_within_a_day(check: Check) -> None:
    (fault,) = check({"ChangelogEntry/over": {"rollbackOf": ...}})
    assert (fault.rule, fault.address) == ("rollback-entry-missing", "Rollback/over")


def test_every_type_begins_with_the_evidence_that_records_can_name() -> None:
    assert {procedure.ids[0] for procedure in PROCEDURES.values()} == {"preserve-evidence"}
    assert all(procedure.executes in procedure.ids for procedure in PROCEDURES.values())
    what = Preserved.model_json_schema()["properties"]["what"]["enum"]
    assert list(EVIDENCE) == what

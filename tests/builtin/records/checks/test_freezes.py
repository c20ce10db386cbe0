"""Freezes: they name what is there, and end after they began and with their incident."""

from __future__ import annotations

import pytest

from tests.builtin.records.checks.conftest import Check, Json


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("freeze-outlives-incident", {"lifted": ...}),
        ("freeze-outlives-incident", {"lifted": ..., "until": "2026-11-22T00:00:00Z"}),
        ("freeze-never-stands", {"by": "Ben", "until": "2026-11-18T09:00:00Z"}),
        ("freeze-scope-unknown", {"lifted": ..., "scope": {"kinds": ["Sevrice"]}}),
        ("freeze-scope-unknown", {"lifted": ..., "scope": {"layers": ["ops/1"]}}),
        ("freeze-scope-unknown", {"lifted": ..., "scope": {"environments": ["Environment/x"]}}),
        ("freeze-lifted-foreign", {}),
        ("freeze-lifted-foreign", {"by": "Cleo"}),
        (None, {"by": "ben"}),
        (None, {"by": "Identity/ben"}),
        (None, {"by": "Ben", "scope": {"kinds": ["Sevrice"]}}),
        (None, {"lifted": ..., "until": "2026-11-21T11:59:00Z"}),
        (None, {"lifted": ..., "scope": {"kinds": ["Workflow"]}}),
    ],
)
def test_a_freeze_that_breaks_a_rule_is_told(check: Check, rule: str | None, changes: Json) -> None:
    of_none = {} if rule == "freeze-outlives-incident" else {"incident": ...}
    found = check({"Freeze/over": {**changes, **of_none}})
    assert [fault.rule for fault in found] == ([rule] if rule else [])
    assert all(fault.span.line > 1 and fault.help for fault in found)


@pytest.mark.parametrize(
    ("by", "found"),
    [("Ann Lee", []), ("Ben", []), ("Eve", ["freeze-lifted-foreign"])],
)
def test_who_commands_or_resolves_an_incident_lifts_its_freeze(
    check: Check, by: str, found: list[str]
) -> None:
    lifted = {"at": "2026-11-18T10:30:00Z", "by": by, "reason": "resolved"}
    assert [fault.rule for fault in check({"Freeze/over": {"lifted": lifted}})] == found


def test_a_freeze_of_an_incident_that_is_not_there_dangles(check: Check) -> None:
    (fault,) = check(
        {
            "Freeze/over": {"by": "Ben", "incident": "Incident/gone"},
            "Incident/over": {"freeze": ...},
        }
    )
    assert fault.rule == "reference-dangling"

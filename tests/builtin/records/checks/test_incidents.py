"""Incidents: answered in time, commanded by one, frozen where owed, and over when they are over."""

from __future__ import annotations

from typing import Any

import pytest

from chimera.model import Severity
from tests.builtin.records.checks.conftest import FREEZE, OPEN, POSTMORTEM, Check, Json, varied


def at(time: str) -> str:
    return f"2026-11-21T{time}:00Z"


def assessed(*levels: tuple[str, str]) -> Json:
    return {
        "assessments": [
            {"at": at(time), "by": "Ann Lee", "level": level, "reason": "seen"}
            for time, level in levels
        ]
    }


def commanded(*spells: tuple[str, str, str | None]) -> Json:
    return {
        "commands": [
            {"by": by, "from": at(since)} | ({"until": at(until)} if until else {})
            for by, since, until in spells
        ]
    }


UNANSWERED = {"acknowledged": ..., "commands": []}
SEV_3 = {
    **assessed(("11:40", "SEV-3")),
    "commands.0.from": at("11:40"),
    "acknowledged.at": at("11:40"),
}

BROKEN: list[tuple[str, Json]] = [
    (
        "incident-acknowledged-late",
        {"acknowledged.at": at("11:56"), "commands.0.from": at("11:55")},
    ),
    ("incident-level-unknown", {"assessments.0.level": "SEV-9"}),
    (
        "incident-lowered-early",
        assessed(("11:40", "SEV-1"), ("11:45", "SEV-2"), ("11:50", "SEV-1")),
    ),
    ("incident-environment-unknown", {"environment": "prodution"}),
    ("incident-commander-missing", {"commands": []}),
    ("incident-commander-missing", commanded(("Ann Lee", "11:45", "11:50"))),
    ("incident-commander-gap", commanded(("Ann Lee", "11:45", "11:50"), ("Ben", "11:51", None))),
    ("incident-commander-gap", commanded(("Ann Lee", "11:56", None))),
    ("incident-commanders-two", commanded(("Ann Lee", "11:45", None), ("Ben", "11:50", None))),
    ("incident-commanders-two", commanded(("Ann Lee", "11:45", "11:51"), ("Ben", "11:50", None))),
    (
        "incident-command-backwards",
        commanded(("Ann Lee", "11:45", None), ("Ann Lee", "11:50", "11:49")),
    ),
    ("incident-timeline-disordered", {"timeline.1.at": at("11:29")}),
    ("incident-timeline-disordered", assessed(("11:50", "SEV-1"), ("11:40", "SEV-1"))),
    (
        "incident-timeline-disordered",
        commanded(("Ann Lee", "11:50", None), ("Ann Lee", "11:45", "11:50")),
    ),
    ("incident-times-disordered", {"mitigated": {"at": at("11:39"), "by": "Ben", "how": "x"}}),
    ("incident-time-future", {"timeline.1.at": at("12:06")}),
    ("incident-freeze-missing", SEV_3),
    ("incident-update-long", {"timeline.1.text": "x" * 501}),
    ("incident-link-foreign", {"freeze": "Freeze/over"}),
    ("reference-dangling", {"rollback": "Rollback/gone"}),
    ("reference-kind", {"rollback": "Freeze/over"}),
]
BROKEN_AFTERWARDS: list[tuple[str, Json]] = [
    ("incident-acknowledged-late", {"acknowledged.at": "2026-11-18T09:02:00Z"}),
    ("incident-commander-gap", {"commands.0.until": "2026-11-18T09:29:00Z"}),
    ("incident-commanders-two", {"commands.0.until": "2026-11-18T09:31:00Z"}),
    ("incident-times-disordered", {"mitigated.at": "2026-11-18T10:31:00Z"}),
    ("incident-resolution-empty", {"resolved.monitoring": "n/a"}),
    ("incident-resolution-empty", {"resolved.impact": "done."}),
    ("incident-resolved-foreign", {"resolved.by": "Cleo"}),
    ("incident-assessed-foreign", {"assessments.1.by": "Ann Lee"}),
    ("incident-acknowledgement-overdue", {"acknowledged": ...}),
]
FINE: list[Json] = [
    {},
    {"acknowledged.at": at("11:55"), **commanded(("Ann Lee", "11:55", None))},
    {**UNANSWERED, "opened.at": at("11:46"), **assessed(("11:46", "SEV-1"))},
    {**UNANSWERED, **assessed(("11:40", "SEV-0"))},
    {**UNANSWERED, **assessed(("11:40", "SEV-1"), ("11:50", "SEV-0"))},
    assessed(("11:40", "SEV-2"), ("11:50", "SEV-1")),
    assessed(("11:40", "SEV-1"), ("11:50", "SEV-2")),
    commanded(("Ann Lee", "11:45", "11:50"), ("Ben", "11:50", None)),
    commanded(("Ann Lee", "11:45", None), ("ann  lee", "11:50", None)),
    commanded(("Identity/ben", "11:45", "11:51"), ("Ben", "11:50", None)),
    {"timeline.1.at": at("12:04")},
    {"timeline.1.at": at("11:30")},
    {"timeline.1.text": "x" * 500},
    {"assessments.0.by": "Identity/ben"},
]


@pytest.mark.parametrize(("rule", "changes"), BROKEN)
def test_an_open_incident_that_breaks_a_rule_is_told(
    check: Check, rule: str, changes: Json
) -> None:
    (fault,) = check({"Incident/open": changes})
    assert fault.rule == rule
    assert fault.span.path == "records/Incident-open.yaml"
    assert fault.span.line > 1
    assert fault.help


@pytest.mark.parametrize(("rule", "changes"), BROKEN_AFTERWARDS)
def test_one_that_is_over_is_told_of_as_well(check: Check, rule: str, changes: Json) -> None:
    (fault,) = check({"Incident/over": changes})
    assert (fault.rule, fault.span.path) == (rule, "records/Incident-over.yaml")


@pytest.mark.parametrize("changes", FINE)
def test_one_that_breaks_none_is_told_nothing(check: Check, changes: Json) -> None:
    assert check({"Incident/open": changes}) == ()


@pytest.mark.parametrize(
    ("levels", "is_late"),
    [
        ([("11:29", "SEV-2")], True),
        ([("11:30", "SEV-2")], False),
        ([("11:29", "SEV-2"), ("11:59", "SEV-2")], True),
        ([("11:29", "SEV-2"), ("11:58", "SEV-1")], True),
        ([("11:29", "SEV-2"), ("11:58", "SEV-0")], False),
        ([("11:00", "SEV-0"), ("11:50", "SEV-2")], False),
    ],
)
def test_the_time_to_acknowledge_begins_with_the_level(
    check: Check, levels: list[tuple[str, str]], is_late: bool
) -> None:
    """Assessing it again does not begin it again, and a level that owes nothing ends it."""
    first = levels[0][0]
    found = check({"Incident/open": {**UNANSWERED, "opened.at": at(first), **assessed(*levels)}})
    overdue = [fault for fault in found if fault.rule == "incident-acknowledgement-overdue"]
    assert bool(overdue) is is_late
    # Who is to command is owed when the acknowledgement is.
    missing = [fault for fault in found if fault.rule == "incident-commander-missing"]
    assert len(found) == len(overdue) + len(missing) == 2 * is_late


def test_what_people_are_late_with_stops_nothing_and_what_cannot_be_does(check: Check) -> None:
    changes = {"commands": [], "assessments.0.level": "SEV-1", "timeline.1.at": at("11:29")}
    told = {fault.rule: fault for fault in check({"Incident/open": changes})}
    assert not told["incident-commander-missing"].stops
    assert told["incident-commander-missing"].severity is Severity.ERROR
    assert told["incident-timeline-disordered"].stops


def test_what_can_no_longer_be_mended_is_a_warning(check: Check) -> None:
    (fault,) = check({"Incident/over": {"acknowledged.at": "2026-11-18T09:02:00Z"}})
    assert fault.severity is Severity.WARNING


def owed(**more: Any) -> Json:
    return {"Freeze/open": {**FREEZE, "from": at("11:41"), "incident": "Incident/open"} | more}


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        ("incident-freeze-foreign", {"by": "Cleo"}),
        ("incident-freeze-lifted", {"lifted": {"at": at("11:50"), "by": "Ann Lee", "reason": "r"}}),
        ("incident-freeze-lifted", {"until": at("12:00")}),
        (None, {}),
        (None, {"by": "Identity/ann lee"}),
    ],
)
def test_a_freezing_level_owes_a_freeze_by_its_commander(
    check: Check, rule: str | None, more: Json
) -> None:
    added = owed(**more)
    if "lifted" not in more:
        del added["Freeze/open"]["lifted"]
    found = check({"Incident/open": SEV_3}, added)
    assert [fault.rule for fault in found] == ([rule] if rule else [])


def test_levels_are_compared_by_rank_and_not_by_number(check: Check) -> None:
    """SEV-1 is graver than SEV-2: from that to this nothing was lowered."""
    levels = assessed(
        ("11:40", "SEV-2"), ("11:45", "SEV-1"), ("11:50", "SEV-2"), ("11:55", "SEV-3")
    )
    found = check({"Incident/open": levels})
    assert [fault.rule for fault in found] == ["incident-freeze-missing"]
    assert "`chimera incident update TEXT -i " in (found[0].help or "")


def test_two_open_incidents_that_say_the_same_are_one_too_many(check: Check) -> None:
    again = varied(OPEN, {"title": "nobody  can PAY"})
    (fault,) = check(added={"Incident/again": again})
    assert (fault.rule, fault.address) == ("incident-duplicate", "Incident/open")


def test_open_incidents_of_two_environments_may_say_the_same(check: Check) -> None:
    added = {
        "Environment/staging": {"protected": False},
        "Incident/again": varied(OPEN, {"environment": "staging"}),
    }
    assert check(added=added) == ()


# --- the review


def ago(hours: int, minutes: int = 0) -> str:
    day, hour = divmod(21 * 24 + 12 - hours, 24)
    return f"2026-11-{day:02}T{hour:02}:{minutes:02}:00Z"


def opened(moment: str, *levels: str) -> Json:
    """Return how the open incident is changed to one that began at `moment`."""
    one = {"by": "Ann Lee", "reason": "seen"}
    return {
        "opened.at": moment,
        "acknowledged.at": moment,
        "assessments": [{**one, "at": moment, "level": level} for level in levels],
        "commands.0.from": moment,
    }


@pytest.mark.parametrize(
    ("moment", "levels", "is_missing"),
    [
        (ago(49), ("SEV-1",), True),
        (ago(49), ("SEV-2",), True),
        (ago(49), ("SEV-1", "SEV-0"), True),
        (ago(49), ("SEV-0",), False),
        (ago(48), ("SEV-1",), False),
    ],
)
def test_a_review_is_scheduled_within_two_days_whatever_became_of_the_level(
    check: Check, moment: str, levels: tuple[str, ...], is_missing: bool
) -> None:
    found = check({"Incident/open": opened(moment, *levels)})
    assert [fault.rule for fault in found] == (["incident-review-missing"] if is_missing else [])


@pytest.mark.parametrize(
    ("review", "rules"),
    [
        ({"scheduled": "2026-11-30T09:00:00Z", "planned": {"at": ago(10), "by": "Ben"}}, []),
        (
            {"scheduled": "2026-11-30T09:00:00Z", "planned": {"at": ago(1), "by": "Ben"}},
            ["incident-review-late"],
        ),
        ({"scheduled": "2026-11-30T09:00:00Z"}, ["incident-review-late"]),
        ({"scheduled": ago(2)}, []),
        ({"planned": {"at": ago(10), "by": "Ben"}}, ["incident-review-missing"]),
        ({}, ["incident-review-missing"]),
    ],
)
def test_a_review_counts_by_when_it_was_scheduled(
    check: Check, review: Json, rules: list[str]
) -> None:
    added = {"Postmortem/open": {"incident": "Incident/open", "summary": "s", **review}}
    found = check({"Incident/open": opened(ago(50), "SEV-1")}, added)
    assert [fault.rule for fault in found] == rules


@pytest.mark.parametrize(
    ("moment", "rules"),
    [
        (None, ["incident-mitigation-overdue"]),
        ("11:56", ["incident-mitigated-late"]),
        ("11:55", []),
    ],
)
def test_mitigation_is_owed_where_a_level_says_so(
    check: Check, moment: str | None, rules: list[str]
) -> None:
    level = {"id": "A", "rank": 0, "name": "a", "meaning": "m", "response": "r"}
    models = {"SeverityModel/own": {"levels": [{**level, "mitigateWithin": "15m"}]}}
    changes: Json = {"model": "SeverityModel/own", "assessments.0.level": "A"}
    if moment is not None:
        changes["mitigated"] = {"at": at(moment), "by": "Ben", "how": "restarted"}
    assert [fault.rule for fault in check({"Incident/open": changes}, models)] == rules


def test_a_record_of_an_incident_that_is_not_there_dangles(check: Check) -> None:
    added = {"Postmortem/none": {**POSTMORTEM, "incident": "Incident/none"}}
    rules = {fault.rule for fault in check(added=added)}
    assert "reference-dangling" in rules

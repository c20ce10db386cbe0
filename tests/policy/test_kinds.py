"""What a Policy and a Waiver may say."""

from datetime import UTC, datetime

import pytest

from chimera.kinds import Role, marked
from chimera.kinds.fields import Plays
from chimera.policy import PolicySpec, WaiverSpec

from .conftest import Bench, document, rule

WAIVER = {
    "policy": "Policy/p",
    "rule": "small",
    "address": "Thing/a",
    "reason": "the new one ships next week",
    "approver": "ann",
    "expires": "2027-01-31",
}


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2027-01-31", datetime(2027, 2, 1, tzinfo=UTC)),
        ("2027-01-31T12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31T12:00:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_expiry_is_the_end_of_a_day_or_a_moment_with_zone(text: str, end: datetime) -> None:
    assert WaiverSpec.model_validate({**WAIVER, "expires": text}).expiry == end


def test_last_day_of_the_calendar_is_an_expiry() -> None:
    assert WaiverSpec.model_validate({**WAIVER, "expires": "9999-12-31"}).expiry.year == 9999


@pytest.mark.parametrize("text", ["", "soon", "2027-02-30", "20270131", "2027-01-31T12:00:00", "9"])
def test_expiry_that_is_no_date_is_a_diagnostic(bench: Bench, text: str) -> None:
    bench.write(document("Waiver", "w", {**WAIVER, "expires": text}))
    (fault,) = bench.load().diagnostics
    assert fault.rule == "waiver-expiry-invalid"
    assert bench.load().snapshot.documents == {}


def test_waiver_without_expiry_is_refused(bench: Bench) -> None:
    bench.write(document("Waiver", "w", {k: v for k, v in WAIVER.items() if k != "expires"}))
    assert [fault.rule for fault in bench.load().diagnostics] == ["field-missing"]


def test_time_of_a_case_needs_a_zone(bench: Bench) -> None:
    case = {"name": "a", "object": {}, "expect": [], "now": "2027-01-31T12:00:00"}
    bench.policy(rule("true"), cases=[case])
    assert [fault.rule for fault in bench.load().diagnostics] == ["policy-case-time-invalid"]


def test_action_says_whether_a_policy_denies(bench: Bench) -> None:
    bench.policy(rule("true"), rule("true", "loud", action="warn"))
    (policy,) = bench.load().snapshot.of_model(PolicySpec)
    played = [
        (f.value, f.route)
        for f in marked(policy.spec)
        if isinstance(f.mark, Plays) and f.mark.role is Role.DENIES
    ]
    assert played == [("deny", ("rules", 0, "action")), ("warn", ("rules", 1, "action"))]

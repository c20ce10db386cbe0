"""The clocks tell UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from chimera.context import FixedClock, SystemClock, parse_instant
from chimera.model import UsageError


def test_system_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_fixed_clock_stands_still_and_turns_to_utc() -> None:
    clock = FixedClock(datetime(2026, 11, 21, 1, 30, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == clock.now() == datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_fixed_clock_refuses_a_naive_instant() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        FixedClock(datetime(2026, 11, 21))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31T12:00:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_an_instant_is_a_date_or_a_time_with_its_zone(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant
    assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2027-01-31T12:00:00", "2027-02-30", "0001-01-01T00:00:00+05:00"]
)
def test_what_is_no_instant_is_told_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match="no time"):
        parse_instant(text)

"""Which time a report is about: half-open, in a zone, and its parts fill it without a gap."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.reporting.periods import Asked, period_of, zone_of
from chimera.model import UsageError
from chimera.runtime.reporting import Period, ReportKind

NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
DAILY, WEEKLY, MONTHLY = ReportKind.DAILY, ReportKind.WEEKLY, ReportKind.MONTHLY


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("kind", "named", "start", "end", "name"),
    [
        (DAILY, None, utc(2026, 11, 21), utc(2026, 11, 22), "2026-11-21"),
        (DAILY, "last", utc(2026, 11, 20), utc(2026, 11, 21), "2026-11-20"),
        (DAILY, "2024-02-29", utc(2024, 2, 29), utc(2024, 3, 1), "2024-02-29"),
        (WEEKLY, None, utc(2026, 11, 16), utc(2026, 11, 23), "2026-W47"),
        (WEEKLY, "last", utc(2026, 11, 9), utc(2026, 11, 16), "2026-W46"),
        (WEEKLY, "2021-01-03", utc(2020, 12, 28), utc(2021, 1, 4), "2020-W53"),
        (WEEKLY, "2020-W53", utc(2020, 12, 28), utc(2021, 1, 4), "2020-W53"),
        (MONTHLY, None, utc(2026, 11, 1), utc(2026, 12, 1), "2026-11"),
        (MONTHLY, "last", utc(2026, 10, 1), utc(2026, 11, 1), "2026-10"),
        (MONTHLY, "2025-12", utc(2025, 12, 1), utc(2026, 1, 1), "2025-12"),
        (ReportKind.COMPLIANCE, "2026-W01", utc(2025, 12, 29), utc(2026, 1, 5), "2026-W01"),
        (ReportKind.CAPACITY, None, utc(2026, 10, 25), utc(2026, 11, 22), None),
    ],
)
def test_a_time_is_found_by_its_name(
    kind: ReportKind, named: str | None, start: datetime, end: datetime, name: str | None
) -> None:
    period = period_of(kind, Asked(named), NOW)
    assert (period.start, period.end) == (start, end)
    assert name in (None, period.name)


def test_a_period_holds_its_start_and_not_its_end() -> None:
    period = period_of(DAILY, Asked(), NOW)
    assert period.contains(period.start)
    assert not period.contains(period.end)
    assert period.overlaps(period.start - timedelta(hours=1), None)
    assert not period.overlaps(period.end, None)
    assert not period.overlaps(period.start - timedelta(hours=1), period.start)


def test_days_are_those_of_the_zone() -> None:
    berlin = period_of(DAILY, Asked("2026-11-21", zone="Europe/Berlin"), NOW)
    assert (berlin.start, berlin.end) == (utc(2026, 11, 20, 23), utc(2026, 11, 21, 23))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_in_which_clocks_change_has_as_many_hours_as_it_has(day: str, hours: int) -> None:
    period = period_of(DAILY, Asked(day, zone="Europe/Berlin"), utc(2027, 1, 1))
    assert len(period.parts()) == hours
    assert {part.end - part.start for part in period.parts()} == {timedelta(hours=1)}


def test_between_two_moments_a_date_is_a_midnight_of_the_zone() -> None:
    asked = Asked(start="2026-11-01", end="2026-11-02T12:00:00Z", zone="Asia/Kathmandu")
    period = period_of(DAILY, asked, NOW)
    assert (period.start, period.end) == (utc(2026, 10, 31, 18, 15), utc(2026, 11, 2, 12))
    assert period_of(DAILY, Asked(start="2026-11-21"), NOW).end == NOW


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked("2026-02-31"), "no time"),
        (Asked("2026-W54"), "no time"),
        (Asked("2026-13"), "no time"),
        (Asked("tomorrow"), "no time"),
        (Asked("2026-11-22"), "has not begun"),
        (Asked(zone="Europe/Nowhere"), "no time zone"),
        (Asked(zone="../../etc/passwd"), "no time zone"),
        (Asked(end="2026-11-01"), "nothing when it begins"),
        (Asked("2026-11-21", start="2026-11-01"), "exclude"),
        (Asked(start="2026-11-02", end="2026-11-02"), "nothing lies between"),
        (Asked(start="soon"), "no time"),
        (Asked(start="2026-02-31"), "no date"),
    ],
)
def test_what_is_no_time_is_refused(asked: Asked, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        period_of(DAILY, asked, NOW)


ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"]
)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)),
    st.integers(1, 200 * 24 * 60),
    ZONES,
)
def test_the_parts_of_a_period_fill_it_without_a_gap(
    start: datetime, minutes: int, zone: str
) -> None:
    begin = start.replace(second=0, microsecond=0, tzinfo=UTC)
    period = Period(begin, begin + timedelta(minutes=minutes), ZoneInfo(zone), "")
    parts = period.parts()
    assert parts[0].start == period.start
    assert parts[-1].end == period.end
    assert all(a.end == b.start for a, b in itertools.pairwise(parts))
    assert all(part.start < part.end for part in parts)


def test_utc_needs_no_time_zones_of_the_machine() -> None:
    assert zone_of("UTC") is UTC

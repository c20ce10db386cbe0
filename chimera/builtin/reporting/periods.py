"""Which time a report is about: days, ISO weeks and months of a zone, or between two moments.

Refuses a time that has not begun, and to guess a zone: it is UTC unless somebody names another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from chimera.context import parse_instant
from chimera.model import UsageError
from chimera.runtime.reporting import Period, ReportKind

LAST = "last"
CAPACITY_DAYS = 28
"""How far back capacity looks unless it is told."""
_WEEK = re.compile(r"(\d{4})-W(\d{2})")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: a time by its name, or its ends; nothing means the present one."""

    named: str | None = None
    start: str | None = None
    end: str | None = None
    zone: str = "UTC"


def period_of(kind: ReportKind, asked: Asked, now: datetime) -> Period:
    """Return the period that is asked for; raises `UsageError` where there is none."""
    zone = zone_of(asked.zone)
    if asked.start is not None or asked.end is not None:
        if asked.named is not None:
            raise UsageError("--for and --from or --to exclude each other", help="leave one out")
        return _between(asked, zone, now)
    if kind is ReportKind.CAPACITY and asked.named is None:
        tomorrow = now.astimezone(zone).date() + timedelta(days=1)
        return _days(tomorrow - timedelta(days=CAPACITY_DAYS), tomorrow, zone)
    period = _named(kind, asked.named, zone, now)
    if period.start > now:
        raise UsageError(
            f"{period.name} has not begun: it is {now.astimezone(zone):%Y-%m-%d %H:%M}",
            help="name a time that has, or give --now",
        )
    return period


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its name in the tz database; raises `UsageError` for an unknown one."""
    from zoneinfo import ZoneInfo

    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # a path, a folder, or no such zone
        raise UsageError(
            f"there is no time zone {name!r}", help="write one as tz names it: Europe/Berlin"
        ) from error


def _named(kind: ReportKind, named: str | None, zone: tzinfo, now: datetime) -> Period:
    today = now.astimezone(zone).date()
    if named is None:
        return _around(kind, today, zone)
    if named == LAST:
        present = _around(kind, today, zone)
        before = present.start.astimezone(zone).date() - timedelta(days=1)
        return _around(kind, before, zone)
    try:
        if found := _WEEK.fullmatch(named):
            return _week(date.fromisocalendar(int(found[1]), int(found[2]), 1), zone)
        if found := _MONTH.fullmatch(named):
            return _month(date(int(found[1]), int(found[2]), 1), zone)
        if _DAY.fullmatch(named):
            return _around(kind, date.fromisoformat(named), zone)
    except (ValueError, OverflowError):  # such as the 31st of February
        pass
    raise UsageError(
        f"{named!r} is no time that a report can be about",
        help="write a date (2026-11-21), a week (2026-W47), a month (2026-11) or last",
    )


def _around(kind: ReportKind, day: date, zone: tzinfo) -> Period:
    """Return the day, week or month that a day lies in."""
    if kind is ReportKind.DAILY:
        return _days(day, day + timedelta(days=1), zone, day.isoformat())
    if kind is ReportKind.WEEKLY:
        return _week(day - timedelta(days=day.weekday()), zone)
    return _month(day.replace(day=1), zone)


def _week(monday: date, zone: tzinfo) -> Period:
    year, week, _ = monday.isocalendar()
    return _days(monday, monday + timedelta(days=7), zone, f"{year}-W{week:02}")


def _month(first: date, zone: tzinfo) -> Period:
    after = (first + timedelta(days=32)).replace(day=1)
    return _days(first, after, zone, f"{first:%Y-%m}")


def _days(start: date, end: date, zone: tzinfo, name: str | None = None) -> Period:
    """Return the time from the midnight of one day to that of another."""
    first, after = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (start, end))
    return Period(first, after, zone, name or f"{start} to {end - timedelta(days=1)}")


def _between(asked: Asked, zone: tzinfo, now: datetime) -> Period:
    if asked.start is None:
        raise UsageError("--to says when it ends, and nothing when it begins", help="add --from")
    start = _instant(asked.start, zone)
    end = now if asked.end is None else _instant(asked.end, zone)
    if end <= start:
        raise UsageError(
            f"nothing lies between {start:%Y-%m-%d %H:%M} and {end:%Y-%m-%d %H:%M}",
            help="--from lies before --to, which is not part of the time itself",
        )
    first, last = (edge.astimezone(zone) for edge in (start, end))
    name = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
    return Period(start, end, zone, name)


def _instant(text: str, zone: tzinfo) -> datetime:
    """Return a moment; a date is its midnight in the zone of the report."""
    if _DAY.fullmatch(text):
        try:
            return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
        except ValueError as error:
            raise UsageError(f"{text!r} is no date", help="write it as 2026-11-21") from error
    return parse_instant(text).astimezone(UTC)

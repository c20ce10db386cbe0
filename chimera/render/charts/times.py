"""Times beside an axis: round ones of a zone, and as few words as tell them apart.

Refuses a locale: months have numbers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from chimera.render.charts.scales import Scale

_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)
_DAYS = (1, 2, 7, 14, 28, 91, 182, 364)


def time_scale(low: float, high: float, zone: tzinfo, ticks: int = 6) -> Scale:
    """Return a scale of seconds since 1970 with about so many round times of a zone on it."""
    if high <= low:
        low, high = low - 1800, low + 1800
    begin, end = (datetime.fromtimestamp(edge, UTC).astimezone(zone) for edge in (low, high))
    minutes = (high - low) / 60 / ticks
    every = next((step for step in _MINUTES if step >= minutes), None)
    marks = _minutes(begin, end, every) if every else _days(begin, end, minutes / 1440)
    return Scale(low, high, False, tuple(mark.timestamp() for mark in marks))


def _minutes(begin: datetime, end: datetime, every: int) -> list[datetime]:
    day = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = (begin - day).total_seconds() / 60
    first = -int(-passed // every) * every
    # Steps are of real time: where the clocks change, a tick is at another full hour.
    at = day.astimezone(UTC) + timedelta(minutes=first)
    found = []
    while at <= end:
        found.append(at.astimezone(end.tzinfo))
        at += timedelta(minutes=every)
    return found


def _days(begin: datetime, end: datetime, least: float) -> list[datetime]:
    every = next((step for step in _DAYS if step >= least), _DAYS[-1])
    day = begin.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if day < begin:
        day += timedelta(days=1)
    if every >= 7:
        day += timedelta(days=-day.weekday() % 7)
    found = []
    while day <= end:
        found.append(day)
        day += timedelta(days=every)
    return found


def time_label(seconds: float, scale: Scale, zone: tzinfo) -> str:
    """Return a tick's time: the hour on an axis of at most two days, and else the date."""
    at = datetime.fromtimestamp(seconds, UTC).astimezone(zone)
    if scale.high - scale.low <= 2 * 86_400 + 3_600:
        return f"{at:%H:%M}"
    return f"{at:%m-%d}" if scale.high - scale.low < 300 * 86_400 else f"{at:%Y-%m-%d}"


def moment(seconds: float, zone: tzinfo) -> str:
    """Return a time in full, to the minute."""
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone(zone):%Y-%m-%d %H:%M}"

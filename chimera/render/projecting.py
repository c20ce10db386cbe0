"""How a trend is told in a report: figures, a line in a chart, and when something is exhausted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from chimera.model.chart import Chart, Line
from chimera.render.units import shown
from chimera.runtime.reporting import Figure, ReportTask, Tone
from chimera.runtime.trends import LEAST, Trend, trend_of

DAY = 86_400.0
NOT_ENOUGH = f"not enough measurements: a trend takes {LEAST} at different times"
_FAR = timedelta(days=3650)
"""Beyond ten years a line through some weeks says nothing."""
_SOON = timedelta(days=30)

Points = Sequence[tuple[float, float]]
"""Seconds since 1970, and what was measured then."""


def growth_figure(id: str, name: str, points: Points, unit: str) -> Figure:
    """Return by how much a level grows each day, with the uncertainty of that."""
    trend = trend_of(points)
    if trend is None:
        return Figure(id, name, None, note=NOT_ENOUGH)
    return Figure(id, name, trend.slope * DAY, unit, f"a day, {_sureness(trend, unit)}")


def rate_figure(id: str, name: str, points: Points) -> Figure:
    """Return how many of something there are a day, and how that changes from day to day."""
    trend = trend_of(points)
    if trend is None:
        return Figure(id, name, None, note=NOT_ENOUGH)
    change = shown(float(f"{trend.slope * DAY:.3g}"))
    note = f"on average, and {change} more each day, {_sureness(trend, '')}"
    return Figure(id, name, float(f"{trend.y:.3g}"), "", note)


def _sureness(trend: Trend, unit: str) -> str:
    margin = shown(float(f"{trend.margin * DAY:.2g}"), unit)
    told = "no clear trend" if trend.direction == "unclear" else trend.direction
    return f"± {margin} at 95 %, by {trend.measurements} measurements: {told}"


def exhaustion_figure(id: str, name: str, points: Points, limit: float, task: ReportTask) -> Figure:
    """Return when a limit is reached, if the trend says that it is."""
    trend = trend_of(points)
    if trend is None:
        return Figure(id, name, None, note=NOT_ENOUGH)
    found = trend.reaches(limit)
    if found is None:
        note = "by this trend it is not reached" if _leads_away(trend, limit) else "no clear trend"
        return Figure(id, name, "not foreseen", note=note, tone=Tone.GOOD)
    at, earliest, latest = (_moment(seconds) for seconds in found)
    if at is None or at > task.now + _FAR:
        return Figure(id, name, "not foreseen", note="not within ten years", tone=Tone.GOOD)
    assert earliest is not None
    tone = Tone.BAD if at <= task.now + _SOON else Tone.WARNING
    note = f"{_between(earliest, latest, task.period.zone)} at 95 %, if it goes on so"
    day = f"{at.astimezone(task.period.zone):%Y-%m-%d}"
    return Figure(id, name, day, "", note, tone, is_key=tone is Tone.BAD)


def _between(earliest: datetime, latest: datetime | None, zone: tzinfo) -> str:
    first = f"{earliest.astimezone(zone):%Y-%m-%d}"
    if latest is None:
        return f"not before {first}"
    last = f"{latest.astimezone(zone):%Y-%m-%d}"
    return "give or take a day" if first == last else f"between {first} and {last}"


def growth_chart(
    title: str, upward: str, points: Points, task: ReportTask, unit: str = "", limit: float = 0.0
) -> Chart:
    """Return a chart of measurements with their trend, and a limit where there is one."""
    trend = trend_of(points)
    lines = [Line("measured", points)]
    if trend is not None:
        ends = (points[0][0], points[-1][0])
        lines.append(Line("trend", [(x, trend.at(x)) for x in ends]))
    told = "A trend is drawn through them." if trend else f"There is {NOT_ENOUGH}."
    return Chart(
        *(title, "time", upward, lines),
        description=f"{len(points)} measurements. {told}",
        is_time=True,
        unit=unit,
        limits=(("limit", limit),) if limit else (),
        span=(task.period.start.timestamp(), task.period.end.timestamp()),
        is_from_zero=True,
    )


def _leads_away(trend: Trend, limit: float) -> bool:
    return trend.direction == ("falling" if limit > trend.y else "rising")


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None

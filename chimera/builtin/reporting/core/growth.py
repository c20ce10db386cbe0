"""How runs and the journal grow, day by day: what a trend of them says of the days to come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from chimera.builtin.reporting.core.counting import by_part, is_hourly
from chimera.render.projecting import growth_chart, rate_figure
from chimera.runtime.reporting import Figure, Period, ReportTask, Section
from chimera.state.periods import Moment, event_moments, run_moments, runs_before


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield how many runs began and how much the journal got on each full day."""
    days = full_days(task)
    span = task.span
    hourly = is_hourly(days)
    begun = run_moments(task.state, span, hourly=hourly)
    runs = _daily(days, begun)
    lines = _daily(days, event_moments(task.state, span, hourly=hourly))
    kept = runs_before(task.state, span) + sum(m.number for m in begun)
    figures = (
        Figure("runs-kept", "Runs that the state holds", kept, note="that began before the end"),
        rate_figure("runs-growth", "Runs a day", runs),
        rate_figure("journal-growth", "Lines of the journal a day", lines),
    )
    charts = [
        growth_chart("Runs a day", "runs", runs, task),
        growth_chart("Lines of the journal a day", "lines", lines, task),
    ]
    yield Section("capacity", "Capacity", "", figures, (), charts if days else ())


def full_days(task: ReportTask) -> tuple[Period, ...]:
    """Return the days of the period that are over: a part of one would look like a decline."""
    day = timedelta(hours=20)
    return tuple(
        part
        for part in _days(task.period)
        if part.end <= task.until and part.end - part.start >= day
    )


def _days(period: Period) -> tuple[Period, ...]:
    """Return the days of a period, however long it is."""
    found: list[Period] = []
    step = timedelta(weeks=9)
    start = period.start
    while start < period.end:
        found += Period(start, min(start + step, period.end), period.zone, "").parts()
        start = found[-1].end
    return tuple(found)


def _daily(days: Sequence[Period], moments: Sequence[Moment]) -> list[tuple[float, float]]:
    """Return how many of all there were on each day, by its beginning."""
    if not days:
        return []
    within = [m for m in moments if days[0].start <= m.at < days[-1].end]
    counts = by_part(days, within, lambda _: "all")
    return [
        (day.start.timestamp(), float(c.get("all", 0))) for day, c in zip(days, counts, strict=True)
    ]

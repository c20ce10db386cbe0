"""Runs of a period: how many, how they ended, how long they took, how many at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from chimera.builtin.reporting.core.counting import by_part, is_hourly, share
from chimera.model.chart import BarChart, Chart, Line
from chimera.runtime.reporting import Cell, Column, Figure, ReportTask, Section, Table, Tone
from chimera.state import RunStatus
from chimera.state.periods import (
    Latency,
    TargetTally,
    latencies,
    run_moments,
    target_tallies,
    under_way,
)

_FAILED = {RunStatus.FAILED, RunStatus.INTERRUPTED}
_SERIES = ("succeeded", "failed or interrupted", "other")
_SHOWN = 12


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield what there is to say of runs; nothing where none began."""
    tallies = target_tallies(task.state, task.span)
    if not tallies:
        yield Section("runs", "Runs", "No run began in this time.")
        return
    yield _runs(task, tallies)
    took = latencies(task.state, task.span)
    if took:
        yield _latency(took)
    yield _utilisation(task)


def _runs(task: ReportTask, tallies: Sequence[TargetTally]) -> Section:
    by_status: Counter[RunStatus] = Counter()
    for tally in tallies:
        by_status[tally.status] += tally.runs
    total = by_status.total()
    failed = sum(by_status[status] for status in _FAILED)
    ended = total - sum(n for status, n in by_status.items() if not _has_ended(status))
    succeeded = share(by_status[RunStatus.SUCCEEDED], ended)
    figures = (
        Figure("runs", "Runs", total, note="that began in this time", is_key=True),
        Figure("runs-succeeded", "Succeeded", by_status[RunStatus.SUCCEEDED]),
        Figure(
            *("runs-failed", "Failed or interrupted", failed, ""),
            *("of those that began", Tone.BAD if failed else Tone.GOOD),
            is_key=True,
        ),
        Figure("runs-success", "Share that succeeded", succeeded, "ratio", "of those that ended"),
        Figure("runs-going", "Not ended", total - ended),
    )
    return Section(*("runs", "Runs", ""), figures, (_targets(tallies),), (_chart(task),))


def _has_ended(status: RunStatus) -> bool:
    return status.is_final or status in _FAILED


def _targets(tallies: Sequence[TargetTally]) -> Table:
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for tally in tallies:
        counts = found[tally.environment, tally.target]
        counts["runs"] += tally.runs
        counts[_word(tally.status)] += tally.runs
    rows = [
        (environment, target, c["runs"], c[_SERIES[0]], c[_SERIES[1]], c[_SERIES[2]])
        for (environment, target), c in found.items()
    ]
    rows.sort(key=lambda row: (-row[4], -row[2], row[0], row[1]))
    columns = (
        Column("environment", "Environment", is_code=True),
        Column("target", "Target", is_code=True),
        *(Column(id, name) for id, name in _COUNTED),
    )
    return Table("runs-by-target", "Runs by target", columns, rows, most=_SHOWN)


_COUNTED = (
    ("runs", "Runs"),
    ("succeeded", "Succeeded"),
    ("failed", "Failed"),
    ("other", "Other"),
)


def _word(status: RunStatus | str) -> str:
    status = RunStatus(status)
    if status is RunStatus.SUCCEEDED:
        return _SERIES[0]
    return _SERIES[1] if status in _FAILED else _SERIES[2]


def _chart(task: ReportTask) -> BarChart:
    parts = task.parts
    moments = run_moments(task.state, task.span, hourly=is_hourly(parts))
    counted = by_part(parts, moments, _word)
    others = any(counts.get(_SERIES[2]) for counts in counted)
    series = _SERIES if others else _SERIES[:2]
    bars = [
        (part.name, [float(counts.get(name, 0)) for name in series])
        for part, counts in zip(parts, counted, strict=True)
    ]
    total = sum(sum(values) for _, values in bars)
    failed = sum(values[1] for _, values in bars)
    most = max(bars, key=lambda bar: sum(bar[1]))
    said = f"{total:g} runs began, of which {failed:g} failed; the most, {sum(most[1]):g}, "
    return BarChart("Runs as they began", "runs", series, bars, f"{said}at {most[0]}.")


def _latency(took: Sequence[Latency]) -> Section:
    slowest = sorted(took, key=lambda each: (-each.p95, each.environment, each.target))
    columns = (
        Column("environment", "Environment", is_code=True),
        Column("target", "Target", is_code=True),
        Column("ended", "Ended"),
        *(Column(id, name, "seconds") for id, name in _TIMES),
    )
    rows: list[tuple[Cell, ...]] = [tuple(each) for each in slowest]
    note = "From when a run was made to what happened last of it; percentiles by nearest rank."
    table = Table("run-times", "How long runs took", columns, rows, note=note, most=_SHOWN)
    return Section("latency", "Latency", tables=(table,))


_TIMES = (("median", "Median"), ("p95", "95th percentile"), ("longest", "Longest"))


def _utilisation(task: ReportTask) -> Section:
    parts = task.parts
    edges = [(part.start, min(part.end, task.until)) for part in parts]
    busy = under_way(task.state, task.span, edges)
    lengths = [(end - start).total_seconds() for start, end in edges]
    whole = sum(lengths)
    average = sum(busy) / whole if whole else None
    points = [
        (start.timestamp(), seconds / length if length else None)
        for (start, _), seconds, length in zip(edges, busy, lengths, strict=True)
    ]
    highest = max((y for _, y in points if y is not None), default=0.0)
    chart = Chart(
        *("Runs under way at a time", "time", "runs"),
        (Line("runs", points, steps=True),),
        description=f"On average {average or 0:.3g} at a time, {highest:.3g} in the busiest part.",
        is_time=True,
        span=(task.period.start.timestamp(), task.period.end.timestamp()),
        is_from_zero=True,
    )
    told = "" if average is None else f"{average:.3g} at a time on average"
    figures = (Figure("runs-busy", "Time that runs took together", sum(busy), "seconds", told),)
    return Section("utilisation", "Utilisation", figures=figures, charts=(chart,))

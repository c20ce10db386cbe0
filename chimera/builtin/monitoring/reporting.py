"""How full disk and memory were when somebody looked at health, and when the disk is exhausted.

By the looks that are kept, the newest. Refuses to look now: a report is of what was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from chimera.model.chart import Chart, Line
from chimera.render.projecting import exhaustion_figure, growth_chart, growth_figure
from chimera.runtime.looks import reports
from chimera.runtime.reporting import Figure, ReportKind, ReportTask, Section

_Points = list[tuple[float, float]]
_SHOWN = 56
_NOBODY = "nobody looked at the machine in this time: `chimera health` does, and keeps it"


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield how full the machine was, or to capacity when its disk is."""
    looks = list(_looks(task))
    disk, memory = (_measured(looks, subject, "usage") for subject in ("disk", "memory"))
    if task.kind is ReportKind.CAPACITY:
        yield _capacity(task, disk, _measured(looks, "disk", "state"))
    elif task.kind.is_periodic:
        yield _usage(task, disk, memory)


def _looks(task: ReportTask) -> Iterator[Mapping[str, Any]]:
    """Yield what was kept of looks in the period; environments of one machine tell the same."""
    for environment in task.environments:
        yield from reports(task.state, environment, since=task.period.start, until=task.until)


def _measured(looks: Sequence[Mapping[str, Any]], subject: str, measure: str) -> _Points:
    """Return what was measured of a part, by time; of two looks at one moment the last counts."""
    found: dict[float, float] = {}
    for look in looks:
        for check in look["checks"]:
            value = check.get("measures", {}).get(measure)
            if check["subject"] == subject and isinstance(value, int | float):
                found[datetime.fromisoformat(look["at"]).timestamp()] = float(value)
    return sorted(found.items())


def _capacity(task: ReportTask, disk: _Points, state: _Points) -> Section:
    figures = (
        exhaustion_figure("disk-exhausted", "The disk is full", disk, 1.0, task),
        growth_figure("state-growth", "The state grows by", state, "bytes"),
    )
    charts = []
    if disk:
        charts.append(growth_chart("Disk in use", "share", disk, task, "ratio", 1.0))
    if state:
        charts.append(growth_chart("Size of the state", "bytes", state, task, "bytes"))
    return Section(
        "capacity", "Capacity", "", figures, (), charts, notes=() if disk else (_NOBODY,)
    )


def _usage(task: ReportTask, disk: _Points, memory: _Points) -> Section:
    figures = [_most("disk-usage", "Disk in use", disk), _most("memory-usage", "Memory", memory)]
    named = (("disk", disk), ("memory", memory))
    lines = [Line(name, _thinned(task, points)) for name, points in named if points]
    if not lines:
        return Section("utilisation", "Utilisation", "", figures, notes=(_NOBODY,))
    chart = Chart(
        *("Disk and memory in use", "time", "share", lines),
        description=f"{len(disk)} looks at the disk, {len(memory)} at memory.",
        is_time=True,
        unit="ratio",
        span=(task.period.start.timestamp(), task.period.end.timestamp()),
        is_from_zero=True,
    )
    return Section("utilisation", "Utilisation", "", figures, (), (chart,))


def _thinned(task: ReportTask, points: _Points) -> _Points:
    """Return the average of each of as many equal parts of the period as a chart can show."""
    start = task.period.start.timestamp()
    length = (task.period.end.timestamp() - start) / _SHOWN
    parts: dict[int, list[float]] = {}
    for x, y in points:
        parts.setdefault(int((x - start) / length), []).append(y)
    return [(start + (n + 0.5) * length, sum(ys) / len(ys)) for n, ys in sorted(parts.items())]


def _most(id: str, name: str, points: _Points) -> Figure:
    if not points:
        return Figure(id, name, None, note="nobody looked")
    return Figure(id, name, max(y for _, y in points), "ratio", f"at most, in {len(points)} looks")

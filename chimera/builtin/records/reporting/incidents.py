"""Incidents of a period: how many, how grave, and how long people took to answer and end them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from chimera.builtin.records.kinds import IncidentSpec, Stamp
from chimera.builtin.records.standing import Incident, model_of, state_of
from chimera.kinds import when
from chimera.model.chart import BarChart
from chimera.runtime.reporting import (
    Column,
    Figure,
    ReportTask,
    Section,
    Table,
    Tone,
)

_MOST = 50


def incidents_of(task: ReportTask) -> list[Incident]:
    """Return the incidents that were open at any time of the period, the newest first."""
    found = [
        one
        for one in task.snapshot.of_model(IncidentSpec)
        if one.spec.environment in task.environments
        and task.period.overlaps(when(one.spec.opened.at), _moment(one.spec.resolved))
        and when(one.spec.opened.at) <= task.now
    ]
    return sorted(found, key=lambda one: (when(one.spec.opened.at), one.address), reverse=True)


def incident_section(task: ReportTask) -> Section | None:
    """Return how incidents went; nothing where none is recorded at all."""
    if not task.snapshot.of_model(IncidentSpec):
        return None
    found = incidents_of(task)
    charts = [_chart(task, found)] if found else []
    summary = "" if found else "No incident was open."
    return Section(
        "incidents",
        "Incidents",
        summary,
        _figures(task, found),
        [_table(task, found)],
        charts=charts,
    )


def _figures(task: ReportTask, found: Sequence[Incident]) -> tuple[Figure, ...]:
    opened = [one for one in found if task.period.contains(when(one.spec.opened.at))]
    open_ = [one for one in found if one.spec.is_open(task.until)]
    return (
        Figure("incidents-opened", "Opened", len(opened), is_key=True),
        Figure(
            "incidents-open",
            "Open at the end",
            len(open_),
            tone=Tone.BAD if open_ else Tone.GOOD,
            is_key=True,
        ),
        _median("acknowledge", "acknowledgement", task, found, "acknowledged"),
        _median("mitigate", "mitigation", task, found, "mitigated"),
        _median("resolve", "resolution", task, found, "resolved"),
    )


def _median(id: str, name: str, task: ReportTask, found: Sequence[Incident], field: str) -> Figure:
    """Return the median time until something that happened in the period."""
    times = []
    for one in found:
        at = _moment(getattr(one.spec, field))
        if at is not None and task.period.contains(at):
            times.append((at - when(one.spec.opened.at)).total_seconds())
    said = f"Median time to {name}"
    if not times:
        return Figure(f"time-to-{id}", said, None, "seconds", f"there was no {name}")
    return Figure(f"time-to-{id}", said, median(times), "seconds", f"of {len(times)}")


def _table(task: ReportTask, found: Sequence[Incident]) -> Table:
    columns = (
        Column("opened", "Opened"),
        Column("incident", "Incident", is_code=True),
        Column("level", "Gravest"),
        Column("title", "Title"),
        Column("environment", "Environment", is_code=True),
        Column("state", "State"),
        Column("acknowledged", "Answered in"),
        Column("mitigated", "Mitigated in"),
        Column("resolved", "Resolved in"),
        Column("commanders", "Commanded by"),
    )
    rows = [
        (
            when(one.spec.opened.at),
            one.address.name,
            gravest(task, one),
            one.spec.title,
            one.spec.environment,
            state_of(one.spec, task.until).value,
            *(_after(one.spec, stamp) for stamp in _stamps(one.spec)),
            ", ".join(dict.fromkeys(command.by for command in one.spec.commands)) or None,
        )
        for one in found
    ]
    return Table("incidents", "Incidents, the newest first", columns, rows, most=_MOST)


def gravest(task: ReportTask, incident: Incident) -> str:
    """Return the gravest level that an incident ever had; its last one where nobody can tell."""
    model = model_of(incident, task.snapshot)
    level = incident.spec.highest(model) if model else None
    return level.id if level else incident.spec.current


def _stamps(spec: IncidentSpec) -> tuple[Stamp | None, ...]:
    return spec.acknowledged, spec.mitigated, spec.resolved


def _after(spec: IncidentSpec, stamp: Stamp | None) -> timedelta | None:
    return when(stamp.at) - when(spec.opened.at) if stamp else None


def _moment(stamp: Stamp | None) -> datetime | None:
    return when(stamp.at) if stamp else None


def _chart(task: ReportTask, found: Sequence[Incident]) -> BarChart:
    opened = [(gravest(task, one), when(one.spec.opened.at)) for one in found]
    levels = sorted({level for level, _ in opened})
    bars = []
    for part in task.parts:
        counted = Counter(level for level, at in opened if part.contains(at))
        bars.append((part.name, [float(counted[level]) for level in levels]))
    total = Counter(level for level, _ in opened)
    said = ", ".join(f"{total[level]} of {level}" for level in levels)
    return BarChart("Incidents opened, by gravest level", "incidents", levels, bars, said)

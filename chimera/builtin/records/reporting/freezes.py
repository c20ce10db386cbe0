"""Freezes that stood in a period: why, by whom, for which incident, and how they ended."""

from __future__ import annotations

from datetime import datetime

from chimera.builtin.records.kinds import FreezeSpec
from chimera.kinds import Document, when
from chimera.runtime.reporting import Cell, Column, ReportTask, Section, Table


def freeze_section(task: ReportTask) -> Section | None:
    """Return the freezes that stood in the period, the newest first; nothing where none did."""
    found = [
        freeze
        for freeze in task.snapshot.of_model(FreezeSpec)
        if task.period.overlaps(when(freeze.spec.since), _end(freeze.spec))
        and when(freeze.spec.since) <= task.now
        and _concerns(freeze.spec, task)
    ]
    if not found:
        return None
    found.sort(key=lambda freeze: (when(freeze.spec.since), freeze.address), reverse=True)
    columns = (
        *(Column("freeze", "Freeze", is_code=True), Column("since", "Since")),
        *(Column("until", "Until"), Column("by", "By"), Column("lifted", "Lifted by")),
        *(Column("incident", "Incident", is_code=True), Column("reason", "Because")),
    )
    rows = [_row(freeze) for freeze in found]
    table = Table("freezes", "Freezes that stood", columns, rows)
    return Section("guards", "Freezes and guards", tables=(table,))


def _end(spec: FreezeSpec) -> datetime | None:
    """Return when a freeze ended or will, by itself or by somebody; `None` while nobody knows."""
    ends = (spec.until, spec.lifted.at if spec.lifted else None)
    return min((when(end) for end in ends if end is not None), default=None)


def _concerns(spec: FreezeSpec, task: ReportTask) -> bool:
    found = spec.scope.environments
    return not found or any(f"Environment/{name}" in found for name in task.environments)


def _row(freeze: Document[FreezeSpec]) -> tuple[Cell, ...]:
    spec = freeze.spec
    lifted = spec.lifted.by if spec.lifted else None
    incident = spec.incident.partition("/")[2] if spec.incident else None
    times = (when(spec.since), _end(spec))
    return (freeze.address.name, *times, spec.by, lifted, incident, spec.reason)

"""What was changed in a period, who let it through, and whether the changelog has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chimera.builtin.records.chain import Chain, chains, passed_in
from chimera.builtin.records.kinds import RollbackSpec
from chimera.kinds import when
from chimera.model.chart import BarChart
from chimera.render.paint import count
from chimera.runtime.reporting import Column, Figure, ReportTask, Section, Table, Tone

_MOST = 50


def chains_of(task: ReportTask) -> list[Chain]:
    """Return the changes of the period with their records, in order of time."""
    span = task.span
    return chains(task.snapshot, list(passed_in(task.state, span)))


def change_section(task: ReportTask) -> Section:
    """Return the changes of the period, their entries, and what was taken back."""
    found = chains_of(task)
    figures = _figures(found)
    tables = [_changes(found)]
    rollbacks = _rollbacks(task)
    if rollbacks.rows:
        tables.append(rollbacks)
    chart = _chart(task, found)
    return Section("changes", "Changes", "", figures, tables, charts=[chart] if found else [])


def _figures(found: Sequence[Chain]) -> tuple[Figure, ...]:
    production = [chain for chain in found if chain.is_production]
    missing = sum(chain.entry is None for chain in production)
    late = sum(chain.is_late for chain in found)
    reverted = sum(chain.reverted is not None for chain in found)
    recorded = sum(chain.entry is not None for chain in found)
    return (
        Figure("changes", "Changes let through", len(found), is_key=True),
        Figure("changes-production", "Of production", len(production)),
        Figure("changes-recorded", "With an entry in the changelog", recorded),
        Figure(
            "changes-unrecorded",
            "Of production, without an entry",
            missing,
            tone=Tone.BAD if missing else Tone.GOOD,
        ),
        Figure("entries-late", "Entries later than a day", late, tone=_tone(late)),
        Figure("changes-reverted", "Taken back", reverted),
    )


def _tone(number: int) -> Tone:
    return Tone.WARNING if number else Tone.GOOD


def _changes(found: Sequence[Chain]) -> Table:
    columns = (
        Column("at", "At"),
        Column("environment", "Environment", is_code=True),
        Column("action", "Action"),
        Column("target", "Change", is_code=True),
        Column("by", "By"),
        Column("risk", "Risk"),
        Column("entry", "Entry", is_code=True),
    )
    rows = [
        (
            chain.change.at,
            chain.change.environment,
            chain.change.action,
            chain.change.target,
            chain.change.actor,
            chain.entry.spec.risk if chain.entry else None,
            chain.entry.address.name if chain.entry else None,
        )
        for chain in reversed(found)
    ]
    return Table("changes", "Changes, the newest first", columns, rows, most=_MOST)


def _rollbacks(task: ReportTask) -> Table:
    columns = (
        Column("opened", "Decided"),
        Column("rollback", "Rollback", is_code=True),
        Column("type", "Type"),
        Column("incident", "Incident", is_code=True),
        Column("reason", "Reason"),
        Column("result", "Seen"),
        Column("counts", "Counts"),
    )
    rows = []
    for one in task.snapshot.of_model(RollbackSpec):
        spec, opened = one.spec, when(one.spec.opened.at)
        if spec.environment in task.environments and task.period.contains(opened):
            incident = spec.incident.partition("/")[2] if spec.incident else None
            seen = spec.observation.result or "watched still"
            rows.append(
                (
                    opened,
                    one.address.name,
                    spec.type,
                    incident,
                    spec.reason,
                    seen,
                    spec.counts(task.now),
                )
            )
    rows.sort(key=lambda row: (row[0], row[1]), reverse=True)
    return Table("rollbacks", "Rollbacks", columns, rows, most=_MOST)


def _chart(task: ReportTask, found: Sequence[Chain]) -> BarChart:
    names = sorted({chain.change.environment for chain in found})
    bars = []
    for part in task.parts:
        within = [c.change.environment for c in found if part.contains(c.change.at)]
        counted = Counter(within)
        bars.append((part.name, [float(counted[name]) for name in names]))
    said = f"{count(len(found), 'change')} in {', '.join(names)}"
    return BarChart("Changes let through", "changes", names, bars, said)

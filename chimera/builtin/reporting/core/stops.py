"""What freezes and guards stopped in a period: plans at the gate, and runs between two steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chimera.runtime.reporting import Cell, Column, Figure, ReportTask, Section, Table
from chimera.state.decisions import objections
from chimera.state.periods import Halted, halts_in

_STAGES = {"freeze", "guard"}
_SHOWN = 20


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield what was stopped, where anything was."""
    span = task.span
    plans = [each for each in objections(task.state, span) if each.stage in _STAGES]
    halts = halts_in(task.state, span)
    if not plans and not halts:
        return
    figures = (
        Figure("plans-stopped", "Changes stopped at the gate", sum(each.times for each in plans)),
        Figure("runs-stopped", "Runs stopped between two steps", len(halts), is_key=bool(halts)),
    )
    tables = []
    if plans:
        columns = (
            Column("judge", "Freeze or guard", is_code=True),
            Column("subject", "Against", is_code=True),
            Column("times", "Times"),
        )
        rows = [(each.judge, each.subject, each.times) for each in plans]
        tables.append(Table("stopped", "What was stopped at the gate", columns, rows, most=_SHOWN))
    if halts:
        tables.append(_halts(halts))
    yield Section("guards", "Freezes and guards", "", figures, tables)


def _halts(halts: tuple[Halted, ...]) -> Table:
    columns = (
        *(Column("at", "At"), Column("environment", "Environment", is_code=True)),
        *(Column("target", "Target", is_code=True), Column("run", "Run", is_code=True)),
        *(Column("guard", "Guard", is_code=True), Column("step", "Step", is_code=True)),
        Column("reason", "Because"),
    )
    rows = [_row(halt) for halt in halts]
    return Table("halts", "Runs that were stopped", columns, rows, most=_SHOWN)


def _row(halt: Halted) -> tuple[Cell, ...]:
    told: Mapping[str, Any] = halt.told if isinstance(halt.told, dict) else {}
    guard, invariant = told.get("guard"), told.get("invariant")
    name = f"{guard} {invariant}" if invariant else guard
    reason = told.get("reason") or told.get("error")
    said = [None if each is None else str(each) for each in (name, told.get("step"), reason)]
    return (halt.at, halt.environment, halt.target, halt.uid, *said)

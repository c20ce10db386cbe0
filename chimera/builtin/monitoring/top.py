"""The runs that go on, a line each: what they have done, for how long, and what that took.

Reads the state without writing it. The kernel counts by process, and one process carries all runs:
what is told of one run is how long its steps were worked on, and the rest of the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from chimera.builtin.monitoring.measures import ACTIVE, CARRIED
from chimera.context.machine import Used, used_by_process
from chimera.state import Run, RunStatus, StateReader
from chimera.state.measuring import busy_seconds

if TYPE_CHECKING:
    from chimera.render.paint import Paint

Order = Literal["busy", "duration", "age"]
"""Which runs come first: whose steps took most, which took longest, or which began first."""
_SHOWN = ACTIVE | {RunStatus.PAUSED, RunStatus.INTERRUPTED}


@dataclass(frozen=True, slots=True)
class Row:
    """One run: how long ago it began, how long it took until it ended, and its steps."""

    run: Run
    status: RunStatus
    age: timedelta
    duration: timedelta
    busy: float


@dataclass(frozen=True, slots=True)
class Table:
    """What goes on at one moment, with what the process has used that carries it."""

    at: datetime
    rows: tuple[Row, ...]
    left_out: int
    holder: str | None
    used: Used | None


def table(state: StateReader, now: datetime, order: Order, *, ended: bool, limit: int) -> Table:
    """Return the runs that go on, and with `ended` the others, too."""
    holder = state.writer()
    found = [_row(state, r, now, holder is not None) for r in state.runs() if ended or _goes(r)]
    keys = {"busy": lambda r: -r.busy, "duration": lambda r: -r.duration, "age": lambda r: -r.age}
    rows = sorted(sorted(found, key=lambda row: row.run.uid), key=keys[order])
    used = None if holder is None else used_by_process(holder.pid)
    told = None if holder is None else str(holder)
    return Table(now, tuple(rows[:limit]), max(0, len(rows) - limit), told, used)


def _goes(run: Run) -> bool:
    return run.status in _SHOWN


def _row(state: StateReader, run: Run, now: datetime, is_carried: bool) -> Row:
    is_left = run.status in CARRIED and not is_carried
    status = RunStatus.INTERRUPTED if is_left else run.status
    end = now if run.status in CARRIED and is_carried else run.updated
    age, nothing = now - run.created, timedelta()
    duration = max(nothing, end - run.created)
    return Row(run, status, max(nothing, age), duration, busy_seconds(state, run))


def table_text(shown: Table, paint: Paint) -> str:
    """Return the table for a terminal."""
    from chimera.render.paint import table as columns

    rows = [
        (
            row.run.uid,
            row.status.value,
            row.run.target,
            f"{row.run.done}/{row.run.total}" + (f" ({row.run.failed})" if row.run.failed else ""),
            f"{row.busy:.1f}",
            f"{row.duration.total_seconds():.1f}",
            f"{row.age.total_seconds():.1f}",
        )
        for row in shown.rows
    ]
    lines = [f"{shown.at.isoformat(timespec='seconds')}  {_process(shown)}"]
    names = ("RUN", "STATUS", "TARGET", "STEPS", "BUSY S", "DURATION S", "AGE S")
    lines.append(columns(rows, names, paint) if rows else "nothing runs")
    lines += [f"and {shown.left_out} more: --limit shows more"] if shown.left_out else []
    return "\n".join(lines)


def _process(shown: Table) -> str:
    if shown.holder is None:
        return "no process carries runs"
    if shown.used is None or shown.used.cpu_seconds is None or shown.used.memory is None:
        return shown.holder
    memory = shown.used.memory / 2**20
    return f"{shown.holder}: {shown.used.cpu_seconds:.1f} s of CPU, {memory:.0f} MiB"


def table_json(shown: Table) -> dict[str, Any]:
    """Return the table as JSON."""
    used = shown.used
    return {
        "format": "chimera-top/1",
        "at": shown.at.isoformat(),
        "process": None
        if shown.holder is None
        else {
            "holder": shown.holder,
            "cpuSeconds": used.cpu_seconds if used else None,
            "memory": used.memory if used else None,
        },
        "runs": [
            {
                "run": row.run.uid,
                "status": row.status.value,
                "environment": row.run.environment,
                "target": row.run.target,
                "steps": {
                    "total": row.run.total,
                    "done": row.run.done,
                    "failed": row.run.failed,
                },
                "busy": row.busy,
                "duration": row.duration.total_seconds(),
                "age": row.age.total_seconds(),
            }
            for row in shown.rows
        ],
        "leftOut": shown.left_out,
    }

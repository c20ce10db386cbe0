"""Where measurements come from: looks at health, runs, applies, and files of the tree.

Everything is read, and nothing is written. Refuses to fill a gap: what was not looked at is not
there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chimera.builtin.services.objectives.looking import looked
from chimera.builtin.services.objectives.measurements import (
    MOST_BYTES,
    Measurement,
    UnreadableError,
    read_measurements,
)
from chimera.builtin.services.spec.objective import (
    AppliesSource,
    FileSource,
    HealthSource,
    RunsSource,
)
from chimera.model import ChimeraError
from chimera.runtime import StepStatus
from chimera.state import RunStatus
from chimera.state.ends import RunEnd, first_run, run_ends, step_ends
from chimera.workspace.history import StepHistory, history

if TYPE_CHECKING:
    from chimera.builtin.services.spec.objective import Indicator
    from chimera.documents import Tree
    from chimera.state import StateReader

_PROCEDURES = "Runbook/"
"""Runs in which people went through a procedure: not the system's own, unless they are named."""
_TICK = timedelta(microseconds=1)
_CHANGING = {"create", "update", "delete"}


@dataclass(frozen=True, slots=True)
class Origin:
    """What may be read: the state for one environment, and the tree."""

    environment: str
    state: StateReader
    tree: Tree


@dataclass(frozen=True, slots=True)
class Gathered:
    """Measurements in order of time, and since when anything is known at all.

    `why` says why there is nothing, where there is a reason.
    """

    measurements: tuple[Measurement, ...]
    reach: datetime | None
    why: str = ""


def gather(indicator: Indicator, origin: Origin, since: datetime, until: datetime) -> Gathered:
    """Return what was measured after `since`, until `until` and at it.

    Raises `UnreadableError` for a file that cannot be read.
    """
    match indicator.source:
        case HealthSource() as source:
            state, environment = origin.state, origin.environment
            found = list(looked(indicator, source, state, environment, since, until))
            why = "nobody looked at its health"
        case RunsSource() as source:
            found = list(_runs(indicator, source, origin, since, until))
            why = f"no run gave {source.figure}" if source.figure else "no run has ended"
        case AppliesSource():
            found, why = list(_applies(origin)), "nothing was applied"
        case FileSource() as source:
            found, why = _file(source, origin.tree)
    reach = min((one.at for one in found), default=None)
    if isinstance(indicator.source, RunsSource):
        reach = first_run(origin.state, origin.environment)
    is_inside = isinstance(indicator.source, HealthSource)  # hours are there by their beginning
    inside = sorted(one for one in found if is_inside or since < one.at <= until)
    return Gathered(tuple(inside), reach, "" if inside else why)


def _file(source: FileSource, tree: Tree) -> tuple[list[Measurement], str]:
    try:
        data = tree.read_many([source.path], limit=MOST_BYTES)[source.path]
    except ChimeraError:
        return [], f"there is no file {source.path}"
    return list(read_measurements(data, source)), f"{source.path} has nothing of this time"


def _runs(
    indicator: Indicator, source: RunsSource, origin: Origin, since: datetime, until: datetime
) -> Iterator[Measurement]:
    state, environment = origin.state, origin.environment
    time, targets = (since, until), source.targets
    if source.unit == "step" and indicator.type != "latency":
        for ends in step_ends(state, environment, *time, targets=targets, without=_PROCEDURES):
            is_one = ends.has_failed == (indicator.type == "error-rate")
            yield Measurement(max(ends.at, since + _TICK), float(is_one), ends.number)
        return
    for run in run_ends(state, environment, *time, targets=targets, without=_PROCEDURES):
        if source.unit == "step":
            yield from _steps(history(state.events(run.uid)).steps.values())
            continue
        value = _of_run(indicator, source, run, state)
        if value is not None:
            yield Measurement(run.ended, value)


def _of_run(
    indicator: Indicator, source: RunsSource, run: RunEnd, state: StateReader
) -> float | None:
    has_failed = run.status is RunStatus.FAILED
    if indicator.type in {"availability", "error-rate"}:
        return float(has_failed if indicator.type == "error-rate" else not has_failed)
    if source.figure is None:
        return 1.0 if indicator.type == "cadence" else (run.ended - run.created).total_seconds()
    if has_failed:
        return None
    step, *route = source.figure.split("/")
    steps = history(state.events(run.uid)).steps
    outputs = [one.output for id, one in steps.items() if step in ("any", id)]
    found = [number for output in outputs if (number := _number(output, route)) is not None]
    return found[-1] if found else None


def _number(value: Any, route: Iterable[str]) -> float | None:
    for key in route:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _steps(steps: Iterable[StepHistory]) -> Iterator[Measurement]:
    """Yield how long steps took that were done."""
    for step in steps:
        if step.status is StepStatus.DONE and step.ended is not None and step.duration is not None:
            yield Measurement(step.ended, step.duration.total_seconds())


def _applies(origin: Origin) -> Iterator[Measurement]:
    """Yield a 1 for each ruling that let a change through; a run is no deployment."""
    for record in origin.state.rulings(origin.environment):
        ruling: Any = record.ruling
        if not isinstance(ruling, dict) or ruling.get("outcome") != "passed":
            continue
        items = ruling.get("items")
        actions = {i.get("action") for i in items if isinstance(i, dict)} if items else set()
        if actions & _CHANGING:
            yield Measurement(record.at.astimezone(UTC), 1.0)


__all__ = ["Gathered", "Origin", "UnreadableError", "gather"]

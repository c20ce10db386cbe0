"""Where measurements come from: looks at health, runs, applies, and files of the tree.

Everything is read, and nothing is written. Refuses to fill a gap: what was not looked at is not
there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
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
from chimera.workspace.history import StepHistory, history

if TYPE_CHECKING:
    from chimera.builtin.services.spec.objective import Indicator
    from chimera.documents import Tree
    from chimera.state import Run, StateReader

_ENDED = {RunStatus.SUCCEEDED, RunStatus.FAILED}
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
        reach = _first_run(origin)
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
    for run in _runs_of(source, origin):
        if source.unit == "step":
            if since < run.updated:
                yield from _steps(indicator, history(origin.state.events(run.uid)).steps.values())
        elif run.status in _ENDED and since < run.updated <= until:
            value = _of_run(indicator, source, run, origin)
            if value is not None:
                yield Measurement(run.updated, value)


def _runs_of(source: RunsSource, origin: Origin) -> Iterator[Run]:
    for target in source.targets or (None,):
        yield from origin.state.runs(environment=origin.environment, target=target)


def _first_run(origin: Origin) -> datetime | None:
    runs = origin.state.runs(environment=origin.environment)
    return min((run.created for run in runs), default=None)


def _of_run(indicator: Indicator, source: RunsSource, run: Run, origin: Origin) -> float | None:
    has_failed = run.status is RunStatus.FAILED
    if indicator.type in {"availability", "error-rate"}:
        return float(has_failed if indicator.type == "error-rate" else not has_failed)
    if source.figure is None:
        return 1.0 if indicator.type == "cadence" else (run.updated - run.created).total_seconds()
    if has_failed:
        return None
    step, *route = source.figure.split("/")
    steps = history(origin.state.events(run.uid)).steps
    outputs = [one.output for one in steps.values()] if step == "any" else []
    if step != "any" and step in steps:
        outputs = [steps[step].output]
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


def _steps(indicator: Indicator, steps: Iterable[StepHistory]) -> Iterator[Measurement]:
    for step in steps:
        if step.ended is None or step.status not in {StepStatus.DONE, StepStatus.FAILED}:
            continue
        has_failed = step.status is StepStatus.FAILED
        if indicator.type == "latency":
            if step.duration is not None and not has_failed:
                yield Measurement(step.ended, step.duration.total_seconds())
        else:
            is_one = has_failed if indicator.type == "error-rate" else not has_failed
            yield Measurement(step.ended, float(is_one))


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

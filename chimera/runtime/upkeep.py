"""The upkeep of runs: which of them can go on now, and which move.

Refuses to execute any: a due run is handed to whoever knows how its steps are built.
"""

from __future__ import annotations

from datetime import datetime

from chimera.context import Context
from chimera.model import ChimeraError
from chimera.runtime.control import ControlAction, Request, all_requests
from chimera.runtime.fold import RunState, StepState, StepStatus, fold
from chimera.runtime.locating import locate
from chimera.runtime.runs import graph_of, over
from chimera.runtime.steps import Graph, Step, idempotency_key
from chimera.runtime.task import Build
from chimera.state import (
    Event,
    EventKind,
    Json,
    Run,
    RunStatus,
    StateReader,
    StateWriter,
)


def due_runs(state: StateReader, environment: str, now: datetime) -> tuple[Run, ...]:
    """Return the runs that can go on: the highest priority first, then the oldest.

    That is where a timer is due, a signal or another request has come, or the run was interrupted.
    Asked by whoever holds the apply lock: a run that the state has as running has no process.
    """
    requests = all_requests(state.layout)
    going = state.going_runs(environment)
    due = [run for run in going if _is_due(run, requests.get(run.uid, ()), now)]
    return tuple(sorted(due, key=lambda run: (-run.priority, run.number)))


def _is_due(run: Run, requests: list[Request] | tuple[()], now: datetime) -> bool:
    match run.status:
        case RunStatus.WAITING:
            return bool(requests) or (run.due is not None and run.due <= now)
        case RunStatus.PAUSED:
            return any(request.action is ControlAction.RESUME for request in requests)
        case _:
            return True


def migrate_run(
    state: StateWriter,
    context: Context,
    uid: str,
    definition: Json,
    build: Build,
    reason: str = "",
) -> Run:
    """Move a run to another definition, and return it; it goes on there when it is executed.

    What has finished has to be there, do the same (`Step.identity`) and have had the same inputs:
    otherwise `ChimeraError` says what differs, and nothing changes.
    """
    run = state.run(uid)
    if run.status.is_final:
        raise over(run)
    definition = state.as_stored(definition)
    past = fold(state.iterate_events(uid))
    before = graph_of(run.definition, run.input, build)
    after = graph_of(definition, run.input, build)
    reasons = _differences(run, past, before, after)
    if reasons:
        raise ChimeraError(
            f"run {uid} cannot move: {'; '.join(reasons)}",
            help="let it end with the definition that it began with, or cancel it",
        )
    data = {
        "from": run.digest,
        "to": after.digest,
        "actor": context.actor.name,
        "reason": reason,
    }
    event = Event(EventKind.MIGRATE, "", 0, context.clock.now(), data)
    return state.repin(uid, definition, event)


def _differences(run: Run, past: RunState, before: Graph, after: Graph) -> list[str]:
    """Return why what has been done would not be what the other definition does."""
    reasons = []
    for id, state in past.steps.items():
        if state.status not in {StepStatus.DONE, StepStatus.SKIPPED, StepStatus.STARTED}:
            continue
        if "!" in id:
            continue
        old, _ = locate(before, past, id)
        new, inputs = locate(after, past, id)
        reason = _difference(run, id, state, past, old, new, inputs)
        if reason is not None:
            reasons.append(reason)
    return reasons


def _difference(
    run: Run,
    id: str,
    state: StepState,
    past: RunState,
    old: Step | None,
    new: Step | None,
    inputs: Json,
) -> str | None:
    has = "has finished" if state.status.is_finished else "has begun"
    if new is None:
        return f"{id} {has} and is not there any more"
    if old is not None and old.identity != new.identity:
        return f"{id} {has} and does something else now"
    generation = past.generation_of(id)
    if state.key is not None and idempotency_key(run.uid, id, inputs, generation) != state.key:
        return f"{id} {has} with other inputs"
    return None

"""Runs: which run carries out a definition, and what any process may ask about one or of one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chimera.context import Context
from chimera.model import StateError, UsageError
from chimera.runtime.asking import can_retry, take_requests
from chimera.runtime.control import ControlAction, leave_request, requests_for
from chimera.runtime.engine import Engine
from chimera.runtime.executors import BUILT_IN
from chimera.runtime.fold import StepState, fold
from chimera.runtime.result import RunResult
from chimera.runtime.settings import DEFAULT_SETTINGS, RunSettings
from chimera.runtime.steps import Graph
from chimera.runtime.task import Build
from chimera.state import (
    ItemKey,
    Json,
    Run,
    RunStatus,
    StateReader,
    StateWriter,
    open_state,
    read_state,
)


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with its steps, by id in the order in which they were reached."""

    run: Run
    steps: dict[str, StepState]


class Runs:
    """Executes definitions for the targets of one environment."""

    def __init__(
        self,
        state: StateWriter,
        context: Context,
        environment: str,
        *,
        settings: RunSettings = DEFAULT_SETTINGS,
        executors: Mapping[str, str] = BUILT_IN,
    ) -> None:
        self._state = state
        self._context = context
        self._environment = environment
        self._settings = settings
        self._executors = executors

    def carry_out(
        self,
        target: str,
        definition: Json,
        build: Build,
        input: Json,
        concurrency: int,
        *,
        passing_over: Collection[RunStatus] = (),
        begun: Mapping[ItemKey, Json] | None = None,
    ) -> RunResult:
        """Run `definition` for `target`, or go on with the run of it that is not settled.

        A run that was interrupted is finished as it is pinned, before a changed definition gets a
        run of its own. A failed one is retried from its failed steps while definition and input
        are unchanged. One that is paused stays so. One that succeeded and was not applied, because
        of a crash in between, is not run again. A run that stands as one of `passing_over` is left
        alone. `begun` is put into collections with the transaction that makes a new run.
        """
        definition, input = self._state.as_stored(definition), self._state.as_stored(input)
        run = self._unsettled(target)
        if run is not None and run.status not in passing_over:
            is_same = (run.definition, run.input) == (definition, input)
            if run.status is RunStatus.PAUSED:
                return RunResult(run.uid, RunStatus.PAUSED, outputs={})
            if is_same or run.status not in {RunStatus.FAILED, RunStatus.SUCCEEDED}:
                result = self._execute(run, build, concurrency)
                if is_same or result.status not in {RunStatus.FAILED, RunStatus.SUCCEEDED}:
                    return result
        with self._state.transaction():
            run = self._state.create_run(self._environment, target, definition, input)
            self._state.put_items(begun or {})
        return self._execute(run, build, concurrency)

    def _unsettled(self, target: str) -> Run | None:
        run = self._state.unsettled_run(self._environment, target)
        if run is None:
            return None
        run = take_requests(self._state, self._context, run)
        gone = {RunStatus.CANCELLED, RunStatus.COMPENSATED}
        return None if run.status in gone else run

    def _execute(self, run: Run, build: Build, concurrency: int) -> RunResult:
        engine = Engine(
            self._state, self._context, settings=self._settings, executors=self._executors
        )
        return engine.execute(run, graph_of(run.definition, run.input, build, concurrency))


def list_runs(
    root: Path, *, environment: str | None = None, target: str | None = None, limit: int = 50
) -> tuple[Run, ...]:
    """Return the newest runs, the newest first."""
    with read_state(root) as reader:
        found = reader.runs(environment=environment, target=target, limit=limit)
        return tuple(_as_it_is(reader, run) for run in found)


def show_run(root: Path, uid: str) -> RunView:
    """Return a run and where each of its steps stands; raises `UsageError` for an unknown one."""
    with read_state(root) as reader:
        return RunView(_as_it_is(reader, reader.run(uid)), dict(fold(reader.events(uid)).steps))


def run_status(root: Path, uid: str) -> Run:
    """Return where a run stands, from its row alone; raises `UsageError` for an unknown one."""
    with read_state(root) as reader:
        return _as_it_is(reader, reader.run(uid))


def control_run(
    root: Path,
    context: Context,
    uid: str,
    action: ControlAction,
    reason: str = "",
    *,
    name: str = "",
    data: Json = None,
) -> Run:
    """Ask that a run be paused, resumed, cancelled, signalled or retried; return it as it then is.

    `name` is that of the signal, which brings `data`, or the stage to retry from: it and all that
    depends on it run anew, with other idempotency keys, and the finished others stay. The process
    that executes the run takes the request within a fraction of a second; where none does, the
    request is taken here. Raises `UsageError` for a run that is over, and for an unknown stage.
    """
    with read_state(root) as reader:
        run = reader.run(uid)
        if action is ControlAction.RETRY:
            _refuse_retry(reader, run, name)
        elif run.status.is_final:
            raise over(run)
        leave_request(reader.layout, context, uid, action, reason, name=name, payload=data)
        if reader.writer() is not None:
            return run
    try:
        with open_state(root, context, command=f"{action.value} {uid}") as state:
            return take_requests(state, context, state.run(uid))
    except StateError:
        if not requests_for(reader.layout, uid):
            raise
        return run  # somebody else has begun to write, and will find the request


def graph_of(definition: Json, given: Json, build: Build, concurrency: int = 32) -> Graph:
    """Return the graph that `build` makes, or makes the steps of."""
    built = build(definition, given)
    return built if isinstance(built, Graph) else Graph(definition, tuple(built), concurrency)


def over(run: Run) -> UsageError:
    """Return the refusal to steer a run that nothing makes go on."""
    return UsageError(f"run {run.uid} is over: {run.status.value}", help="start a new one")


def _refuse_retry(reader: StateReader, run: Run, stage: str) -> None:
    """Raise `UsageError` where there is nothing to retry from."""
    if not can_retry(run.status):
        raise over(run)
    known = fold(reader.events(run.uid)).steps
    if stage not in known:
        near = nearest_name(stage, [id for id in known if "[" not in id and "/" not in id])
        raise UsageError(
            f"run {run.uid} has not come to a stage {stage!r}",
            help=f"did you mean {near}?" if near else f"`chimera runs show {run.uid}` lists them",
        )


def _as_it_is(reader: StateReader, run: Run) -> Run:
    """Return the run as interrupted where the journal says that it runs and nobody runs it."""
    runs = run.status in {RunStatus.RUNNING, RunStatus.PAUSING, RunStatus.COMPENSATING}
    if runs and reader.writer() is None:
        return replace(run, status=RunStatus.INTERRUPTED)
    return run


def nearest_name(name: str, names: Sequence[str]) -> str | None:
    """Return the name that was probably meant."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, names, 1)), None)

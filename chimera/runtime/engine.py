"""The engine: executes a run, new or resumed, and says how it ended.

Refuses to execute a run with another definition than the one that it is pinned to.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from chimera.context import Context
from chimera.model import ChimeraError
from chimera.runtime.executors import BUILT_IN
from chimera.runtime.fold import RunState, fold
from chimera.runtime.result import RunResult
from chimera.runtime.scheduler import Scheduler
from chimera.runtime.settings import DEFAULT_SETTINGS, RunSettings
from chimera.runtime.steps import Graph
from chimera.state import Event, EventKind, Run, RunStatus, StateWriter

GRACE_SECONDS = 10.0
"""How long work that was told to stop is waited for."""


class Engine:
    """Executes runs on the state that it is given, one at a time."""

    def __init__(
        self,
        state: StateWriter,
        context: Context,
        *,
        settings: RunSettings = DEFAULT_SETTINGS,
        executors: Mapping[str, str] = BUILT_IN,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._settings = settings
        self._executors = executors
        self._state = state
        self._context = context
        self._grace = grace

    def execute(self, run: Run, graph: Graph) -> RunResult:
        """Execute what `run` has not finished; a step that is done is not done again.

        SIGINT and SIGTERM end it as interrupted: work in flight is told, what is finished is
        kept, and the run can be resumed. Raises `StateError` where the journal cannot be written,
        and `ChimeraError` for a graph of another definition.
        """
        if run.digest != graph.digest:
            raise ChimeraError(
                f"run {run.uid} is pinned to the definition {run.digest}, not {graph.digest}",
                help="build the steps from the definition of the run",
            )
        past = self._resume(run)
        import asyncio  # here and below: it takes 25 ms, and few commands run anything

        return asyncio.run(self._carry_through(run, graph, past))

    def execute_all(self, runs: Iterable[tuple[Run, Callable[[], Graph]]]) -> Iterator[RunResult]:
        """Execute many runs, of which no more are begun than are executed at once.

        Yields each result when its run is over, in the order in which they end.
        """
        for run, graph in runs:
            yield self.execute(run, graph())

    def _resume(self, run: Run) -> RunState:
        """Return where the run stands, with what had failed put back."""
        if self._state.events(run.uid):
            resumed = Event(EventKind.RESUME, "", 0, self._context.clock.now())
            self._state.record(run.uid, [resumed], status=RunStatus.RUNNING)
        return fold(self._state.events(run.uid))

    async def _carry_through(self, run: Run, graph: Graph, past: RunState) -> RunResult:
        import asyncio

        scheduler = Scheduler(self._state, self._context, run, graph, past, grace=self._grace)
        loop = asyncio.get_running_loop()
        with _on_signals(lambda: loop.call_soon_threadsafe(scheduler.interrupt)):
            return await scheduler.run()


@contextmanager
def _on_signals(interrupt: Callable[[], Any]) -> Iterator[None]:
    """Have SIGINT and SIGTERM call `interrupt`; only the main thread hears signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: interrupt()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)

"""The engine: executes runs, new or resumed, and says how they ended.

Refuses to execute a run with another definition than the one that it is pinned to.
"""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from chimera.context import Context
from chimera.runtime.course import refuse_other
from chimera.runtime.executors import BUILT_IN
from chimera.runtime.result import RunResult
from chimera.runtime.scheduler import Scheduler
from chimera.runtime.settings import DEFAULT_SETTINGS, RunSettings
from chimera.runtime.steps import Graph
from chimera.state import Run, RunStatus, StateWriter

if TYPE_CHECKING:
    import asyncio

GRACE_SECONDS = 10.0
"""How long work that was told to stop is waited for."""


class Engine:
    """Executes runs on the state that it is given, on one event loop.

    `new_loop` makes that loop, where it is not to be the usual one.
    """

    def __init__(
        self,
        state: StateWriter,
        context: Context,
        *,
        settings: RunSettings = DEFAULT_SETTINGS,
        executors: Mapping[str, str] = BUILT_IN,
        grace: float = GRACE_SECONDS,
        new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> None:
        self._settings = settings
        self._executors = executors
        self._state = state
        self._context = context
        self._grace = grace
        self._new_loop = new_loop

    def execute(self, run: Run, graph: Graph) -> RunResult:
        """Execute what `run` has not finished; a step that is done is not done again.

        SIGINT and SIGTERM end it as interrupted: work in flight is told, what is finished is
        kept, and the run can be resumed. Raises `StateError` where the journal cannot be written,
        and `ChimeraError` for a graph of another definition.
        """
        refuse_other(run, graph)
        # To its end, where watchers are told and retention is kept.
        results = list(self.execute_all([(run, lambda: graph)]))
        if results:
            return results[0]
        return RunResult(run.uid, RunStatus.INTERRUPTED, {})  # before it could begin

    def execute_all(self, runs: Iterable[tuple[Run, Callable[[], Graph]]]) -> Iterator[RunResult]:
        """Execute many runs, as many at once as the settings say, and hold none that is over.

        `runs` is drawn from when there is room. Yields each result when it is on disk, in the
        order in which the runs ended; nothing goes on while the caller looks at one. A run whose
        graph cannot be made has failed, and the others go on. SIGINT and SIGTERM are as in
        `execute`: no more runs are drawn.
        """
        import asyncio  # here and below: it takes 25 ms, and few commands run anything

        with asyncio.Runner(loop_factory=self._new_loop) as runner:
            loop = runner.get_loop()
            scheduler = Scheduler(
                *(self._state, self._context, loop, iter(runs)),
                settings=self._settings,
                executors=self._executors,
                grace=self._grace,
            )
            self._state.set_durability(full=self._settings.durability == "full")
            interrupt = partial(loop.call_soon_threadsafe, scheduler.interrupt)
            with _on_signals(interrupt), _collecting_seldom():
                yield from self._results(runner, scheduler)

    def _results(self, runner: asyncio.Runner, scheduler: Scheduler) -> Iterator[RunResult]:
        seen: list[str] = []
        try:
            scheduler.begin()
            while results := runner.run(scheduler.results()):
                seen += [result.run for result in results if self._settings.watchers]
                yield from results
        except GeneratorExit:  # nobody wants the others any more
            scheduler.interrupt()
            while runner.run(scheduler.results()):
                pass
            raise
        finally:
            scheduler.close()
            self._state.set_durability(full=True)
        if seen:
            self._tell_watchers(seen)
        self._forget_old()

    def _tell_watchers(self, runs: list[str]) -> None:
        """Tell each watcher of runs that are on disk; one that fails changes nothing of them."""
        for watch in self._settings.watchers:
            try:
                watch(self._state, runs)
            except Exception as error:  # noqa: BLE001 - plugins raise what they like
                import logging  # here: hardly ever needed

                who = f"{watch.__module__}.{getattr(watch, '__qualname__', type(watch).__name__)}"
                text = f"{who}, which watches runs, failed, and no run with it: {error!r}"
                logging.getLogger(__name__).warning("%s", self._context.secrets.mask(text))

    def _forget_old(self) -> None:
        retention = self._settings.retention
        if retention is not None:
            self._state.prune(before=self._context.clock.now() - retention)


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Look for garbage cycles seldom: each look goes through all that many runs have in hand.

    It takes a fifth of the time of steps that do nothing, and what it finds is small.
    """
    before = gc.get_threshold()
    if before[0]:  # somebody who has switched it off has a reason
        gc.set_threshold(max(before[0], 20_000), max(before[1], 20), max(before[2], 20))
    try:
        yield
    finally:
        gc.set_threshold(*before)


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

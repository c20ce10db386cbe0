"""The scheduler: carries one run through in turns, on one event loop that owns all of its state.

A turn takes in what has landed and what is due, starts what has become ready, writes all of it in
one transaction, and only then lets work with effects begin. Refuses to start a step before what it
needs has finished, and a step with effects before its START is on disk.
"""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from chimera.context import Context
from chimera.runtime.control import ControlAction, Request, requests_for
from chimera.runtime.flights import Flight, depart
from chimera.runtime.fold import RunState, StepState, StepStatus
from chimera.runtime.frontier import Frontier
from chimera.runtime.journal import AHEAD_SECONDS, Journal
from chimera.runtime.result import RunResult
from chimera.runtime.settings import NO_RECOVERY
from chimera.runtime.steps import Graph, PermanentError, Retry, Step, StepCall, idempotency_key
from chimera.runtime.timers import Timers
from chimera.state import EventKind, Json, Run, RunStatus, StateWriter

if TYPE_CHECKING:
    import asyncio

_LOOK_SECONDS = 0.2  # between looks for requests of other processes
_ESCALATED = (
    "it was interrupted and may have taken effect; see whether it has, then cancel the run and"
    " apply again to start a new one"
)


class Scheduler:
    """Executes the steps of one run that its journal does not show as finished."""

    def __init__(
        self,
        state: StateWriter,
        context: Context,
        run: Run,
        graph: Graph,
        past: RunState,
        *,
        grace: float,
    ) -> None:
        self._state = state
        self._context = context
        self._run = run
        self._graph = graph
        self._grace = grace
        self._journal = Journal(state, run.uid, context.clock)
        from asyncio import get_running_loop

        self._loop = get_running_loop()
        self._over: asyncio.Future[RunStatus] = self._loop.create_future()
        self._timers = Timers(self._loop, self._wake)
        self._is_awake = False
        self._is_flush_set = False
        self._landed: deque[tuple[Flight, Json, BaseException | None]] = deque()
        self._flights: dict[str, Flight] = {}
        self._retrying: set[str] = set()
        self._unended: set[str] = set()  # told to stop: how the attempt ended is not known
        self._attempts: dict[str, int] = {}
        self._doubtful: set[str] = set()
        self._ending: RunStatus | None = None
        self._error: Exception | None = None
        self._frontier = Frontier(graph)
        self._take_up(past)

    async def run(self) -> RunResult:
        """Carry the run on until it is over, paused or interrupted.

        Raises `StateError` where the journal cannot be written.
        """
        label = f"run {self._run.target}"
        self._context.progress.start(label, len(self._graph.steps))
        self._look()
        self._wake()
        try:
            status = await self._over
        finally:
            self._timers.clear()
            self._context.progress.finish(label)
        frontier = self._frontier
        return RunResult(
            run=self._run.uid,
            status=status,
            outputs={id: frontier.outputs[id] for id in frontier.in_order(frontier.outputs)},
            failed={id: frontier.failed[id] for id in frontier.in_order(frontier.failed)},
            skipped=frontier.in_order(frontier.skipped),
            blocked=frontier.blocked(),
        )

    def interrupt(self) -> None:
        """Tell what is in flight to stop and end the run as interrupted; again: do not wait."""
        if self._ending is RunStatus.INTERRUPTED:
            self._abandon()
        else:
            self._stop(RunStatus.INTERRUPTED)
        self._wake()

    def _take_up(self, past: RunState) -> None:
        """Begin where the journal ends."""
        for step in self._graph.steps:
            before = past.steps.get(step.id)
            if before is not None:
                self._attempts[step.id] = before.attempt
                if before.in_doubt or before.status is StepStatus.STARTED:
                    self._doubtful.add(step.id)
                self._take_up_step(step, before)
        frontier = self._frontier
        ended = frontier.outputs.keys() | frontier.skipped | frontier.failed.keys()
        frontier.withhold(ended | self._retrying)

    def _take_up_step(self, step: Step, before: StepState) -> None:
        match before.status:
            case StepStatus.DONE:
                self._frontier.done(step.id, before.output)
            case StepStatus.SKIPPED:
                self._frontier.skip(step.id)
            case StepStatus.ESCALATED:
                self._frontier.fail(step.id, _ESCALATED)
            case StepStatus.STARTED if step.on_interrupt == "escalate":
                self._escalate(step, before.attempt)
            case StepStatus.WAITING:
                left = (before.due or before.at) - self._context.clock.now()
                longest = _retry_of(step).max_delay
                self._retry_after(step, min(max(left, timedelta()), longest))
            case _:
                pass  # it runs again, as the attempt that it was

    def _wake(self) -> None:
        """Have a turn, soon; everything that happens until then is part of it."""
        if not self._is_awake:
            self._is_awake = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._is_awake = False
        if self._over.done():
            return
        try:
            self._settle_all()
            self._timers.run_due()
            departing = [] if self._ending or self._error else self._prepare()
            if not departing and self._is_over():
                self._finish()
                return
            has_effects = any(flight.step.effects for flight in departing)
            if has_effects or self._journal.is_too_far_ahead:
                self._commit()
            elif not self._journal.is_empty and not self._is_flush_set:
                self._is_flush_set = True
                self._timers.after(AHEAD_SECONDS, self._flush)
            for flight in departing:
                self._depart(flight)
        except Exception as error:  # noqa: BLE001 - ends the run, whatever it is, and is raised there
            self._fail_run(error)

    def _settle_all(self) -> None:
        while self._landed:
            flight, value, error = self._landed.popleft()
            if self._flights.get(flight.step.id) is not flight:
                continue  # nobody waits for it any more
            del self._flights[flight.step.id]
            if not self._error:
                self._settle(flight, value, error)

    def _settle(self, flight: Flight, value: Json, error: BaseException | None) -> None:
        step = flight.step
        if flight.is_timed_out:
            assert step.timeout is not None
            error = TimeoutError(f"it took longer than {step.timeout.total_seconds():g} s")
        elif error is not None and flight.is_told:
            self._unended.add(step.id)  # no end in the journal: the next run of it is in doubt
            return
        if error is None:
            try:
                value = self._state.as_stored(value)
            except (TypeError, ValueError, RecursionError) as raised:
                error = PermanentError(f"what it returned is not JSON: {raised}")
        if error is None:
            self._journal.note(EventKind.DONE, step.id, flight.attempt, data=value)
            self._frontier.done(step.id, value)
        elif flight.attempt < _retry_of(step).max_attempts and not isinstance(
            error, PermanentError
        ):
            self._retry(flight, error)
        else:
            self._fail(step, flight.attempt, error)

    def _retry(self, flight: Flight, error: BaseException) -> None:
        step, delay = flight.step, _retry_of(flight.step).delay(flight.call.key, flight.attempt)
        due = self._context.clock.now() + delay
        data = {"error": self._describe(error)}
        self._journal.note(EventKind.RETRY, step.id, flight.attempt, data=data, due=due)
        self._attempts[step.id] = flight.attempt + 1
        self._retry_after(step, delay)

    def _retry_after(self, step: Step, delay: timedelta) -> None:
        self._retrying.add(step.id)
        self._timers.after(delay.total_seconds(), partial(self._retry_now, step.id))

    def _retry_now(self, id: str) -> None:
        self._retrying.discard(id)
        self._frontier.ready.append(id)

    def _fail(self, step: Step, attempt: int, error: BaseException) -> None:
        message = self._describe(error)
        self._journal.note(EventKind.FAIL, step.id, attempt, data={"error": message})
        self._frontier.fail(step.id, message)

    def _escalate(self, step: Step, attempt: int) -> None:
        self._journal.note(EventKind.ESCALATE, step.id, attempt, data={"error": _ESCALATED})
        self._frontier.fail(step.id, _ESCALATED)

    def _describe(self, error: BaseException) -> str:
        text = str(error) or type(error).__name__
        return self._context.secrets.mask(text)

    def _prepare(self) -> list[Flight]:
        """Return the flights of the steps that are ready and for which there is room."""
        departing: list[Flight] = []
        ready = self._frontier.ready
        while ready and len(self._flights) + len(departing) < self._graph.concurrency:
            step = self._graph.by_id[ready.popleft()]
            flight = self._start(step, self._attempts.setdefault(step.id, 1))
            if flight is not None:
                departing.append(flight)
        return departing

    def _start(self, step: Step, attempt: int) -> Flight | None:
        """Note the START of a step, or that it is skipped or has no inputs."""
        outputs = self._frontier.inputs_of(step)
        try:
            if step.when is not None and not step.when(outputs):
                self._journal.note(EventKind.SKIP, step.id)
                self._frontier.skip(step.id)
                return None
            inputs = self._state.as_stored(step.inputs(outputs))
            key = idempotency_key(self._run.uid, step.id, inputs)
        except Exception as error:  # noqa: BLE001 - the step runner: the author's expressions
            self._fail(step, attempt, error)
            return None
        self._journal.note(EventKind.START, step.id, attempt, data={"key": key})
        flight = Flight(step, attempt)
        flight.call = StepCall(
            inputs=inputs,
            key=key,
            attempt=attempt,
            in_doubt=step.id in self._doubtful,
            context=self._context,
            cancelled=lambda: flight.is_told,
            log=partial(self._journal.log, step.id, attempt),
            run=self._run.uid,
        )
        return flight

    def _depart(self, flight: Flight) -> None:
        step = flight.step
        self._flights[step.id] = flight
        if step.timeout is not None:
            self._timers.after(step.timeout.total_seconds(), partial(self._time_out, flight))
        depart(flight, self._loop, self._land)

    def _land(self, flight: Flight, value: Json, error: BaseException | None) -> None:
        self._landed.append((flight, value, error))
        self._wake()

    def _time_out(self, flight: Flight) -> None:
        if self._flights.get(flight.step.id) is flight and not flight.is_told:
            flight.is_timed_out = True
            flight.tell()
            self._timers.after(self._grace, partial(self._give_up, flight))

    def _give_up(self, flight: Flight) -> None:
        """Stop waiting for work that goes on past its timeout although it was told."""
        step = flight.step
        if self._flights.get(step.id) is not flight:
            return
        del self._flights[step.id]
        if step.on_interrupt == "escalate":
            self._escalate(step, flight.attempt)
        else:
            message = f"it did not stop within {self._grace:g} s of its timeout"
            self._fail(step, flight.attempt, TimeoutError(message))

    def _look(self) -> None:
        """Take in requests of other processes and write the log, every now and then."""
        for request in requests_for(self._state.layout, self._run.uid):
            self._take(request)
        if not self._error:
            self._commit()
        self._timers.after(_LOOK_SECONDS, self._look)

    def _take(self, request: Request) -> None:
        self._journal.note(request.action.event, data=request.data)
        if request.action is ControlAction.CANCEL:
            self._stop(RunStatus.CANCELLED)
        elif request.action is ControlAction.PAUSE and self._ending is None:
            self._ending = RunStatus.PAUSED
        elif request.action is ControlAction.RESUME and self._ending is RunStatus.PAUSED:
            self._ending = None
        pausing = self._ending is RunStatus.PAUSED
        self._journal.commit(RunStatus.PAUSING if pausing else RunStatus.RUNNING)
        request.discard()

    def _stop(self, ending: RunStatus) -> None:
        self._ending = ending
        for flight in self._flights.values():
            flight.tell()
        self._timers.after(self._grace, self._abandon)

    def _fail_run(self, error: Exception) -> None:
        """End the run with `error`: nothing more can be written."""
        if self._error is None:
            self._error = error
            self._stop(RunStatus.INTERRUPTED)
        self._wake()

    def _abandon(self) -> None:
        """Wait no longer for what is in flight; its attempts are in doubt."""
        self._unended.update(self._flights)
        self._flights.clear()

    def _is_over(self) -> bool:
        if self._flights:
            return False
        return bool(self._ending or self._error) or not (self._frontier.ready or self._retrying)

    def _finish(self) -> None:
        if self._error is not None:
            self._over.set_exception(self._error)
            return
        is_left = self._frontier.ready or self._retrying or self._unended
        if self._ending is not None and is_left:
            status = self._ending
        else:
            status = RunStatus.FAILED if self._frontier.failed else RunStatus.SUCCEEDED
        self._commit(status)
        self._over.set_result(status)

    def _flush(self) -> None:
        self._is_flush_set = False
        self._commit()

    def _commit(self, status: RunStatus | None = None) -> None:
        if self._journal.is_empty and status is None:
            return
        self._journal.commit(status)
        self._context.progress.advance(f"run {self._run.target}", self._frontier.finished)


def _retry_of(step: Step) -> Retry:
    return (step.recovery or NO_RECOVERY).retry

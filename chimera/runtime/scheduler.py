"""The scheduler: carries many runs through in turns, on one event loop that owns all their state.

A turn takes in what has landed, what is due and what is asked, starts what has become ready, writes
all of it for all runs in one transaction, and only then lets work with effects begin and says that
a run is over. Results are recorded exactly once, and work is executed at least once. Refuses to
start a step before what it needs has finished, and one with effects before its START is on disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from chimera.context import Context
from chimera.model import ChimeraError
from chimera.runtime.asking import Asking
from chimera.runtime.clearance import Clearance
from chimera.runtime.collections import Shelves
from chimera.runtime.compensating import begin_undoing
from chimera.runtime.course import Course, refuse_other
from chimera.runtime.ending import Endings
from chimera.runtime.executors import Executors
from chimera.runtime.flights import Flight
from chimera.runtime.fold import fold
from chimera.runtime.frontier import Node
from chimera.runtime.guarding import Guarding
from chimera.runtime.journal import AHEAD_SECONDS, Journal
from chimera.runtime.outbox import Outbox
from chimera.runtime.ready import Ready
from chimera.runtime.result import RunResult
from chimera.runtime.services import Services
from chimera.runtime.settings import RunSettings
from chimera.runtime.settling import Settler
from chimera.runtime.starting import Starter, is_coroutine
from chimera.runtime.steps import Graph
from chimera.runtime.timers import Timers
from chimera.runtime.waiting import Waits
from chimera.state import Event, EventKind, Json, Run, RunStatus, StateWriter

if TYPE_CHECKING:
    import asyncio

LOOK_SECONDS = 0.2
"""Seconds between looks for requests of other processes."""

_INLINE_AT_ONCE = 512  # attempts in one turn, before others are heard again

Pending = Iterator[tuple[Run, Callable[[], Graph]]]


class Scheduler:
    """Executes what the journals of its runs do not show as finished.

    `grace` is how long work that was told to stop is waited for, in seconds.
    """

    def __init__(
        self,
        state: StateWriter,
        context: Context,
        loop: asyncio.AbstractEventLoop,
        pending: Pending,
        *,
        settings: RunSettings,
        executors: Mapping[str, str],
        grace: float,
    ) -> None:
        journal = Journal(state, context, loop, settings)
        shelves = Shelves(state, lambda: journal.turn.items)
        self._services = services = Services(
            state,
            context,
            settings,
            loop,
            Timers(loop, self.wake),
            journal,
            Ready(settings.limits),
            shelves,
            Outbox(state),
            Clearance(state, shelves, settings),
            Executors(loop, context, executors),
            grace,
        )
        services.guarding = Guarding(services, self.touch)
        self._is_guarded = bool(settings.guards)
        self._settler = Settler(services, self.touch)
        self._waits = Waits(services, self._settler, self.touch)
        self._starter = Starter(services, self._settler, self._waits)
        self._asking = Asking(services, self)
        self._endings = Endings(services, self._settler, self)
        self._pending: Pending | None = pending
        self._courses: dict[str, Course] = {}
        self._landed: deque[tuple[Flight, Json, BaseException | None]] = deque()
        self._touched: dict[Course, None] = {}
        self._ended: list[tuple[Course, RunStatus]] = []
        self._results: list[RunResult] = []
        self._consumer: asyncio.Future[None] | None = None
        self._is_awake = False
        self._is_flush_set = False
        self._error: BaseException | None = None

    async def results(self) -> list[RunResult]:
        """Return runs that are over, in the order in which they ended; none once all are.

        Raises `StateError` where the journal cannot be written.
        """
        if not self._results and (self._pending is not None or self._courses):
            self._consumer = self._services.loop.create_future()
            self.wake()
            await self._consumer
        results, self._results = self._results, []
        if self._error is not None and not results:
            raise self._error
        return results

    def begin(self) -> None:
        """Look for requests from now on."""
        self._look()

    def close(self) -> None:
        """Give back what was taken to execute runs."""
        self._services.timers.clear()
        self._services.executors.close()

    def interrupt(self) -> None:
        """Tell what is in flight to stop and end all runs as interrupted; again: do not wait."""
        self._pending = None
        for course in list(self._courses.values()):
            self._endings.interrupt(course)
        self.wake()

    @property
    def courses(self) -> Mapping[str, Course]:
        """The runs under way, by their ids."""
        return self._courses

    def wake(self) -> None:
        """Have a turn, soon; everything that happens until then is part of it."""
        if not self._is_awake:
            self._is_awake = True
            self._services.loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._is_awake = False
        try:
            self._services.journal.tick()
            if self._landed:
                self._settler.settle_all(self._landed)
            self._services.timers.run_due()
            if self._has_room:
                with self._services.state.transaction():  # runs made now are of the same commit
                    self._take_in()
                    departing = self._advance(is_inside=True)
                self._is_on_disk()
            else:
                departing = self._advance()
            for flight in departing:
                self._depart(flight)
        except Exception as error:  # noqa: BLE001 - ends all runs, whatever it is, and is raised
            self._fail_all(error)
        finally:
            self._say_what_is_over()

    def _advance(self, *, is_inside: bool = False) -> list[Flight]:
        """Start what is ready, end what is over, and put on disk what has to be.

        Returns the attempts that may depart. What `is_inside` a transaction is on disk after it.
        """
        if self._error is not None:
            self._finish_some()
            return []
        departing = self._prepare()
        self._finish_some()
        journal = self._services.journal
        has_effects = any(flight.step.effects for flight in departing)
        if is_inside:
            journal.commit()
        elif has_effects or self._ended or journal.is_too_far_ahead:
            self._commit()
        elif not journal.is_empty and not self._is_flush_set:
            self._is_flush_set = True
            self._services.timers.after(AHEAD_SECONDS, self._flush)
        return departing

    @property
    def _has_room(self) -> bool:
        """Tell whether another run can be taken up."""
        room = self._services.settings.max_runs - len(self._courses)
        return self._pending is not None and self._error is None and room > 0

    def _take_in(self) -> None:
        """Take up runs while there is room for them."""
        assert self._pending is not None
        while self._has_room:
            try:
                run, make = next(self._pending)
            except StopIteration:
                self._pending = None
                break
            self._take_up(run, make)

    def _take_up(self, run: Run, make: Callable[[], Graph]) -> None:
        """Begin a run, or go on where its journal ends."""
        services = self._services
        if services.state.run_status(run.uid) is not run.status:
            run = services.state.run(run.uid)  # asked for something since it was handed over
        if run.status in {RunStatus.CANCELLED, RunStatus.COMPENSATED}:
            self._results.append(RunResult(run.uid, run.status, {}))
            return
        try:
            graph = make()
            refuse_other(run, graph)
        except ChimeraError as error:
            self._refuse(run, error)
            return
        self.lay_out(run, graph)
        services.context.progress.start(f"run {run.target}", len(graph.steps))

    def _refuse(self, run: Run, error: ChimeraError) -> None:
        """End a run that no graph could be made for."""
        state, message = self._services.state, self._services.masked(error.message)
        event = Event(EventKind.FAIL, "", 0, self._services.journal.now, {"error": message})
        state.record(run.uid, [event], status=RunStatus.FAILED)
        self._results.append(RunResult(run.uid, RunStatus.FAILED, {}, message=message))

    def lay_out(self, run: Run, graph: Graph) -> None:
        """Make the course of a run, as far as its journal says, and let it begin."""
        services = self._services
        past = fold(services.state.iterate_events(run.uid), is_brief=True)
        if run.status is RunStatus.FAILED:
            past = past.retried()
        course = self._courses[run.uid] = Course(run, graph, past, services.ready)
        course.lay_out(self.offer)
        if past.seq:
            services.journal.note_run(course, EventKind.RESUME, {"was": run.status.value})
        services.journal.set_status(course, RunStatus.RUNNING)
        self._asking.begin(course)
        is_compensating = past.is_compensating or run.status is RunStatus.COMPENSATING
        if is_compensating:
            course.root.close()
        course.begin()
        if not is_compensating:
            self._endings.limit(course)
        if is_compensating:
            begin_undoing(course, services)
        services.guarding.admit(course)
        self.touch(course)

    def offer(self, node: Node) -> None:
        """Let a step have its turn."""
        node.course.queued += 1
        self._services.ready.add(node)

    def release(self, course: Course) -> None:
        """Let the steps have their turn that came up while the run was to start nothing."""
        held, course.held = course.held, []
        for node in held:
            self.offer(node)

    def signal(self, course: Course, name: str, data: Json) -> None:
        """Let a signal end a wait of a run, or keep it."""
        self._waits.signal(course, name, data)

    def _prepare(self) -> list[Flight]:
        """Start what is ready; return the attempts that are to depart once that is on disk."""
        departing: list[Flight] = []
        ready, at_once = self._services.ready, 0
        if self._is_guarded:
            self._services.guarding.look(self._courses.values())
        while (node := ready.pop()) is not None:
            course = node.course
            course.queued -= 1
            if node.is_stopped:
                self._settler.let_out(node)
                if course.starts_nothing:
                    course.held.append(node)
                    self.touch(course)
                else:
                    self._settler.drop(node)
                continue
            flight = self._starter.start(node)
            if flight is None:
                continue
            if flight.step.executor != "inline" or flight.step.effects:
                departing.append(flight)
                continue
            self._depart(flight)
            at_once += 1
            if at_once >= _INLINE_AT_ONCE:
                self.wake()
                break
        return departing

    def _depart(self, flight: Flight) -> None:
        step, services = flight.step, self._services
        if step.timeout is not None:
            seconds = step.timeout.total_seconds()
            flight.timer = services.timers.after(seconds, partial(self._settler.time_out, flight))
        name = step.executor
        if name == "thread" and is_coroutine(step.work):
            name = "loop"
        try:
            flight.executor = services.executors[name]
            flight.executor.depart(flight, self._land)
        except Exception as error:  # noqa: BLE001 - the step runner: a plugin's executor
            self._land(flight, None, error)
        if self._landed and name == "inline":  # what it wrote is there for the next one
            self._settler.settle_all(self._landed)
            self.wake()

    def _land(self, flight: Flight, value: Json, error: BaseException | None) -> None:
        self._landed.append((flight, value, error))
        self.wake()

    @property
    def has_failed(self) -> bool:
        """Tell whether nothing can be written any more."""
        return self._error is not None

    def stop(self, course: Course, ending: RunStatus) -> None:
        """Tell what is in flight of a run to stop, and end it so when that has come back."""
        self._endings.stop(course, ending)

    def reset(self, course: Course) -> None:
        """Have a run begin anew from the stages that were asked for."""
        self._asking.reset(course)

    def forget(self, course: Course) -> None:
        """Have nothing to do with a run any more."""
        self._endings.forget(course)

    def lose(self, course: Course) -> None:
        """Take a run off those under way."""
        self._courses.pop(course.run.uid, None)

    def has_ended(self, course: Course, status: RunStatus) -> None:
        """Let the result of a run be handed over once it is on disk."""
        self._ended.append((course, status))

    def touch(self, course: Course) -> None:
        """Have a run looked at before the turn ends: it may be over."""
        self._touched[course] = None

    def _finish_some(self) -> None:
        """End the runs that are over."""
        while self._touched:
            course = next(iter(self._touched))
            del self._touched[course]
            if self._courses.get(course.run.uid) is course:
                self._endings.end_if_over(course)

    def _look(self) -> None:
        """Take in requests of other processes and write the log, every now and then."""
        self._asking.look()
        if self._error is None:
            self._commit()
        self._services.timers.after(LOOK_SECONDS, self._look)

    def _flush(self) -> None:
        self._is_flush_set = False
        if self._error is None:
            self._commit()

    def _commit(self) -> None:
        self._services.journal.commit()
        self._is_on_disk()

    def _is_on_disk(self) -> None:
        """Let others know of what was gathered, now that nothing can take it back."""
        progress = self._services.context.progress
        for course in self._services.journal.deliver():
            progress.advance(f"run {course.run.target}", course.done)
        self._asking.forget_taken()

    def _fail_all(self, error: Exception) -> None:
        """End all runs with `error`: nothing more can be written, or nothing is as it should be."""
        if self._error is None:
            self._error = error
            self._pending = None
            self._ended.clear()
            for course in list(self._courses.values()):
                self._endings.stop(course, RunStatus.INTERRUPTED)
        self.wake()

    def _say_what_is_over(self) -> None:
        """Hand over the results of runs that ended, which are on disk by now."""
        for course, status in self._ended:
            self._services.context.progress.finish(f"run {course.run.target}")
            self._results.append(course.result(status))
        self._ended.clear()
        if self._pending is not None and len(self._courses) < self._services.settings.max_runs:
            self.wake()
        is_empty = not self._courses and self._pending is None
        is_waited_for = self._consumer is not None and not self._consumer.done()
        if self._consumer is not None and is_waited_for and (self._results or is_empty):
            self._consumer.set_result(None)

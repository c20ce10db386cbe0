"""The scheduler: carries many runs through in turns, on one event loop that owns all their state.

A turn takes in what has landed, what is due and what is asked, starts what has become ready, writes
all of it for all runs in one transaction, and only then lets work with effects begin and says that
a run is over. Results are recorded exactly once, and work is executed at least once. Refuses to
start a step before what it needs has finished, and one with effects before its START is on disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from chimera.context import Context
from chimera.model import ChimeraError
from chimera.runtime.asking import Asking
from chimera.runtime.collections import Shelves
from chimera.runtime.compensating import begin_undoing
from chimera.runtime.course import Course
from chimera.runtime.executors import Executors
from chimera.runtime.flights import Flight
from chimera.runtime.fold import fold
from chimera.runtime.frontier import Node
from chimera.runtime.guards import Guards
from chimera.runtime.journal import Journal
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
            Guards(state, shelves, settings),
            Executors(loop, context, executors),
            grace,
        )
        self._settler = Settler(services, self.touch)
        self._waits = Waits(services, self._settler, self.touch)
        self._starter = Starter(services, self._settler, self._waits)
        self._asking = Asking(services, self)
        self._pending: Pending | None = pending
        self._courses: dict[str, Course] = {}
        self._landed: deque[tuple[Flight, Json, BaseException | None]] = deque()
        self._touched: dict[Course, None] = {}
        self._ended: list[tuple[Course, RunStatus]] = []
        self._results: list[RunResult] = []
        self._consumer: asyncio.Future[None] | None = None
        self._is_awake = False
        self._is_flush_set = False
        self._is_interrupted = False
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
            if course.ending is RunStatus.INTERRUPTED:
                self._abandon(course)
            else:
                self.stop(course, RunStatus.INTERRUPTED)
        self._is_interrupted = True
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
            while self._landed:
                self._settler.settle(*self._landed.popleft())
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
        journal, settings = self._services.journal, self._services.settings
        has_effects = any(flight.step.effects for flight in departing)
        if is_inside:
            journal.commit()
        elif has_effects or self._ended or journal.is_too_far_ahead:
            self._commit()
        elif not journal.is_empty and not self._is_flush_set:
            self._is_flush_set = True
            self._services.timers.after(settings.ahead.total_seconds(), self._flush)
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
        past = fold(services.state.iterate_events(run.uid), is_brief=True).resumed()
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
        timeout = self._timeout(course)
        if timeout is not None and not is_compensating:
            left = (course.begins + timeout - services.journal.now).total_seconds()
            self._timer(course, max(left, 0.0), partial(self._time_out, course))
        if is_compensating:
            begin_undoing(course, services)
        self.touch(course)

    def _timeout(self, course: Course) -> timedelta | None:
        return course.graph.timeout or self._services.settings.default_timeout

    def _timer(self, course: Course, seconds: float, callback: Callable[[], None]) -> None:
        course.timers.append(self._services.timers.after(seconds, callback))

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
        while (node := ready.pop()) is not None:
            course = node.course
            course.queued -= 1
            if course.starts_nothing:
                ready.leave(node)
                course.held.append(node)
                self.touch(course)
                continue
            if node.scope.is_closed:
                ready.leave(node)
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
            while self._landed:
                self._settler.settle(*self._landed.popleft())
            self.wake()

    def _land(self, flight: Flight, value: Json, error: BaseException | None) -> None:
        self._landed.append((flight, value, error))
        self.wake()

    def touch(self, course: Course) -> None:
        """Have a run looked at before the turn ends: it may be over."""
        self._touched[course] = None

    def _finish_some(self) -> None:
        """End the runs that are over."""
        while self._touched:
            course = next(iter(self._touched))
            del self._touched[course]
            if self._courses.get(course.run.uid) is course:
                self._finish_if_over(course)

    def _finish_if_over(self, course: Course) -> None:
        if course.flights:
            return
        if course.resets and course.ending is None:
            self._asking.reset(course)
        elif course.ending is not None:
            is_left = course.is_something_left
            self._finish(course, course.ending if is_left else self._outcome(course))
        elif course.ending is None and course.is_over:
            self._finish(course, self._outcome(course))
        elif course.ending is None and course.is_idle and course.waiting and not course.is_parking:
            self._park(course)

    def _outcome(self, course: Course) -> RunStatus:
        """Return how a run ends in which nothing is left to start."""
        if course.undoing is not None:
            is_undone = not course.undoing.failures
            return RunStatus.COMPENSATED if is_undone else RunStatus.FAILED
        is_failed = course.root.failures or course.is_timed_out
        return RunStatus.FAILED if is_failed else RunStatus.SUCCEEDED

    def _finish(self, course: Course, status: RunStatus) -> None:
        is_failing = status is RunStatus.FAILED and course.undoing is None
        if is_failing and course.owes_undo and self._error is None:
            begin_undoing(course, self._services)
            if not course.is_over:
                self.wake()
                return
            status = self._outcome(course)
        self.forget(course)
        if self._error is not None:
            return  # nothing can be written of it
        self._services.journal.set_status(course, status)
        self._ended.append((course, status))

    def forget(self, course: Course) -> None:
        """Have nothing to do with a run any more: what is left of it goes on another time."""
        timers = self._services.timers
        for node in (*course.retrying, *course.waiting):
            if node.timer is not None:
                timers.cancel(node.timer)
        for scope in course.scopes.values():
            if scope.owner is not None and scope.owner.timer is not None:
                timers.cancel(scope.owner.timer)
        for timer in course.timers:
            timers.cancel(timer)
        for scope in (course.root, course.loose, *course.scopes.values()):
            scope.close()
        self._courses.pop(course.run.uid, None)

    def _park(self, course: Course) -> None:
        """Leave a run in which only waits are left, unless somebody wants to wait for them."""
        patience = self._services.settings.patience
        if patience is None:
            return
        if not patience:
            self._finish(course, RunStatus.WAITING)
            return
        course.is_parking = True
        self._timer(course, patience.total_seconds(), partial(self._park_now, course))

    def _park_now(self, course: Course) -> None:
        course.is_parking = False
        if course.is_idle and course.waiting and course.ending is None:
            self._finish(course, RunStatus.WAITING)
            self.touch(course)

    def _time_out(self, course: Course) -> None:
        """End a run that takes too long: what is in flight is told to stop."""
        timeout = self._timeout(course)
        assert timeout is not None
        if course.undoing is not None or course.ending is not None:
            return
        course.is_timed_out = True
        course.error = f"it took longer than {timeout.total_seconds():g} s"
        self._services.journal.note_run(course, EventKind.FAIL, {"error": course.error})
        self._settler.close(course.root)
        for flight in list(course.flights.values()):
            self._settler.tell(flight)
        self.touch(course)

    def stop(self, course: Course, ending: RunStatus) -> None:
        """Tell what is in flight of a run to stop, and end it so when that has come back."""
        course.ending = ending
        for flight in list(course.flights.values()):
            if flight.executor is None:  # it was about to depart
                course.unended.add(flight.node.id)
                self._settler.let_go(flight)
            else:
                flight.is_told = True
                flight.executor.tell(flight)
        self._timer(course, self._services.grace, partial(self._abandon, course))
        self.touch(course)

    def _abandon(self, course: Course) -> None:
        """Wait no longer for what is in flight; its attempts are in doubt."""
        for flight in list(course.flights.values()):
            if flight.executor is not None:
                flight.executor.end(flight)
            course.unended.add(flight.node.id)
            self._settler.let_go(flight)
        self.touch(course)

    def _look(self) -> None:
        """Take in requests of other processes and write the log, every now and then."""
        self._asking.look()
        if self._error is None:
            self._commit()
        self._services.timers.after(LOOK_SECONDS, self._look)

    def _flush(self) -> None:
        self._is_flush_set = False
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
                self.stop(course, RunStatus.INTERRUPTED)
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


def refuse_other(run: Run, graph: Graph) -> None:
    """Raise `ChimeraError` for a graph of another definition than the run is pinned to."""
    if run.digest != graph.digest:
        raise ChimeraError(
            f"run {run.uid} is pinned to the definition {run.digest}, not {graph.digest}",
            help="build the steps from the definition of the run, or move it there with"
            " `chimera runs migrate`",
        )

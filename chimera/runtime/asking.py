"""What other processes ask of runs: pause, resume, cancel, signal, retry from a stage.

A request is taken once: its number is in the journal before its file goes. Refuses to be waited
for: the scheduler looks into the spool every now and then.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chimera.context import Context
from chimera.model import UsageError
from chimera.runtime.control import ControlAction, Request, all_requests, requests_for
from chimera.runtime.fold import fold
from chimera.runtime.steps import Graph
from chimera.state import Event, EventKind, Run, RunStatus, StateWriter, Turn

if TYPE_CHECKING:
    from chimera.runtime.course import Course
    from chimera.runtime.scheduler import Scheduler
    from chimera.runtime.services import Services


class Asking:
    """Takes requests on behalf of a scheduler."""

    def __init__(self, services: Services, scheduler: Scheduler) -> None:
        self._services = services
        self._scheduler = scheduler
        self._taken: list[Request] = []
        self._useless: set[str] = set()  # names of files that nobody here will ever take

    def begin(self, course: Course) -> None:
        """Take what was asked of a run before this process executed it."""
        for request in requests_for(self._services.state.layout, course.run.uid):
            self._take(course, request)

    def look(self) -> None:
        """Take what has been asked since."""
        services = self._services
        for uid, requests in all_requests(services.state.layout, self._useless).items():
            course = self._scheduler.courses.get(uid)
            if course is not None:
                for request in requests:
                    self._take(course, request)
            else:
                _take_for_absent(services.state, services.context, uid)
                self._useless.update(request.path.name for request in requests)

    def forget_taken(self) -> None:
        """Remove requests that the journal has."""
        taken, self._taken = self._taken, []
        for request in taken:
            request.discard()

    def _take(self, course: Course, request: Request) -> None:
        if request.id in course.requests:
            self._taken.append(request)
            return
        course.requests.add(request.id)
        journal = self._services.journal
        if request.action is ControlAction.RETRY:
            course.resets.append(request)  # noted when nothing is in flight
            self._scheduler.touch(course)
            return
        journal.note_run(course, request.action.event, request.data)
        self._taken.append(request)
        match request.action:
            case ControlAction.CANCEL:
                self._scheduler.stop(course, RunStatus.CANCELLED)
            case ControlAction.PAUSE if course.ending is None:
                course.ending = RunStatus.PAUSED
                journal.set_status(course, RunStatus.PAUSING)
            case ControlAction.RESUME if course.ending is RunStatus.PAUSED and not course.halted:
                course.ending = None
                journal.set_status(course, RunStatus.RUNNING)
                self._scheduler.release(course)
            case ControlAction.SIGNAL if course.ending is not RunStatus.CANCELLED:
                self._scheduler.signal(course, request.name, request.payload)
        self._scheduler.touch(course)

    def reset(self, course: Course) -> None:
        """Have the asked-for stages, and all that depends on them, run anew.

        Called when nothing is in flight; the finished others stay as they are.
        """
        services = self._services
        for request in course.resets:
            steps = dependents(course.graph, request.name)
            data = {**request.data, "steps": list(steps), "from": request.name}
            services.journal.note_run(course, EventKind.RESUME, data)
            self._taken.append(request)
        self._scheduler.forget(course)
        services.journal.commit()
        run = services.state.run(course.run.uid)
        self._scheduler.lay_out(run, course.graph)


def dependents(graph: Graph, step: str) -> tuple[str, ...]:
    """Return a step and all that need it, in the order of the graph; none for an unknown one."""
    if step not in graph.by_id:
        return ()
    found = {step}
    while True:
        more = {s.id for s in graph.steps if s.id not in found and found.intersection(s.needs)}
        if not more:
            return tuple(s.id for s in graph.steps if s.id in found)
        found |= more


def take_requests(state: StateWriter, context: Context, run: Run) -> Run:
    """Take the requests for a run that is not being executed; return it as it then is.

    One to retry from a stage stays for the process that executes the run, which knows its steps.
    """
    requests = requests_for(state.layout, run.uid)
    seen = fold(state.iterate_events(run.uid)).requests if requests else frozenset()
    for request in requests:
        if request.action is ControlAction.RETRY and can_retry(run.status):
            state.reopen(run.uid)
            state.record(run.uid, status=RunStatus.INTERRUPTED)
            run = replace(run, status=RunStatus.INTERRUPTED)
            continue
        status = run.status
        if not status.is_final and request.id not in seen:
            status = _status_after(request.action, status)
            _record(state, context, run, request, status)
        request.discard()
        run = replace(run, status=status)
    return run


def can_retry(status: RunStatus) -> bool:
    """Tell whether a run that stands so can be retried from one of its stages."""
    return status is RunStatus.SUCCEEDED or not status.is_final


def _status_after(action: ControlAction, status: RunStatus) -> RunStatus:
    match action:
        case ControlAction.PAUSE:
            return RunStatus.PAUSED
        case ControlAction.RESUME if status is RunStatus.PAUSED:
            return RunStatus.INTERRUPTED
        case ControlAction.CANCEL:
            return RunStatus.CANCELLED
        case _:
            return status


def _record(
    state: StateWriter, context: Context, run: Run, request: Request, status: RunStatus
) -> None:
    now = context.clock.now()
    event = Event(request.action.event, "", 0, now, request.data)
    with state.transaction():
        state.record(run.uid, [event], status=status)
        if request.action is ControlAction.SIGNAL and status is RunStatus.WAITING:
            row = (None, run.total, run.done, run.failed, now.isoformat())
            state.write(Turn(runs={run.number: row}))  # it is due: what it waits for may be this


def _take_for_absent(state: StateWriter, context: Context, uid: str) -> None:
    try:
        run = state.run(uid)
    except UsageError:
        return  # of a state that was lost: nobody will ever take it
    take_requests(state, context, run)

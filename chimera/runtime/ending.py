"""The end of a run: over, parked, stopped, timed out, or put back.

Decides how a run ends, and ends what it has in hand. Refuses to say so to anybody: that is for the
scheduler, once it is on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from chimera.runtime.compensating import begin_undoing
from chimera.runtime.course import Course
from chimera.runtime.services import Services
from chimera.runtime.settling import Settler
from chimera.state import EventKind, RunStatus

if TYPE_CHECKING:
    from chimera.runtime.scheduler import Scheduler


class Endings:
    """Ends the runs of a scheduler."""

    def __init__(self, services: Services, settler: Settler, scheduler: Scheduler) -> None:
        self._services = services
        self._settler = settler
        self._scheduler = scheduler

    def limit(self, course: Course) -> None:
        """Have a run end that takes too long."""
        timeout = self.timeout_of(course)
        if timeout is not None:
            left = course.begins + timeout - self._services.journal.now
            left = min(max(left, timedelta()), timeout)  # the clock may have been set back
            self._timer(course, left.total_seconds(), partial(self.time_out, course))

    def end_if_over(self, course: Course) -> None:
        """End a run in which nothing is in flight, if it is to end."""
        if course.flights:
            return
        if course.resets and course.ending is None:
            self._scheduler.reset(course)
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
        if is_failing and course.owes_undo and not self._scheduler.has_failed:
            begin_undoing(course, self._services)
            if not course.is_over:
                self._scheduler.wake()
                return
            status = self._outcome(course)
        self.forget(course)
        if self._scheduler.has_failed:
            return  # nothing can be written of it
        self._services.journal.set_status(course, status)
        self._scheduler.has_ended(course, status)

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
        self._services.clearance.withdraw(lambda node: node.course is course)
        self._scheduler.lose(course)

    def _park(self, course: Course) -> None:
        """Leave a run in which only waits are left, unless somebody wants to wait for them."""
        settings, due = self._services.settings, course.due
        patience, short = settings.patience, settings.short_wait
        if patience is None:
            return
        if short and due is not None and due - self._services.journal.now <= short:
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
            self._scheduler.touch(course)

    def time_out(self, course: Course) -> None:
        """End a run that takes too long: what is in flight is told to stop."""
        timeout = self.timeout_of(course)
        assert timeout is not None
        if course.undoing is not None or course.ending is not None:
            return
        course.is_timed_out = True
        course.error = f"it took longer than {timeout.total_seconds():g} s"
        self._services.journal.note_run(course, EventKind.FAIL, {"error": course.error})
        self._settler.close(course.root)
        for flight in list(course.flights.values()):
            self._settler.tell(flight)
        self._scheduler.touch(course)

    def stop(self, course: Course, ending: RunStatus) -> None:
        """Tell what is in flight of a run to stop, and end it so when that has come back."""
        course.ending, course.is_told = ending, True
        for flight in list(course.flights.values()):
            if flight.executor is None:  # it was about to depart
                course.unended.add(flight.node.id)
                self._settler.let_go(flight)
            else:
                flight.is_told = True
                flight.executor.tell(flight)
        self._timer(course, self._services.grace, partial(self.abandon, course))
        self._scheduler.touch(course)

    def interrupt(self, course: Course) -> None:
        """Stop a run because its process is to end; the second time, wait no longer."""
        if course.ending is RunStatus.INTERRUPTED and course.is_told:
            self.abandon(course)
        else:
            self.stop(course, RunStatus.INTERRUPTED)

    def abandon(self, course: Course) -> None:
        """Wait no longer for what is in flight; its attempts are in doubt."""
        for flight in list(course.flights.values()):
            if flight.executor is not None:
                flight.executor.end(flight)
            course.unended.add(flight.node.id)
            self._settler.let_go(flight)
        self._scheduler.touch(course)

    def timeout_of(self, course: Course) -> timedelta | None:
        """Return how long a run may take."""
        return course.graph.timeout or self._services.settings.default_timeout

    def _timer(self, course: Course, seconds: float, callback: Callable[[], None]) -> None:
        course.timers.append(self._services.timers.after(seconds, callback))

"""Steps that wait: for a signal, for some seconds, or until a time.

When a wait is over is in the journal, so that it outlasts the process. Refuses to wait by itself:
timers call, and signals are handed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from chimera.runtime.course import Course
from chimera.runtime.fold import StepState
from chimera.runtime.frontier import Node
from chimera.runtime.services import Services
from chimera.runtime.steps import Wait
from chimera.state import EventKind, Json

if TYPE_CHECKING:
    from chimera.runtime.settling import Settler

_WAIT = EventKind.WAIT.value
_LOOK_AGAIN = 60.0  # seconds after which a time of day is compared again: clocks are set


class Waits:
    """The waits of all runs of a process."""

    def __init__(
        self, services: Services, settler: Settler, touch: Callable[[Course], None]
    ) -> None:
        self._services = services
        self._settler = settler
        self._touch = touch

    def begin(self, node: Node, past: StepState | None) -> None:
        """Let a step wait, or go on with a wait that the journal knows of."""
        wait = node.step.wait
        if callable(wait):
            wait = wait(node.inputs)
        assert wait is not None
        if past is None or past.begun is None:
            self._note(node, wait)
        node.course.waiting[node] = None
        self._touch(node.course)
        if wait.signal is not None:
            self._listen(node, wait.signal)
        elif wait.until is not None:
            self._until(node)
        else:
            # No longer than it would be waited now: the clock may have been set back since.
            self._after(node, min(self._left_until(node), wait.seconds or 0.0))

    def left(self, node: Node, timeout: timedelta) -> float:
        """Return the seconds of a timeout that are left, since the step has begun."""
        begun = node.begun or self._services.journal.now
        gone = self._services.journal.now - begun
        return min(max(timeout - gone, timedelta()), timeout).total_seconds()

    def signal(self, course: Course, name: str, data: Json) -> None:
        """Let a signal end the wait that was first to wait for it, or keep it."""
        listeners = course.listeners.get(name)
        if listeners:
            self._over(listeners.popleft(), data)
        else:
            course.signals.setdefault(name, deque()).append(data)

    def _note(self, node: Node, wait: Wait) -> None:
        journal, step = self._services.journal, node.step
        node.begun = journal.now
        data: dict[str, Json] = {"key": node.text}
        node.due = wait.until
        if wait.seconds is not None:
            node.due = journal.now + timedelta(seconds=wait.seconds)
        if wait.signal is not None:
            data["signal"] = wait.signal
            data |= {"asks": wait.asks} if wait.asks is not None else {}
            node.due = journal.now + step.timeout if step.timeout is not None else None
        due = node.due.isoformat() if node.due is not None else None
        journal.note(node, _WAIT, journal.text(data), due=due)

    def _listen(self, node: Node, name: str) -> None:
        course = node.course
        kept = course.signals.get(name)
        if kept:
            data = kept.popleft()
            if not kept:
                del course.signals[name]
            self._over(node, data)
            return
        course.listeners.setdefault(name, deque()).append(node)
        if node.step.timeout is not None:
            left = self.left(node, node.step.timeout)
            if left <= 0:
                self._too_late(node, name)
                return
            node.timer = self._services.timers.after(left, partial(self._too_late, node, name))

    def _until(self, node: Node) -> None:
        """Compare the clock with the time, now and then: it may be set."""
        left = self._left_until(node)
        if left <= 0:
            self._fire(node)
        else:
            again = min(left, _LOOK_AGAIN)
            callback = partial(self._until_again, node)
            node.timer = self._services.timers.after(again, callback)

    def _until_again(self, node: Node) -> None:
        node.timer = None
        self._until(node)

    def _after(self, node: Node, seconds: float) -> None:
        if seconds <= 0:  # now: a run in which only waits are left may be parked in this turn
            self._fire(node)
        else:
            node.timer = self._services.timers.after(seconds, partial(self._fire, node))

    def _left_until(self, node: Node) -> float:
        due = node.due or self._services.journal.now
        return (due - self._services.journal.now).total_seconds()

    def _fire(self, node: Node) -> None:
        node.timer = None
        self._over(node, self._services.journal.at)

    def _over(self, node: Node, output: Json) -> None:
        """End a wait with its output."""
        services, course = self._services, node.course
        if node.timer is not None:
            services.timers.cancel(node.timer)
            node.timer = None
        del course.waiting[node]
        services.ready.leave(node)
        value, text = services.state.stored(output)
        self._settler.done_with(node, value, services.state.kept(text), flag=None)

    def _too_late(self, node: Node, name: str) -> None:
        node.timer = None
        course = node.course
        course.listeners[name].remove(node)
        del course.waiting[node]
        self._services.ready.leave(node)
        assert node.step.timeout is not None
        seconds = node.step.timeout.total_seconds()
        message = f"the signal {name} did not come within {seconds:g} s"
        self._settler.failures.failed(node, TimeoutError(message), is_final=True)

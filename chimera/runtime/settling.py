"""What comes of an attempt: its result, another attempt, something in its place, or a failure.

Notes it in the journal and passes it on to the scope. What is done about a failure is decided in
`recovery`. Refuses to start anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from chimera.runtime.course import Course
from chimera.runtime.failing import Failures, last_key, may_stand_in
from chimera.runtime.flights import AttemptLostError, Flight
from chimera.runtime.frontier import Loose, Node, Scope
from chimera.runtime.journal import DONE
from chimera.runtime.outbox import OUTBOX
from chimera.runtime.recovery import (
    Failure,
    PermanentError,
)
from chimera.runtime.services import Services
from chimera.runtime.starting import shared_key
from chimera.state import EventKind, Json

Landings = deque[tuple[Flight, Json, BaseException | None]]

ESCALATED = (
    "it was interrupted and may have taken effect: see whether it has, and where it has not, do it"
    " again with `chimera runs retry RUN --from STAGE`"
)
_MOST_LOST = 3  # attempts of a step that executors lose before that is a failure like others
_SKIP, _FAIL = EventKind.SKIP.value, EventKind.FAIL.value
_RETRY, _ESCALATE = EventKind.RETRY.value, EventKind.ESCALATE.value


class Settler:
    """Settles attempts, and the steps that were made of others."""

    def __init__(self, services: Services, touch: Callable[[Course], None]) -> None:
        self._services = services
        self.touch = touch
        self._is_guarded = bool(services.settings.guards)
        self.failures = Failures(services, self)

    def settle_all(self, landed: Landings) -> None:
        """Take in what came back, and have guards look at all of it at once."""
        guarding = self._services.guarding if self._is_guarded else None
        if guarding is not None:
            guarding.gather()
        while landed:
            self.settle(*landed.popleft())
        if guarding is not None:
            guarding.judge_gathered()

    def settle(self, flight: Flight, value: Json, error: BaseException | None) -> None:
        """Take in what came back of an attempt."""
        node, course = flight.node, flight.node.course
        if node.flight is not flight:
            return  # nobody waits for it any more
        self.let_go(flight)
        flight.hear_no_more()
        if flight.store is not None and flight.store.broken is not None:
            raise flight.store.broken  # no fault of the step: all runs stop
        if flight.is_timed_out:
            assert node.step.timeout is not None
            error = TimeoutError(f"it took longer than {node.step.timeout.total_seconds():g} s")
        elif error is not None and flight.is_told:
            course.unended.add(node.id)  # no end in the journal: the next run of it is in doubt
            self.left(node, None, said=False)
            self.drop(node)
            return
        if isinstance(error, AttemptLostError) and node.lost < _MOST_LOST:
            node.lost += 1
            node.doubtful = node.is_unended = True
            self.left(node, None, said=False)
            self.again(node)
        elif error is not None:
            self.failures.failed(node, error)
        elif flight.kind == "probe" and value is None:
            node.is_probed = True
            self.left(node, None, said=False)
            self.again(node)
        else:
            self._came_back(flight, value)

    def let_go(self, flight: Flight) -> None:
        """Wait for an attempt no longer."""
        node = flight.node
        node.flight = None
        del node.course.flights[node.id]
        if flight.timer is not None:
            self._services.timers.cancel(flight.timer)
        flight.say_what_was_dropped()
        self._services.ready.leave(node)
        self.touch(node.course)

    def _came_back(self, flight: Flight, value: Json) -> None:
        node, services = flight.node, self._services
        try:
            value, text = services.state.stored(value)
            self._refuse_large(text)
            messages = [
                (topic, *services.state.stored(payload))
                for topic, payload in flight.published or ()
            ]
        except PermanentError as raised:
            self.failures.failed(node, raised)
            return
        except Exception as raised:  # noqa: BLE001 - the step runner: a value may do anything
            self.failures.failed(node, PermanentError(f"what it returned is not JSON: {raised}"))
            return
        if flight.store is not None:
            if flight.store.is_stale:
                self.left(node, None, said=False)
                self.again(node)  # another attempt wrote what it had read: it is as if it was not
                return
            flight.store.write()
        self._publish(node, messages)
        self.left(node, None, said=True)
        flag = "probed" if flight.kind == "probe" else "alternative" if node.tried else None
        self.done_with(node, value, services.state.kept(text), flag=flag)

    def _refuse_large(self, text: str | None) -> None:
        most = self._services.settings.max_result
        if text is not None and len(text) > most:
            raise PermanentError(
                f"what it returned takes {len(text):,} characters of JSON,"
                f" and no more than {most:,} are kept",
                help="write it to a file, and return the path and the digest of that",
            )

    def _publish(self, node: Node, messages: list[tuple[str, Json, str | None]]) -> None:
        """Put what was published into the outbox, with the result, and tell the bus after that."""
        services, course = self._services, node.course
        for topic, payload, _ in messages:
            said = {"topic": topic, "payload": payload, "at": services.journal.at}
            message = {**said, "run": course.run.uid, "step": node.id}
            where = course.run.environment
            id = services.outbox.next_id(where, services.journal.at, course.run.uid, node.id)
            key = (where, OUTBOX, id)
            services.shelves.write(key, services.journal.text(message))
            services.journal.publish((topic, payload))

    def done_with(self, node: Node, value: Json, text: str | None, *, flag: str | None) -> None:
        """Record a result: from here on the step is done, and never done again."""
        services, course = self._services, node.course
        kind = EventKind.COMP_DONE.value if node.is_undo else DONE
        services.journal.note(node, kind, text, flag=flag)
        if flag is None and node.digest is not None:
            if node.step.cache is not None:
                services.journal.turn.cached[shared_key(node, node.step.cache)] = text
            recovery = services.recovery_of(node.step)
            if recovery.fallbacks and recovery.uses_cache and may_stand_in(node):
                services.journal.turn.cached[last_key(node)] = text
        if course.invariants:
            services.guarding.after(node, value)
        course.done += 1
        node.scope.done(node, value)
        self._ended(node)

    def skip(self, node: Node) -> None:
        """Record that a step is not wanted."""
        self._services.journal.note(node, _SKIP)
        node.course.done += 1
        self._services.ready.leave(node)
        node.scope.skip(node)
        self._ended(node)

    def again(self, node: Node) -> None:
        """Let a step have another turn, which uses up nothing."""
        node.course.queued += 1
        self._services.ready.add_again(node)

    def fail(self, node: Node, message: str, *, kind: str = _FAIL) -> None:
        """Record that a step failed for good."""
        course = node.course
        text = self._services.journal.text({"error": message})
        self._services.journal.note(node, kind, text)
        if not isinstance(node.scope, Loose):
            course.failed += 1
        node.scope.fail(node, message)
        if node.scope.is_closed and node.scope.owner is not None:
            self.close(node.scope)
        self._ended(node)

    def escalate(self, node: Node) -> None:
        """Leave an interrupted step to a person."""
        if node.flight is None:
            self._services.ready.leave(node)
        self.fail(node, ESCALATED, kind=_ESCALATE)

    def drop(self, node: Node) -> None:
        """Forget a step of a scope that is closed, or of a run that ends."""
        if node.timer is not None:
            self._services.timers.cancel(node.timer)
            node.timer = None
        node.scope.open -= 1
        self._ended(node)

    def close(self, scope: Scope) -> None:
        """Offer nothing more of a scope, nor inside it, and forget what waits there."""
        scope.close()
        for inner in list(scope.course.scopes.values()):
            if inner.owner is not None and inner.owner.is_within(scope):
                inner.close()
        self._drop_within(scope)
        self._services.ready.look_again(scope.course.limits)

    def let_out(self, node: Node) -> None:
        """Let a step out of its bulkhead that was let in and is not to start any more."""
        if node.is_inside:
            recovery = self._services.recovery_of(node.step)
            let_in = self._services.clearance.leave(node, recovery)
            if let_in is not None:
                self._services.ready.add_again(let_in)

    def _drop_within(self, scope: Scope) -> None:
        course = scope.course
        for node in self._services.clearance.withdraw(lambda node: node.is_within(scope)):
            course.queued -= 1
            self.drop(node)
        for waiting in (course.retrying, course.waiting):
            for node in [node for node in waiting if node.is_within(scope)]:
                del waiting[node]
                if waiting is course.waiting:
                    self._services.ready.leave(node)
                self.drop(node)

    def time_out_scope(self, scope: Scope) -> None:
        """Stop what is inside a step that took too long; it fails when nothing of it is left."""
        owner = scope.owner
        assert owner is not None
        owner.is_timed_out = True
        owner.timer = None
        self.close(scope)
        for flight in scope.course.within(scope):
            self.tell(flight)
        self.close_if_over(scope)
        self.touch(scope.course)

    def tell(self, flight: Flight) -> None:
        """Tell an attempt to stop, and wait for it only for a while."""
        if flight.is_told:
            return
        flight.is_told = True
        if flight.executor is not None:
            flight.executor.tell(flight)
        self._services.timers.after(self._services.grace, partial(self._give_up, flight))

    def _give_up(self, flight: Flight) -> None:
        """Stop waiting for work that goes on although it was told to stop."""
        node, services = flight.node, self._services
        if node.flight is not flight:
            return
        has_ended = flight.executor is None or flight.executor.end(flight)
        self.let_go(flight)
        if not flight.is_timed_out:
            node.course.unended.add(node.id)
            self.left(node, None, said=False)
            self.drop(node)
        elif has_ended:
            assert node.step.timeout is not None
            seconds = node.step.timeout.total_seconds()
            self.failures.failed(node, TimeoutError(f"it took longer than {seconds:g} s"))
        elif node.step.on_interrupt == "escalate":
            self.left(node, None, said=False)
            self.fail(node, ESCALATED, kind=_ESCALATE)
        else:
            message = f"it did not stop within {services.grace:g} s of its timeout"
            self.failures.failed(node, TimeoutError(message), is_final=True)

    def time_out(self, flight: Flight) -> None:
        """End an attempt that takes too long."""
        if flight.node.flight is flight and not flight.is_told:
            flight.is_timed_out = True
            flight.timer = None
            self.tell(flight)

    def left(self, node: Node, failure: Failure | None, *, said: bool) -> None:
        """Let breakers and bulkheads know that an attempt has ended."""
        services = self._services
        if node.step.recovery is None and not services.all_need_clearance:
            return
        recovery = services.recovery_of(node.step)
        if recovery.breaker or recovery.bulkhead:
            now = services.journal.now
            let_in = services.clearance.ended(node, recovery, failure, now, said=said)
            if let_in is not None:
                services.ready.add_again(let_in)

    def _ended(self, node: Node) -> None:
        scope = node.scope
        self.touch(node.course)
        scope.pump()
        if scope.owner is not None and scope.is_over:
            self.close_if_over(scope)

    def close_if_over(self, scope: Scope) -> None:
        """Settle the step that a scope was made for, once nothing of it is left."""
        owner, course = scope.owner, scope.course
        if owner is None or not scope.is_over or course.scopes.get(owner.id) is not scope:
            return
        if course.unended and (course.ending is not None or course.is_timed_out):
            return  # what is left of it goes on another time, if any
        del course.scopes[owner.id]
        course.total -= scope.size - scope.ended  # what was not reached never will be
        if owner.timer is not None:
            self._services.timers.cancel(owner.timer)
            owner.timer = None
        self._services.ready.leave(owner)
        expansion = scope.expansion
        assert expansion is not None
        if owner.is_timed_out:
            assert owner.step.timeout is not None
            seconds = owner.step.timeout.total_seconds()
            self.failures.failed(
                owner, TimeoutError(f"it took longer than {seconds:g} s"), is_final=True
            )
        elif scope.failures and not expansion.keep_going:
            self.failures.failed(owner, PermanentError(_failures(scope)), is_final=True)
        else:
            self._collect(owner, scope)

    def _collect(self, owner: Node, scope: Scope) -> None:
        assert scope.expansion is not None
        services = self._services
        try:
            value = scope.expansion.collect(scope.outputs_so_far())
            value, text = services.state.stored(value)
            self._refuse_large(text)
        except Exception as error:  # noqa: BLE001 - the step runner: the author's expressions
            self.failures.failed(owner, error, is_final=True)
        else:
            self.done_with(owner, value, services.state.kept(text), flag=None)


def _failures(scope: Scope) -> str:
    """Return what failed inside a step, in a few words."""
    (first, message), *_ = scope.failed.items()
    if scope.failures == 1:
        return f"{first} failed: {message}"
    return f"{scope.failures} steps failed, {first} first: {message}"

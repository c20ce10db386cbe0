"""The start of a step: whether it is wanted, with which inputs, and what is started for it.

Notes the START and makes the attempt, or finds that there is nothing to do: the step is skipped,
its result is known, it waits, or it is made of other steps. Refuses to let anything depart.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chimera.model import StateError, digest_json
from chimera.runtime.collections import Attempt
from chimera.runtime.flights import Flight
from chimera.runtime.fold import StepState, StepStatus
from chimera.runtime.frontier import Node
from chimera.runtime.journal import START
from chimera.runtime.recovery import Recovery, StepError
from chimera.runtime.steps import Step, StepCall, key_of
from chimera.state import EventKind, Json

if TYPE_CHECKING:
    from chimera.runtime.services import Services
    from chimera.runtime.settling import Settler
    from chimera.runtime.waiting import Waits

_NONE = digest_json(None)
_IS_COROUTINE = 0x80  # inspect.CO_COROUTINE


class Starter:
    """Starts the steps whose turn it is."""

    def __init__(self, services: Services, settler: Settler, waits: Waits) -> None:
        self._services = services
        self._settler = settler
        self._waits = waits

    def start(self, node: Node) -> Flight | None:
        """Return the attempt that is to depart, or `None` where none is: it is seen to."""
        past = node.past
        if node.is_fresh:
            node.is_fresh = False
            node.scope.has_begun()
        if past is not None and self._goes_on(node, past):
            return None
        step = node.step
        if node.is_unended and step.on_interrupt == "escalate" and _is_work(step):
            self._settler.escalate(node)
            return None
        try:
            if node.digest is None and not self._prepare(node, is_new=past is None):
                return None
            if step.wait is not None:
                self._waits.begin(node, past)
                return None
            is_new = past is None
            if step.cache is not None and (is_new or _is_work(step)) and self._find_cached(node):
                return None
            if step.expand is not None:
                self._expand(node, is_new=is_new)
                return None
            return self._depart(node)
        except StateError:
            raise  # what cannot be read or kept is no fault of the step: all runs stop
        except Exception as error:  # noqa: BLE001 - the step runner: the author's expressions
            self._services.ready.leave(node)
            self._settler.failures.failed(node, error, is_final=not isinstance(error, StepError))
            return None

    def _goes_on(self, node: Node, past: StepState) -> bool:
        """Take in what the journal knew of a step; tell whether it waits for its next attempt."""
        node.past = None
        if node.tried:
            self._settler.failures.go_on_with_alternative(node)
        if past.status is StepStatus.WAITING and node.step.wait is None:
            self._settler.failures.wait_for_retry(node, past)
            return True
        return False

    def _prepare(self, node: Node, *, is_new: bool) -> bool:
        """Work out inputs and key; return whether the step is wanted, and no guard stops it."""
        step, services = node.step, self._services
        outputs = node.scope.inputs_of(node)
        if is_new and step.when is not None and not step.when(outputs):
            self._settler.skip(node)
            return False
        node.inputs, text = services.state.stored(step.inputs(outputs))
        node.digest = _NONE if text is None else digest_json(node.inputs)
        node.text = key_of(node.course.run.uid, node.id, node.digest, node.generation)
        return not node.course.invariants or services.guarding.before(node)

    def _depart(self, node: Node) -> Flight | None:
        services, step = self._services, node.step
        recovery = services.recovery_of(step)
        if (recovery.bulkhead or recovery.breaker) and not self._is_let_in(node, recovery):
            return None
        if node.is_unended and step.on_interrupt == "probe" and not node.is_probed:
            return self._probe(node)
        journal = services.journal
        kind = EventKind.COMP_START.value if node.is_undo else START
        journal.note(node, kind, f'{{"key":"{node.text}"}}')
        node.is_unended = node.is_probed = False
        if node.begun is None:
            node.begun = journal.now
        return self._flight(node)

    def _flight(self, node: Node) -> Flight:
        services, course = self._services, node.course
        flight = Flight(node.step, node.attempt)
        flight.node, flight.journal = node, services.journal
        extra: dict[str, Any] = {}
        if node.step.executor == "inline":
            flight.store = Attempt(services.shelves, services.state, course.run.environment)
            extra["store"] = flight.store
        flight.call = StepCall(
            node.inputs,
            node.text,
            node.attempt,
            node.doubtful,
            services.context,
            flight.cancelled,
            flight.log,
            node.begun or services.journal.now,
            publish=flight.publish,
            run=course.run.uid,
            failure=node.failure,
            **extra,
        )
        node.flight = course.flights[node.id] = flight
        return flight

    def _probe(self, node: Node) -> Flight:
        """Return the look whether an interrupted attempt took effect; it changes nothing."""
        probe: Any = node.step.probe
        if probe is None:
            raise ValueError("it was interrupted, and there is no probe to look it up")
        flight = self._flight(node)
        flight.kind = "probe"
        flight.step = replace(node.step, work=probe, effects=False, remote=None)
        return flight

    def _is_let_in(self, node: Node, recovery: Recovery) -> bool:
        services = self._services
        may, dropped = services.clearance.admit(node, recovery, services.journal.now)
        if dropped is not None:
            self._settler.failures.turn_away(dropped)
        if not may:
            services.ready.leave(node)
            node.course.queued += 1  # it comes back when another leaves
        return may

    def _find_cached(self, node: Node) -> bool:
        text = self._services.cached(shared_key(node, node.step.cache or ""))
        if text is None:
            return False
        self._services.ready.leave(node)
        self._settler.done_with(node, self._services.state.decode(text), text, flag="cached")
        return True

    def _expand(self, node: Node, *, is_new: bool) -> None:
        services, course = self._services, node.course
        assert node.step.expand is not None
        expansion = node.step.expand(node.inputs)
        if is_new:
            services.journal.note(node, START, f'{{"key":"{node.text}"}}')
        node.begun = node.begun or services.journal.now
        scope = course.expand(node, expansion)
        if node.step.timeout is not None:
            node.timer = services.timers.after(
                self._waits.left(node, node.step.timeout),
                lambda: self._settler.time_out_scope(scope),
            )
        scope.begin()
        self._settler.close_if_over(scope)


def _is_work(step: Step) -> bool:
    return step.expand is None and step.wait is None


def is_coroutine(work: Any) -> bool:
    """Tell whether work is a coroutine function, also inside `functools.partial`."""
    code = getattr(work, "__code__", None)
    if code is None:
        inner = getattr(work, "func", None) or getattr(work, "__func__", None)
        return inner is not None and is_coroutine(inner)
    return bool(code.co_flags & _IS_COROUTINE)


def shared_key(node: Node, scope: str) -> str:
    """Return the key of a result that other runs take: those of its environment, and no others.

    What is not protected says nothing to what is.
    """
    return _key_within(node.course.run.environment, scope, node.digest or "")


def kept_key(environment: str, scope: str, inputs: Json) -> str:
    """Return the key of a result that is taken for `inputs`, before there is a run."""
    return _key_within(environment, scope, digest_json(inputs))


def _key_within(environment: str, scope: str, digest: str) -> str:
    return cache_key(f"{environment}\0{scope}", digest)


def cache_key(scope: str, digest: str) -> str:
    """Return the key of a result: that of its scope and of its inputs."""
    return hashlib.sha256(f"{scope}\0{digest}".encode()).hexdigest()

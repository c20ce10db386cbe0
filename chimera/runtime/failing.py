"""What is done about a failed attempt: another one, something in its place, or nothing.

Decided in `recovery`, and carried out here: waits for retries, fallbacks and alternatives, and
notices to whoever is to be told. Refuses to judge what is a failure.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from chimera.runtime.collections import Attempt, KeepingError
from chimera.runtime.fold import StepState
from chimera.runtime.frontier import Node
from chimera.runtime.recovery import (
    Again,
    BulkheadFullError,
    BulkheadRule,
    Decision,
    Facts,
    Failure,
    GiveUp,
    Notice,
    Recovery,
    Use,
    classify,
    decide,
    owed,
)
from chimera.runtime.services import Services
from chimera.runtime.starting import cache_key
from chimera.runtime.steps import Step
from chimera.state import EventKind, Json

if TYPE_CHECKING:
    from chimera.runtime.settling import Settler

_RETRY = EventKind.RETRY.value


class Failures:
    """Acts on failures, for a settler."""

    def __init__(self, services: Services, settler: Settler) -> None:
        self._services = services
        self._settler = settler

    def failed(self, node: Node, error: BaseException, *, is_final: bool = False) -> None:
        """Decide what is done about a failure, and do it."""
        failure = classify(error)
        if is_final or node.scope.is_closed:
            failure = replace(failure, permanent=True, transient=False)
        failure = replace(failure, message=self._describe(error))
        self._settler.left(node, failure, said=not is_final)
        recovery = self._services.recovery_of(node.step)
        facts = self._facts(node, recovery, failure)
        decision = decide(recovery, failure, node.attempt, node.text, facts)
        for notice in owed(recovery, failure, decision, node.attempt, facts):
            self._notify(node, notice)
        if isinstance(error, KeepingError) and node.step.executor == "inline":
            self._keep(node, error, decision)
        match decision:
            case Again(delay):
                self._retry(node, failure, delay)
            case Use():
                self._use(node, failure, decision)
            case GiveUp(rollback):
                if rollback is not None:
                    node.course.owes_undo = True
                self._settler.fail(node, failure.message)

    def _keep(self, node: Node, error: KeepingError, decision: Decision) -> None:
        """Write what is to stay of a failed attempt, together with what is decided about it."""
        services, run = self._services, node.course.run
        due = services.journal.now + decision.delay if isinstance(decision, Again) else None
        store = Attempt(services.shelves, services.state, run.environment)
        try:
            error.keep(store, due)
        except Exception as raised:  # noqa: BLE001 - the step runner: it is the work's own
            text = f"nothing of the attempt was kept: {self._describe(raised)}"
            services.journal.log(run.number, node.id, node.attempt, text)
        else:
            store.write()

    def _facts(self, node: Node, recovery: Recovery, failure: Failure) -> Facts:
        is_cached = recovery.uses_cache and may_stand_in(node)
        if node.step.recovery is None and (failure.permanent or not failure.transient):
            is_cached = False  # it is wrong, and not only out of reach: a check that says no
        return Facts(
            cached=is_cached and self._services.cached(last_key(node)) is not None,
            critical=node.step.critical,
            tried=node.tried,
        )

    def _retry(self, node: Node, failure: Failure, delay: timedelta) -> None:
        due = self._services.journal.now + delay
        self._note_retry(node, {"error": failure.message}, due.isoformat())
        self._wait(node, delay.total_seconds())

    def _note_retry(self, node: Node, data: dict[str, Json], due: str) -> None:
        if node.tried:
            data["tried"] = node.tried
        text = self._services.journal.text(data)
        self._services.journal.note(node, _RETRY, text, due=due)
        node.attempt += 1
        node.is_unended = False

    def wait_for_retry(self, node: Node, past: StepState) -> None:
        """Go on with a wait that the journal knows of, for no longer than is waited now."""
        recovery, now = self._services.recovery_of(node.step), self._services.journal.now
        left = (past.due or past.at) - now
        longest = recovery.retry.max_delay
        self._services.ready.leave(node)
        self._wait(node, min(max(left, timedelta()), longest).total_seconds())

    def _wait(self, node: Node, seconds: float) -> None:
        if node.scope.is_closed:
            self._settler.drop(node)
            return
        node.course.retrying[node] = None
        node.timer = self._services.timers.after(seconds, partial(self._retry_now, node))

    def _retry_now(self, node: Node) -> None:
        del node.course.retrying[node]
        node.timer = None
        self._settler.again(node)
        self._settler.touch(node.course)

    def _use(self, node: Node, failure: Failure, decision: Use) -> None:
        """Let something take the place of the result."""
        fallback, services = decision.fallback, self._services
        told = f"it failed: {failure.message}"  # a result that stands in says nothing of why
        services.journal.log(node.course.run.number, node.id, node.attempt, told)
        if fallback.action == "alternative":
            node.tried, node.failure = decision.number, failure.message
            self._put_in_place(node, fallback.step)
            self._note_retry(node, {"error": failure.message}, services.journal.at)
            self._wait(node, 0.0)
        elif fallback.action == "use_cached_result":
            text = services.cached(last_key(node))
            self._settler.done_with(node, services.state.decode(text), text, flag=decision.flag)
        else:
            value, text = services.state.stored(fallback.value)
            self._settler.done_with(node, value, services.state.kept(text), flag=decision.flag)

    def go_on_with_alternative(self, node: Node) -> None:
        """Put the step in place that a fallback had chosen before this process."""
        fallbacks = self._services.recovery_of(node.step).fallbacks
        if 0 < node.tried <= len(fallbacks):
            self._put_in_place(node, fallbacks[node.tried - 1].step)

    def _put_in_place(self, node: Node, step: Step | None) -> None:
        """Have the work of another step done, with the inputs and in the place of this one."""
        if step is not None:
            node.step = replace(
                step,
                id=node.step.id,
                needs=node.step.needs,
                inputs=node.step.inputs,
                recovery=node.step.recovery,
                keys=node.step.keys,
                critical=node.step.critical,
            )

    def turn_away(self, node: Node) -> None:
        """A step that waited for a bulkhead is not let in any more."""
        node.course.queued -= 1
        recovery = self._services.recovery_of(node.step)
        name = recovery.bulkhead or ""
        rule = self._services.settings.bulkheads.get(name, BulkheadRule())
        self.failed(node, BulkheadFullError(name, rule))

    def _notify(self, node: Node, notice: Notice) -> None:
        """Have somebody told of a failure, by a step of its own on which nothing depends."""
        course, notify = node.course, node.course.graph.notify
        id = f"{node.id}!escalate[{notice.rule}]"
        if notify is None or id in course.notices:
            return
        course.notices.add(id)
        inputs = {
            "to": notice.to,
            "severity": notice.severity,
            "action": notice.action,
            "category": notice.category.value,
            "message": notice.message,
            "step": node.id,
            "outcome": notice.outcome,
            "run": course.run.uid,
            **({"delivery": notice.delivery} if notice.delivery is not None else {}),
        }
        told = course.notice(id, notify, inputs)
        data = self._services.journal.text({"error": None, "notice": inputs})
        told.attempt = 0  # until it has begun: the journal owes it from now on
        self._services.journal.note(told, _RETRY, data, due=self._services.journal.at)
        told.attempt = 1
        course.loose.offer(told)

    def _describe(self, error: BaseException) -> str:
        return self._services.masked(str(error) or type(error).__name__)


def may_stand_in(node: Node) -> bool:
    """Tell whether an earlier result may take the place of one that is not to be had.

    Where no author says so, that of work that only looks at something: what acts has not acted,
    and what reads or writes collections would find others there now.
    """
    step = node.step
    if node.digest is None or node.is_undo:
        return False
    return step.recovery is not None or not (step.effects or step.executor == "inline")


def last_key(node: Node) -> str:
    """Return the key of the last result of a step for its inputs, whichever run it was of."""
    run = node.course.run
    return cache_key(f"{run.environment}\0{run.target}\0{node.id}", node.digest or "")

"""Clearance: whom circuit breakers and bulkheads let depart, and what each attempt teaches them.

The rules and what follows from them are in `recovery`; this holds who stands where, and keeps
breakers in the collection `breaker`. Refuses to decide what becomes of a step that is not let in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chimera.runtime.collections import Shelves
from chimera.runtime.frontier import Node
from chimera.runtime.recovery import (
    Breaker,
    BreakerRule,
    Bulkhead,
    BulkheadFullError,
    BulkheadRule,
    CircuitOpenError,
    Failure,
    Recovery,
    is_counted,
)
from chimera.runtime.settings import RunSettings
from chimera.state import StateWriter

_COLLECTION = "breaker"


class Clearance:
    """Asked before an attempt departs, and told how it ended."""

    def __init__(self, state: StateWriter, shelves: Shelves, settings: RunSettings) -> None:
        self._state = state
        self._shelves = shelves
        self._settings = settings
        self._breakers: dict[tuple[str, str], Breaker] = {}
        self._bulkheads: dict[tuple[str, str], Bulkhead] = {}
        self._waiting: dict[str, Node] = {}

    def admit(self, node: Node, recovery: Recovery, now: datetime) -> tuple[bool, Node | None]:
        """Return whether the step may depart now, and who was turned away for it, if anybody.

        One that may not comes back from `leave`. Raises `BulkheadFullError` or `CircuitOpenError`
        for a step that is not let in.
        """
        dropped = None
        if recovery.bulkhead is not None and not node.is_inside:
            bulkhead = self._bulkhead(node, recovery.bulkhead)
            said, turned_away = bulkhead.enter(_name(node))
            if turned_away is not None:
                dropped = self._waiting.pop(turned_away)
            if said == "rejected":
                raise BulkheadFullError(recovery.bulkhead, bulkhead.rule)
            if said == "waits":
                self._waiting[_name(node)] = node
                return False, dropped
            node.is_inside = True
        if recovery.breaker is not None:
            key = (node.course.run.environment, recovery.breaker)
            breaker, wait = self._breaker(key).ask(self._rule(recovery.breaker), now)
            self._keep(key, breaker)
            if wait is not None:
                raise CircuitOpenError(recovery.breaker, wait)
        return True, dropped

    def ended(
        self, node: Node, recovery: Recovery, failure: Failure | None, now: datetime, *, said: bool
    ) -> Node | None:
        """Take in how an attempt ended; return the step that is let into the bulkhead for it.

        `said` is false where the attempt says nothing, such as one that was told to stop.
        """
        if recovery.breaker is not None:
            key = (node.course.run.environment, recovery.breaker)
            breaker, rule = self._breaker(key), self._rule(recovery.breaker)
            if said and failure is None:
                self._keep(key, breaker.succeeded(rule, now))
            elif said and failure is not None and is_counted(failure):
                self._keep(key, breaker.failed(rule, now))
            else:
                self._keep(key, breaker.released())
        return self.leave(node, recovery)

    def leave(self, node: Node, recovery: Recovery) -> Node | None:
        """Let a step out of its bulkhead, or its queue; return who is let in for it, if anybody."""
        if recovery.bulkhead is None:
            return None
        node.is_inside = False
        self._waiting.pop(_name(node), None)
        next_in = self._bulkhead(node, recovery.bulkhead).leave(_name(node))
        if next_in is None:
            return None
        entered = self._waiting.pop(next_in)
        entered.is_inside = True
        return entered

    def withdraw(self, is_unwanted: Callable[[Node], bool]) -> list[Node]:
        """Let go, and return, those in the queues of bulkheads that are not to start any more."""
        gone = [node for node in self._waiting.values() if is_unwanted(node)]
        for node in gone:
            del self._waiting[_name(node)]
            for (environment, _), bulkhead in self._bulkheads.items():
                if environment == node.course.run.environment:
                    bulkhead.withdraw(_name(node))
        return gone

    def _bulkhead(self, node: Node, name: str) -> Bulkhead:
        key = (node.course.run.environment, name)
        if key not in self._bulkheads:
            rule = self._settings.bulkheads.get(name, BulkheadRule())
            self._bulkheads[key] = Bulkhead(rule)
        return self._bulkheads[key]

    def _rule(self, name: str) -> BreakerRule:
        return self._settings.breakers.get(name, BreakerRule())

    def _breaker(self, key: tuple[str, str]) -> Breaker:
        if key not in self._breakers:
            kept = self._shelves.read((key[0], _COLLECTION, key[1]))
            self._breakers[key] = Breaker.from_json(kept) if kept is not None else Breaker()
        return self._breakers[key]

    def _keep(self, key: tuple[str, str], breaker: Breaker) -> None:
        before = self._breakers[key]
        self._breakers[key] = breaker
        if breaker.to_json() != before.to_json():
            text = self._state.kept(self._state.stored(breaker.to_json())[1])
            self._shelves.write((key[0], _COLLECTION, key[1]), text)


def _name(node: Node) -> str:
    return f"{node.course.run.uid}/{node.id}"

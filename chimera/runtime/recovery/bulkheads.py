"""Bulkheads: what is slow or failing takes up so much and no more, and the rest stays afloat.

A bounded number of attempts at a time, behind them a bounded queue, and beyond it a refusal.
Belongs to the one thread that schedules. Refuses to know what it lets in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from chimera.runtime.recovery.failures import Category, StepError


@dataclass(frozen=True, slots=True)
class BulkheadRule:
    """How many are inside at a time, and how many wait at most; `None` is any number.

    When the queue is full, `reject` turns away who comes, and `drop-oldest` who has waited longest.
    """

    limit: int = 10
    queue: int | None = None
    full: Literal["reject", "drop-oldest"] = "reject"

    def __post_init__(self) -> None:
        if self.limit < 1 or (self.queue is not None and self.queue < 0):
            raise ValueError("a bulkhead lets in at least one, and its queue is not negative")


class BulkheadFullError(StepError):
    """The step was not attempted: too many wait for what it needs."""

    def __init__(self, name: str, rule: BulkheadRule) -> None:
        super().__init__(
            f"the bulkhead {name} is full: {rule.limit} are inside and {rule.queue} wait",
            category=Category.RESOURCE,
            transient=True,
        )

    def __reduce__(self) -> Any:
        return StepError, (self.message,), self.__dict__


class Bulkhead:
    """Who is inside and who waits, by id; everything takes constant time."""

    def __init__(self, rule: BulkheadRule) -> None:
        self.rule = rule
        self._inside: set[str] = set()
        self._waiting: dict[str, None] = {}  # in order, and left in constant time

    @property
    def inside(self) -> int:
        """How many are inside."""
        return len(self._inside)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def enter(self, id: str) -> tuple[Literal["entered", "waits", "rejected"], str | None]:
        """Return what becomes of `id`, and who has been turned away for it, if anybody.

        Raises `ValueError` for one that is inside or waits.
        """
        if id in self._inside or id in self._waiting:
            raise ValueError(f"{id} has come already")
        if len(self._inside) < self.rule.limit:
            self._inside.add(id)
            return "entered", None
        if self.rule.queue is None or len(self._waiting) < self.rule.queue:
            self._waiting[id] = None
            return "waits", None
        if self.rule.full == "reject" or not self._waiting:
            return "rejected", None
        oldest = next(iter(self._waiting))
        del self._waiting[oldest]
        self._waiting[id] = None
        return "waits", oldest

    def withdraw(self, id: str) -> None:
        """Let `id` wait no longer, if it does."""
        self._waiting.pop(id, None)

    def leave(self, id: str) -> str | None:
        """Let `id` go, from inside or from the queue; return who is let in for it, if anybody."""
        if id in self._waiting:
            del self._waiting[id]
            return None
        if id not in self._inside:
            return None
        self._inside.remove(id)
        if not self._waiting:
            return None
        next_in = next(iter(self._waiting))
        del self._waiting[next_in]
        self._inside.add(next_in)
        return next_in

"""What went wrong with candidates: how many for each cause, and what was said first.

A candidate whose computation fails is invalid, and nothing else of the search changes. Refuses to
keep more than a few words of each.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chimera.builtin.evolution.spec.causes import CAUSES, Cause

MAX_MESSAGE = 500
LARGEST = 1e300
"""What no fitness may reach: costs from there on say that constraints are violated."""

SAYS: Mapping[Cause, str] = {
    "nan": "gave NaN",
    "infinite": "gave an infinite number",
    "exception": "raised",
    "type": "gave something that is no number",
    "count": "gave too few or too many values",
    "timeout": "took too long",
    "worker": "ended their worker process",
    "memory": "used more memory than they may",
    "failed": "failed",
}
"""What candidates of each cause did, after their number."""

NUMBERS: frozenset[Cause] = frozenset(("nan", "infinite"))
"""Causes that are values of the fitness itself."""

OF_THE_MACHINE: tuple[Cause, ...] = ("timeout", "worker", "memory")
"""Causes that another machine, or another day, may not have."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one candidate has no fitness."""

    cause: Cause
    message: str


@dataclass(slots=True)
class Failures:
    """Counts by cause, and the first message of each, in order of the candidates."""

    counts: dict[Cause, int] = field(default_factory=dict)
    first: dict[Cause, str] = field(default_factory=dict)

    def note(self, failure: Failure) -> None:
        """Count one candidate."""
        self.counts[failure.cause] = self.counts.get(failure.cause, 0) + 1
        self.first.setdefault(failure.cause, plain(failure.message[:MAX_MESSAGE]))

    def add(self, later: Failures) -> None:
        """Count those of later candidates too; messages are those of the first."""
        for cause, count in later.counts.items():
            self.counts[cause] = self.counts.get(cause, 0) + count
            self.first.setdefault(cause, later.first[cause])

    def clear(self) -> None:
        """Forget all."""
        self.counts.clear()
        self.first.clear()

    @property
    def total(self) -> int:
        """How many candidates failed."""
        return sum(self.counts.values())

    def lines(self) -> list[str]:
        """Return a line for each cause, for people."""
        return [
            f"{self.counts[cause]} {SAYS[cause]}: {self.first[cause]}"
            for cause in CAUSES
            if cause in self.counts
        ]

    def to_json(self) -> dict[str, Any]:
        """Return them as a step gives them to the next."""
        return {
            cause: {"count": self.counts[cause], "first": self.first[cause]}
            for cause in CAUSES
            if cause in self.counts
        }

    def to_list(self) -> list[dict[str, Any]]:
        """Return them as a Genome has them."""
        return [
            {"cause": cause, "count": self.counts[cause], "message": self.first[cause]}
            for cause in CAUSES
            if cause in self.counts
        ]

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> Failures:
        """Return what `to_json` gave."""
        told: Mapping[Any, Any] = value or {}
        return cls(
            {cause: one["count"] for cause, one in told.items()},
            {cause: one["first"] for cause, one in told.items()},
        )


def plain(text: str) -> str:
    """Return text that can be written down: an author's code can make some that is no Unicode."""
    return text.encode(errors="backslashreplace").decode()


def gathered(found: Iterable[Failure | None]) -> Failures:
    """Return the failures of candidates in their order."""
    failures = Failures()
    for one in found:
        if one is not None:
            failures.note(one)
    return failures


def number_of(value: Any) -> float | Failure:
    """Return what a fitness gave as a number that a search can use, or why it is none."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return Failure("type", f"a fitness is a number, and this is {_shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isnan(number):
        return Failure("nan", "the fitness is NaN")
    if abs(number) >= LARGEST:
        return Failure("infinite", f"the fitness is {number}, and has to stay below {LARGEST:g}")
    return number


def _shown(value: Any) -> str:
    kind = type(value).__name__
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - the author's own class
        return kind
    return f"{kind} {text[:80]}"

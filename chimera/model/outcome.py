"""How a command, a verdict or a run ended."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Outcome(Enum):
    """How a command ended; members stand in order of precedence, the worst first.

    The command line turns each into an exit code (DESIGN §9).
    """

    INTERRUPTED = "interrupted"
    INTERNAL = "internal-error"
    USAGE = "usage"
    STALE = "stale"
    NOT_DETERMINISTIC = "not-deterministic"
    FAILED = "failed"
    NOT_EXERCISED = "not-exercised"
    CHANGED = "changed"
    PASSED = "passed"

    @staticmethod
    def worst(outcomes: Iterable[Outcome]) -> Outcome:
        """Return the outcome that takes precedence; nothing at all is `PASSED`."""
        order = list(Outcome)
        return min(outcomes, key=order.index, default=Outcome.PASSED)

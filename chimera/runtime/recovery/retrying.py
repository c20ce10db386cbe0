"""Retrying: how often a failing step is attempted again, and how long is waited in between."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from chimera.runtime.recovery.failures import Failure
from chimera.runtime.recovery.words import Backoff

LONGEST_ASKED: Final = timedelta(hours=1)
"""Whoever asks that more than this be waited before the next attempt is not waited for."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a failing step is attempted, and how long is waited in between.

    The wait before the next attempt is `base_delay`, times the number of attempts (`linear`), or
    doubled with each (`exponential`); at most `max_delay`; less a jitter of up to the part
    `jitter` of it, which keeps those that failed together from coming back together.
    `on` says which failures: `transient` ones, or `any` that is not permanent.
    """

    max_attempts: int = 1
    base_delay: timedelta = timedelta(seconds=1)
    max_delay: timedelta = timedelta(minutes=1)
    strategy: Backoff = "exponential"
    jitter: float = 0.5
    on: Literal["transient", "any"] = "any"

    def __post_init__(self) -> None:
        if self.max_attempts < 1 or not 0 <= self.jitter <= 1:
            raise ValueError("a step is attempted at least once, with a jitter between 0 and 1")
        if self.base_delay < timedelta() or self.max_delay < timedelta():
            raise ValueError("a delay is not negative")

    def covers(self, failure: Failure) -> bool:
        """Return whether a failure is of those that are retried at all."""
        if failure.permanent or (failure.retry_after or timedelta()) > LONGEST_ASKED:
            return False
        return failure.transient or self.on == "any"

    def delay(self, key: str, attempt: int, failure: Failure | None = None) -> timedelta:
        """Return the wait after `attempt` failed: never less than the failure asked for.

        The jitter comes from the idempotency key and the attempt alone, so that it is the same
        in a replay.
        """
        digest = hashlib.sha256(f"{key}:{attempt}".encode()).digest()
        fraction = int.from_bytes(digest[:4]) / 2**32
        base, longest = self.base_delay.total_seconds(), self.max_delay.total_seconds()
        seconds = min(base * self._factor(attempt), longest) * (1 - fraction * self.jitter)
        own = timedelta(seconds=seconds)
        asked = failure.retry_after if failure is not None else None
        return own if asked is None else max(own, asked)

    def _factor(self, attempt: int) -> float:
        match self.strategy:
            case "exponential":
                return float(2.0 ** min(attempt - 1, 64))
            case "linear":
                return float(attempt)
            case "fixed":
                return 1.0


ONCE: Final = Retry()
"""No retry: one attempt."""

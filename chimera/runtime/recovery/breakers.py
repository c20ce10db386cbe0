"""Circuit breakers: what keeps failing is left alone for a while, and then tried with care.

The state machine of Nygard's *Release It!*: closed, open, half-open. Values only: whoever asks
says what time it is and keeps what comes back. Refuses to decide what a failure is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from chimera.runtime.recovery.failures import Category, Failure, StepError

if TYPE_CHECKING:
    from chimera.state import Json


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When a breaker opens and closes.

    It opens at the `failures`th failure within `window`, and at any failure of a trial. After
    `cool_down` it lets `trials` attempts through at a time; when as many have succeeded, it closes.
    """

    failures: int = 5
    window: timedelta = timedelta(minutes=1)
    cool_down: timedelta = timedelta(seconds=30)
    trials: int = 1

    def __post_init__(self) -> None:
        if self.failures < 1 or self.trials < 1:
            raise ValueError(
                "a breaker opens at a first failure at the earliest, and is tried once"
            )
        if self.window <= timedelta() or self.cool_down <= timedelta():
            raise ValueError("the window and the cool-down of a breaker are longer than nothing")


class CircuitOpenError(StepError):
    """The step was not attempted: what it needs has failed too often a moment ago."""

    def __init__(self, name: str, retry_after: timedelta) -> None:
        super().__init__(
            f"the circuit breaker {name} is open for another {retry_after.total_seconds():.3g} s",
            category=Category.RESOURCE,
            transient=True,
            retry_after=retry_after,
        )

    def __reduce__(self) -> Any:
        return StepError, (self.message,), self.__dict__


@dataclass(frozen=True, slots=True)
class Breaker:
    """Where a breaker stands.

    `failures` are those of the window, oldest first, at most as many as open it. `opened` is
    when it opened. `trying` and `tried` count the trials of a half-open one.
    """

    state: Literal["closed", "open", "half-open"] = "closed"
    failures: tuple[datetime, ...] = ()
    opened: datetime | None = None
    trying: int = 0
    tried: int = 0

    def ask(self, rule: BreakerRule, now: datetime) -> tuple[Breaker, timedelta | None]:
        """Return the breaker, and how long is to be waited, or `None` where it lets through.

        One that was opened in the future, by a clock that has jumped back, cools down from now.
        """
        if self.state == "closed":
            return self, None
        breaker = self
        if self.state == "open":
            assert self.opened is not None
            opened = min(self.opened, now)
            left = opened + rule.cool_down - now
            if left > timedelta():
                return replace(self, opened=opened), left
            breaker = Breaker("half-open", opened=opened)
        if breaker.trying + breaker.tried >= rule.trials:
            return breaker, rule.cool_down
        return replace(breaker, trying=breaker.trying + 1), None

    def succeeded(self, rule: BreakerRule, now: datetime) -> Breaker:
        """Return the breaker after an attempt that it let through was a success."""
        if self.state != "half-open":
            return self
        if self.tried + 1 >= rule.trials:
            return Breaker()
        return replace(self, trying=max(self.trying - 1, 0), tried=self.tried + 1)

    def failed(self, rule: BreakerRule, now: datetime) -> Breaker:
        """Return the breaker after an attempt that it let through was a failure that counts.

        One that left before the breaker opened opens it no longer than it is.
        """
        if self.state == "open":
            return self
        if self.state == "half-open":
            return Breaker("open", opened=now)
        recent = [min(at, now) for at in self.failures if at > now - rule.window]
        failures = (*recent, now)
        if len(failures) >= rule.failures:
            return Breaker("open", opened=now)
        return replace(self, failures=failures)

    def released(self) -> Breaker:
        """Return the breaker after an attempt ended that says nothing, such as a cancelled one."""
        return replace(self, trying=max(self.trying - 1, 0))

    def to_json(self) -> Json:
        """Return what outlives the process; its trials do not."""
        return {
            "state": self.state,
            "failures": [at.isoformat() for at in self.failures],
            "opened": self.opened.isoformat() if self.opened else None,
        }

    @classmethod
    def from_json(cls, value: Any) -> Breaker:
        """Return the breaker that `to_json` gave, for a process in which no trial is under way."""
        opened = value["opened"]
        return cls(
            value["state"],
            tuple(map(datetime.fromisoformat, value["failures"])),
            datetime.fromisoformat(opened) if opened else None,
        )


def is_counted(failure: Failure) -> bool:
    """Return whether a failure speaks against what was called, and not against how it was."""
    refused = failure.kind in {"CircuitOpenError", "BulkheadFullError"}
    return not (refused or failure.permanent or failure.category is Category.VALIDATION)

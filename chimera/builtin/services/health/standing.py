"""How a check or a service stands after all looks so far: hysteresis, and its breaker.

Values only: whoever looks says what was found and what time it is. Refuses to call anything
unhealthy, or well again, before as many looks in a row have said so as its author wants.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chimera.runtime.health import Health
from chimera.runtime.recovery import Breaker, BreakerRule

if TYPE_CHECKING:
    from chimera.builtin.services.spec.service import Breaker as BreakerSpec
    from chimera.state import Json


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a check counts as well, how many looks in a row say what, and since when it does."""

    is_well: bool = True
    failures: int = 0
    successes: int = 0
    since: datetime | None = None

    def after(self, *, ok: bool, unhealthy: int, healthy: int, now: datetime) -> Standing:
        """Return how it stands after one more look.

        `unhealthy` failures in a row make it unhealthy, `healthy` successes well again.
        """
        failures, successes = (0, self.successes + 1) if ok else (self.failures + 1, 0)
        is_well = successes >= healthy if not self.is_well else failures < unhealthy
        since = self.since if is_well == self.is_well and self.since is not None else now
        return Standing(is_well, failures, successes, since)

    @property
    def health(self) -> Health:
        """What people are told: one that fails and is not called unhealthy yet is degraded."""
        if not self.is_well:
            return Health.UNHEALTHY
        return Health.DEGRADED if self.failures else Health.HEALTHY

    def to_json(self) -> Json:
        """Return what is kept of it."""
        return {
            "well": self.is_well,
            "failures": self.failures,
            "successes": self.successes,
            "since": self.since.isoformat() if self.since else None,
        }

    @staticmethod
    def from_json(value: Any) -> Standing:
        """Return what `to_json` gave; of what was never looked at, that nothing was found."""
        if not value:
            return Standing()
        since = value["since"]
        return Standing(
            value["well"],
            value["failures"],
            value["successes"],
            datetime.fromisoformat(since) if since else None,
        )


def rule_of(spec: BreakerSpec) -> BreakerRule:
    """Return a breaker's rule as its author wrote it."""
    return BreakerRule(spec.failures, spec.window, spec.cool_down, spec.trials)


def answered(breaker: Breaker, rule: BreakerRule, *, ok: bool, now: datetime) -> Breaker:
    """Return the breaker after a look that it let through."""
    return breaker.succeeded(rule, now) if ok else breaker.failed(rule, now)


def breaker_json(breaker: Breaker) -> Json:
    """Return what is kept of a breaker; successes of its trials count over several commands."""
    kept: Any = breaker.to_json()
    return {**kept, "tried": breaker.tried}


def breaker_of(value: Any) -> Breaker:
    """Return what `breaker_json` gave; one that was never kept is closed."""
    if not value:
        return Breaker()
    return replace(Breaker.from_json(value), tried=value["tried"])

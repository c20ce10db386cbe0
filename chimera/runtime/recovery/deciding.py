"""Deciding: what is done about a failure, from what is declared and what is known of the step.

A decision is a function of its arguments, so that a replay of the journal comes to the same one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from chimera.runtime.recovery.failures import Category, Failure
from chimera.runtime.recovery.retrying import ONCE, Retry
from chimera.runtime.recovery.words import FailureCondition, Severity

if TYPE_CHECKING:
    from chimera.runtime.steps import Step
    from chimera.state import Json


@dataclass(frozen=True, slots=True)
class Fallback:
    """What is used in place of a result that could not be had, where all `conditions` hold.

    `use_cached_result`: the last one recorded for the same inputs. `degrade_gracefully`: `value`,
    and only for a step that is not critical, whatever the conditions. `alternative`: what `step`
    gives, which gets the inputs of the one that failed.
    """

    action: Literal["use_cached_result", "degrade_gracefully", "alternative"]
    conditions: tuple[FailureCondition, ...] = ()
    value: Json = None
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told of a failure, where all `conditions` hold; `to` is a role or a person.

    `delivery` is for whoever tells them, and kept as it is.
    """

    conditions: tuple[FailureCondition, ...] = ("max_retries_exceeded",)
    severity: Severity = "high"
    to: str = "administrator"
    action: str = "notify_administrator"
    delivery: Json = None


@dataclass(frozen=True, slots=True)
class Rollback:
    """How a run is put back once a step is given up.

    What has finished is compensated in reverse order; `step` is what is run for it instead,
    such as a workflow of its own.
    """

    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is done about failures of a step; `breaker` and `bulkhead` are names of shared ones."""

    retry: Retry = ONCE
    fallbacks: tuple[Fallback, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    breaker: str | None = None
    bulkhead: str | None = None
    rollback: Rollback | None = None

    @property
    def uses_cache(self) -> bool:
        """Whether results are to be kept for the time when none can be had."""
        return any(fallback.action == "use_cached_result" for fallback in self.fallbacks)


DEFAULT_RECOVERY: Final = Recovery(
    retry=Retry(
        max_attempts=4, strategy="exponential", base_delay=timedelta(seconds=1), on="transient"
    ),
    fallbacks=(
        Fallback("use_cached_result", ("cache_available",)),
        Fallback("degrade_gracefully", ("non_critical_operation",)),
    ),
    escalations=(Escalation(("max_retries_exceeded",), "high"),),
)
"""Seed 003's: three retries, then a cached or a degraded result; the administrator is told."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision needs to know of the step beside its failure.

    `cached`: a finished result for the same inputs is recorded. `tried`: how many of the fallbacks
    have been used up, the last of them an alternative that failed as well.
    """

    cached: bool = False
    critical: bool = True
    tried: int = 0


@dataclass(frozen=True, slots=True)
class Again:
    """Attempt the step again after `delay`."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class Use:
    """Use a fallback; `number` counts from 1 and is `Facts.tried` should it fail as well."""

    fallback: Fallback
    number: int

    @property
    def flag(self) -> str:
        """The word by which a journal tells the result from one of the step's own."""
        return _FLAGS[self.fallback.action]


_FLAGS: Final = {
    "use_cached_result": "cached",
    "degrade_gracefully": "degraded",
    "alternative": "alternative",
}


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The step has failed for good."""

    rollback: Rollback | None = None


Decision = Again | Use | GiveUp


def decide(
    recovery: Recovery, failure: Failure, attempt: int, key: str, facts: Facts = Facts()
) -> Decision:
    """Return what is done after `attempt`, counted from 1, of a step failed.

    A step whose alternative has failed too is not retried: only what is left to use is looked at.
    """
    retry = recovery.retry
    if facts.tried == 0 and attempt < retry.max_attempts and retry.covers(failure):
        return Again(retry.delay(key, attempt, failure))
    known = _conditions(recovery, failure, attempt, facts)
    for number, fallback in enumerate(recovery.fallbacks, 1):
        if number <= facts.tried or not _is_possible(fallback, facts):
            continue
        if known.issuperset(fallback.conditions):
            return Use(fallback, number)
    return GiveUp(recovery.rollback)


def _conditions(recovery: Recovery, failure: Failure, attempt: int, facts: Facts) -> set[str]:
    is_covered = recovery.retry.covers(failure)
    known = {
        "cache_available": facts.cached,
        "non_critical_operation": not facts.critical,
        "max_retries_exceeded": is_covered and attempt >= recovery.retry.max_attempts,
        "not_retryable": not is_covered,
        failure.category.value: True,
    }
    return {condition for condition, holds in known.items() if holds}


def _is_possible(fallback: Fallback, facts: Facts) -> bool:
    match fallback.action:
        case "use_cached_result":
            return facts.cached
        case "degrade_gracefully":
            return not facts.critical
        case "alternative":
            return fallback.step is not None


@dataclass(frozen=True, slots=True)
class Notice:
    """What is owed to somebody: `rule` is the number of the escalation, counted from 0."""

    rule: int
    to: str
    severity: Severity
    action: str
    category: Category
    message: str
    outcome: str = field(default="failed")
    """`failed`, or the flag of the fallback that was used."""
    delivery: Json = None


def owed(
    recovery: Recovery, failure: Failure, decision: Decision, attempt: int, facts: Facts = Facts()
) -> tuple[Notice, ...]:
    """Return who is to be told of a failure that has been decided on; of a retry, nobody."""
    if isinstance(decision, Again):
        return ()
    known = _conditions(recovery, failure, attempt, facts)
    if isinstance(decision, GiveUp):
        known.add("given_up")
    return tuple(
        Notice(
            number,
            rule.to,
            rule.severity,
            rule.action,
            failure.category,
            failure.message,
            decision.flag if isinstance(decision, Use) else "failed",
            rule.delivery,
        )
        for number, rule in enumerate(recovery.escalations)
        if known.issuperset(rule.conditions)
    )

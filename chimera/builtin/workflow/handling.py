"""What a stage does about failures, in the words of seed 003: retryPolicy and errorHandling.

Both are written on a stage, or on the workflow for all of its stages that write none. Refuses to
decide: what the words mean is `runtime.recovery`'s.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from chimera.kinds import Field, Items, Model, Plays, Role, Text
from chimera.runtime.recovery.words import FailureCondition, Severity


class InsteadSpec(Model):
    """An operation that is run because a stage failed."""

    module: Text | None = Field(default=None, description="Module of the operation.")
    operation: Text | None = Field(default=None, description="Operation that is run.")
    inputs: dict[str, Any] = Field(
        default_factory=dict,
        description="Its inputs; they may refer to what the failed stage could refer to.",
    )


class FallbackSpec(InsteadSpec):
    """One thing to do instead of failing: the first whose conditions hold."""

    type: Literal["use_cached_result", "degrade_gracefully", "alternative"] = Field(
        description="Take the last output for the same inputs; go on with `outputs`, where the "
        "stage is not critical; or do the operation that is named here."
    )
    conditions: Items[FailureCondition] = Field(
        default=(), description="What has to hold for it, all of them."
    )
    outputs: dict[str, Any] | None = Field(
        default=None, description="What the stage gives when it degrades; nothing if left out."
    )


class EscalationSpec(Model):
    """Who hears of a failure, and how grave it is."""

    condition: FailureCondition = Field(
        default="max_retries_exceeded", description="Which failures are told."
    )
    action: Text = Field(default="notify_administrator", description="What is done.")
    severity: Severity = Field(default="high", description="How grave it is.")
    to: Annotated[Text, Plays(Role.PARTICIPANT)] = Field(
        default="administrator", description="Who is told: a role or a person."
    )
    notify: dict[str, Any] = Field(
        default_factory=dict,
        description="How it is delivered, besides a line in the run's log: argv, env, url, headers "
        "and file, as the operation notify takes them, with ${secret.name} in place of secrets. "
        "The file is .chimera/out/notices.jsonl if none is named.",
    )


class ErrorHandlingSpec(Model):
    """What happens when no retry helps."""

    fallback_actions: Items[FallbackSpec] = Field(
        default=(), description="What is done instead of failing, in order."
    )
    escalation_rules: Items[EscalationSpec] = Field(
        default=(), description="Who hears of it, by which failure."
    )
    rollback_procedure: InsteadSpec | None = Field(
        default=None,
        description="What puts things back once the stage is given up, in place of the "
        "compensations of onFailure: compensate.",
    )
    circuit_breaker: Text | None = Field(
        default=None,
        description="Breaker that failures trip, by name: while it is open nothing is tried.",
    )
    bulkhead: Text | None = Field(
        default=None, description="Bulkhead that it counts against, by name."
    )

"""The kind Orchestrator: how many runs, how long, which messages and resources, in an environment.

Owns the shape of the document (seed 003's CoreOrchestratorConfig, its durations with units).
Refuses to know what a preset says, and which one holds where: that is `orchestrating`'s.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from chimera.kinds import (
    AddressText,
    AfterValidator,
    Duration,
    Field,
    Items,
    Model,
    Plays,
    Reference,
    Role,
    StringConstraints,
    Text,
    refuse,
)
from chimera.runtime.recovery.policy import Retried, RetryPolicySpec
from chimera.runtime.recovery.words import FailureCondition, Severity
from chimera.runtime.system import LogLevel, Strategy

Preset = Literal["single-node", "distributed"]


def _check_positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise refuse(
            "duration-zero", "0s is no length of time; write at least 1ms, or leave it out"
        )
    return value


Period = Annotated[Duration, AfterValidator(_check_positive)]
"""A length of time that is longer than nothing."""

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Share = Annotated[float, Field(gt=0, le=1, strict=False)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class RetryPolicy(RetryPolicySpec):
    """How often what failed is tried again, and how long is waited between."""

    on: Retried = Field(
        default="transient",
        description="Which failures are tried again: transient ones, or all that are not "
        "permanent.",
    )


class FallbackAction(Model):
    """What is used instead of a result that could not be had."""

    type: Literal["use_cached_result", "degrade_gracefully"] = Field(
        description="The last result for the same inputs, or none, for stages that are not "
        "critical."
    )
    conditions: Items[FailureCondition] = Field(
        default=(), description="What has to hold for it, all of it."
    )


class EscalationRule(Model):
    """Who is told of a failure."""

    condition: FailureCondition = Field(
        default="max_retries_exceeded", description="Which failures they are told of."
    )
    severity: Severity = Field(default="high", description="How grave it is.")
    to: Annotated[Text, Plays(Role.PARTICIPANT)] = Field(
        default="administrator", description="Who is told: a role or a person."
    )
    action: Text = Field(default="notify_administrator", description="What is done.")
    notify: dict[str, Any] = Field(
        default_factory=dict,
        description="How it is delivered, besides a line in the run's log: argv, env, url, headers "
        "and file, as the operation notify takes them. What needs a secret is told by a "
        "workflow's own rule. The file is .chimera/out/notices.jsonl if none is named.",
    )


class RecoveryStrategy(Model):
    """What is done about failures of stages whose authors say nothing of it."""

    retry_policy: RetryPolicy = Field(
        default=RetryPolicy(), description="How often they are tried again."
    )
    fallback_actions: Items[FallbackAction] = Field(
        default=(
            FallbackAction(type="use_cached_result", conditions=("cache_available",)),
            FallbackAction(type="degrade_gracefully", conditions=("non_critical_operation",)),
        ),
        description="What is used in place of their results, the first that can be; a cached "
        "result or graceful degradation if left out, none for [].",
    )
    escalation_rules: Items[EscalationRule] = Field(
        default=(EscalationRule(),),
        description="Who is told when that is over; the administrator, when retries are used up, "
        "if left out, nobody for [].",
    )


class CircuitBreaker(Model):
    """When what keeps failing is left alone for a while."""

    failures: Count = Field(default=5, description="Failures within the window that open it.")
    window: Period = Field(default=timedelta(minutes=1), description="How long a failure counts.")
    cool_down: Period = Field(
        default=timedelta(seconds=30), description="How long nothing is tried once it is open."
    )
    trials: Count = Field(
        default=1, description="How many attempts are let through then, and must succeed."
    )


class BulkheadLimit(Model):
    """How much of what may be slow is in flight at a time."""

    limit: Count = Field(default=10, description="How many attempts are in flight at a time.")
    queue: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None, description="How many wait behind them; any number if left out."
    )
    when_full: Literal["reject", "drop-oldest"] = Field(
        default="reject",
        description="Who is turned away from a full queue: who comes, or who has waited longest.",
    )


class OrchestratorSpec(Model):
    """How workflows, modules, messages and resources are run in an environment.

    What is left out is as the preset has it.
    """

    environments: Items[Annotated[AddressText, Reference("Environment")]] = Field(
        default=(),
        description="Environments in which it holds; all if left out. An environment has one "
        "orchestrator.",
    )
    preset: Preset = Field(
        default="single-node",
        description="Where it runs: single-node or distributed, which are 100 or 1000 workflows "
        "at once, a timeout of 5m or 10m, the strategy fair or performance, tracing off or on; "
        "all else is the same.",
    )
    max_concurrent_workflows: Count | None = Field(
        default=None,
        description="Runs that are executed at once; 100 (single-node), 1000 (distributed).",
    )
    default_workflow_timeout: Period | None = Field(
        default=None,
        description="Longest time that a run may take whose workflow says none; 5m (single-node), "
        "10m (distributed).",
    )
    workflow_history_retention: Period | None = Field(
        default=None,
        description="How long a run that is over is kept before `chimera runs prune` forgets it; "
        "30d by both presets.",
    )
    module_startup_timeout: Period | None = Field(
        default=None,
        description="Longest time that an attempt to start a module may take; 30s by both presets.",
    )
    module_health_check_interval: Annotated[Period, Plays(Role.CADENCE)] | None = Field(
        default=None,
        description="How often `chimera health --watch` looks at modules and the rest; 30s by "
        "both presets.",
    )
    message_queue_size: Count | None = Field(
        default=None,
        description="Messages that wait for delivery at most; whoever sends one more is told to "
        "try again later. 10000 by both presets.",
    )
    message_timeout: Period | None = Field(
        default=None,
        description="How long a request may wait that says no deadline, before it is a dead "
        "letter; 30s by both presets.",
    )
    resource_allocation_strategy: Strategy | None = Field(
        default=None,
        description="How claims are served that name no strategy: in equal shares, by priority, "
        "or from the fastest pool; fair (single-node), performance (distributed).",
    )
    max_resource_utilization: Share | None = Field(
        default=None,
        description="Share of each pool that is promised at most: 0.8 leaves a fifth free; 1 by "
        "both presets.",
    )
    metrics_collection_interval: Annotated[Period, Plays(Role.CADENCE)] | None = Field(
        default=None,
        description="How often `chimera metrics --follow` collects them; 15s by both presets.",
    )
    log_level: LogLevel | None = Field(
        default=None,
        description="What is told on standard error of runs that go on: steps that begin and end "
        "(debug), pauses, signals and what steers runs (info), retries and what stands in for "
        "results (warn), failures (error); that and what is graver. info by both presets.",
    )
    enable_distributed_tracing: bool | None = Field(
        default=None,
        description="Whether traces are sent by OpenTelemetry; false (single-node), true "
        "(distributed).",
    )
    limits: dict[Key, Count] = Field(
        default_factory=dict,
        description="Stages in flight at once, in all runs together, by the key that they name "
        "under `limits`.",
    )
    durability: Literal["full", "normal"] = Field(
        default="full",
        description="What a loss of power may take: nothing that was recorded (full), or the last "
        "moments (normal, which is faster). Killing the process never takes anything.",
    )
    recovery: RecoveryStrategy = Field(
        default=RecoveryStrategy(),
        description="What is done about failures of stages whose authors say nothing of it; three "
        "retries of transient failures from 1s on, a cached or a degraded result, and word to the "
        "administrator if left out.",
    )
    circuit_breakers: dict[Key, CircuitBreaker] = Field(
        default_factory=dict,
        description="Circuit breakers by the name under which stages share them; one that is not "
        "listed is as if nothing were written of it.",
    )
    bulkheads: dict[Key, BulkheadLimit] = Field(
        default_factory=dict,
        description="Bulkheads by the name under which stages share them; one that is not listed "
        "is as if nothing were written of it.",
    )

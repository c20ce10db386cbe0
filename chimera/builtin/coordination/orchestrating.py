"""Which orchestrator holds in an environment, what it says to whom, and that it is the only one.

What the engine goes by comes from the documents; what operations go by, such as the size of the
queue of messages, is what was applied, in the store. Refuses to choose between two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import combinations
from typing import Any, TypeVar

from chimera.builtin.coordination.narrating import Narrator
from chimera.builtin.coordination.orchestrator import (
    EscalationRule,
    OrchestratorSpec,
    Preset,
    RecoveryStrategy,
)
from chimera.kinds import (
    Document,
    Registry,
    Snapshot,
    Subject,
    format_duration,
    validate_model,
)
from chimera.model import Address, Diagnostic, Finding, Related, Verdict
from chimera.runtime import Json, ReconcileTask, RunSettings, Step, StepCall
from chimera.runtime.recovery import (
    BreakerRule,
    BulkheadRule,
    Escalation,
    Fallback,
    Recovery,
)
from chimera.runtime.system import DEFAULT_SYSTEM, SETTINGS, SYSTEM, SystemSettings

T = TypeVar("T")

Orchestrator = Document[OrchestratorSpec]

PRESETS: Mapping[Preset, RunSettings] = {
    "single-node": RunSettings(
        max_runs=100,
        default_timeout=timedelta(minutes=5),
        retention=timedelta(days=30),
        system=SystemSettings(strategy="fair", tracing=False),
    ),
    "distributed": RunSettings(
        max_runs=1000,
        default_timeout=timedelta(minutes=10),
        retention=timedelta(days=30),
        system=SystemSettings(strategy="performance", tracing=True),
    ),
}
"""What each preset says: seed 003's deployment patterns, and our own where they say nothing."""


def orchestrator_of(snapshot: Snapshot, environment: str) -> Orchestrator | None:
    """Return the orchestrator that holds in an environment, if there is one."""
    if "Orchestrator" not in snapshot.kinds:
        return None
    holding = (d for d in snapshot.of_model(OrchestratorSpec) if holds_in(d.spec, environment))
    return next(holding, None)


def holds_in(spec: OrchestratorSpec, environment: str) -> bool:
    """Tell whether an orchestrator is one of the environment of that name."""
    return not spec.environments or f"Environment/{environment}" in spec.environments


def system_of(snapshot: Snapshot, environment: str) -> SystemSettings:
    """Return what the parts beside the engine go by in an environment."""
    found = orchestrator_of(snapshot, environment)
    return DEFAULT_SYSTEM if found is None else settings_of(found.spec).system


def settings_of(spec: OrchestratorSpec) -> RunSettings:
    """Return what an orchestrator says to the engine, and to the parts beside it."""
    preset = PRESETS[spec.preset]
    system = _system(spec, preset.system)
    return RunSettings(
        system=system,
        max_runs=_chosen(spec.max_concurrent_workflows, preset.max_runs),
        default_timeout=_chosen(spec.default_workflow_timeout, preset.default_timeout),
        retention=_chosen(spec.workflow_history_retention, preset.retention),
        limits=dict(spec.limits),
        recovery=recovery_of(spec.recovery),
        durability=spec.durability,
        breakers={
            name: BreakerRule(one.failures, one.window, one.cool_down, one.trials)
            for name, one in spec.circuit_breakers.items()
        },
        bulkheads={
            name: BulkheadRule(one.limit, one.queue, one.when_full)
            for name, one in spec.bulkheads.items()
        },
        narrate=Narrator(system.log_level),
    )


def _system(spec: OrchestratorSpec, preset: SystemSettings) -> SystemSettings:
    return SystemSettings(
        startup_timeout=_chosen(spec.module_startup_timeout, preset.startup_timeout),
        health_interval=_chosen(spec.module_health_check_interval, preset.health_interval),
        queue_size=_chosen(spec.message_queue_size, preset.queue_size),
        message_timeout=_chosen(spec.message_timeout, preset.message_timeout),
        strategy=_chosen(spec.resource_allocation_strategy, preset.strategy),
        utilisation=_chosen(spec.max_resource_utilization, preset.utilisation),
        metrics_interval=_chosen(spec.metrics_collection_interval, preset.metrics_interval),
        log_level=_chosen(spec.log_level, preset.log_level),
        tracing=_chosen(spec.enable_distributed_tracing, preset.tracing),
    )


def _chosen(written: T | None, preset: T) -> T:
    return preset if written is None else written


def recovery_of(strategy: RecoveryStrategy) -> Recovery:
    """Return what the engine does about failures by a strategy."""
    return Recovery(
        strategy.retry_policy.as_retry(),
        tuple(Fallback(one.type, one.conditions) for one in strategy.fallback_actions),
        tuple(map(_escalation, strategy.escalation_rules)),
    )


def _escalation(rule: EscalationRule) -> Escalation:
    delivery: Json = {"inputs": rule.notify, "secrets": {}} if rule.notify else None
    return Escalation((rule.condition,), rule.severity, rule.to, rule.action, delivery)


def judge(subject: Subject) -> Iterator[Verdict]:
    """Yield a verdict for each orchestrator: whether it is alone, and can tell whom it names."""
    found = subject.snapshot.of_model(OrchestratorSpec)
    faults: dict[Address, list[Diagnostic]] = {document.address: [] for document in found}
    for first, second in combinations(found, 2):
        shared = _shared(first.spec, second.spec)
        if shared is not None:
            faults[second.address].append(_duplicate(first, second, shared))
    for document in found:
        faults[document.address] += _undeliverable(document, subject.snapshot.registry)
        own = tuple(faults[document.address])
        finding = Finding.FAIL if own else Finding.PASS
        reasons = tuple(fault.message for fault in own)
        yield Verdict("orchestrator", str(document.address), finding, reasons, own)


def _undeliverable(document: Orchestrator, registry: Registry) -> Iterator[Diagnostic]:
    """Yield what is wrong with how rules are delivered, as the operation `notify` has it."""
    notify = registry.operations.get("notify")
    for at, rule in enumerate(document.spec.recovery.escalation_rules):
        if not rule.notify or notify is None:
            continue
        place = document.at("spec", "recovery", "escalationRules", at, "notify")
        given = {"message", "to", "severity", "details"} & rule.notify.keys()
        if given or "${" in repr(rule.notify):
            named = ", ".join(sorted(given))
            yield Diagnostic(
                "orchestrator-escalation-invalid",
                f"{named} is not for a rule to say: it comes from the failure"
                if given
                else "there is nothing to refer to here",
                place,
                "remove it; condition, severity and to are fields of the rule"
                if given
                else "write the values themselves, or the rule into a workflow",
                address=str(document.address),
            )
            continue
        value = {**rule.notify, "message": "-"}
        yield from validate_model(notify.inputs, value, place, str(document.address))[1]


def _shared(first: OrchestratorSpec, second: OrchestratorSpec) -> str | None:
    """Return in which environments both hold, in words, if there are any."""
    if not first.environments and not second.environments:
        return "every environment"
    if first.environments and second.environments:
        both = sorted(set(first.environments) & set(second.environments))
    else:
        both = sorted({*first.environments, *second.environments})
    return ", ".join(both) or None


def _duplicate(first: Orchestrator, second: Orchestrator, shared: str) -> Diagnostic:
    return Diagnostic(
        "orchestrator-duplicate",
        f"{first.address} holds in {shared}, too: an environment has one orchestrator",
        second.at("spec", "environments"),
        "name other environments under spec.environments, or delete one of the two",
        address=str(second.address),
        related=(Related("the other one", first.at("spec", "environments")),),
    )


def reconcile(task: ReconcileTask) -> Mapping[str, Any] | None:
    """Keep the settings where operations find them, or forget them; `None` for other kinds."""
    target = task.change.target
    if not isinstance(target, Address) or target.kind != "Orchestrator":
        return None
    spec = None if task.document is None else task.document.spec
    holds = isinstance(spec, OrchestratorSpec) and holds_in(spec, task.environment.name)
    settings = written(spec) if holds and isinstance(spec, OrchestratorSpec) else None
    definition = {"orchestrator": str(target), "settings": settings}
    outputs = task.execute(definition, lambda pinned, _: [_keeping(target.name, pinned)])
    return {"holds": outputs["keep"]}


def written(spec: OrchestratorSpec) -> Json:
    """Return the settings that operations go by, as a document would say them."""
    system = settings_of(spec).system
    return {
        "messageQueueSize": system.queue_size,
        "messageTimeout": format_duration(system.message_timeout),
        "resourceAllocationStrategy": system.strategy,
        "maxResourceUtilization": system.utilisation,
    }


def _keeping(name: str, pinned: Any) -> Step:
    """Return the step that keeps an orchestrator's settings, or takes away none but its own."""

    def keep(call: StepCall) -> Json:
        if pinned["settings"] is not None:
            call.store.put(SETTINGS, SYSTEM, {"orchestrator": name, **pinned["settings"]})
            return True
        if (call.store.get(SETTINGS, SYSTEM) or {}).get("orchestrator") == name:
            call.store.delete(SETTINGS, SYSTEM)
        return False

    return Step("keep", keep, effects=False, executor="inline")

"""Registers modules, the hub and orchestrators; judges modules and starts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from chimera.kinds import Kind
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.builtin.coordination.kinds import ModuleSpec
    from chimera.kinds import Snapshot, Subject
    from chimera.model import Verdict
    from chimera.runtime import Declared, ModuleType, Operation, ReconcileTask, RunSettings
    from chimera.runtime.health import HealthCheck, HealthTask

_HUB = "chimera.builtin.coordination.hub.operations:OPERATIONS"
_HUB_OPERATIONS = {
    "hub.request": ("core.routeMessage",),
    "hub.broadcast": ("core.broadcast",),
    "hub.replay": (),
    "hub.deliver": (),
    "hub.publish": (),
    "hub.deadLetters": (),
    "hub.discard": (),
}
"""What the hub can do, with its other names: most commands need no more than that."""


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `Module` and `Orchestrator`."""
    return [
        Kind(
            "Module",
            "chimera.builtin.coordination.kinds:ModuleSpec",
            "A module of the coordination layer: what it can do, what it needs, how it is set up.",
            breaks=_breaks,
        ),
        Kind(
            "Orchestrator",
            "chimera.builtin.coordination.orchestrator:OrchestratorSpec",
            "How workflows, modules, messages and resources are run in an environment.",
        ),
    ]


def _breaks(before: ModuleSpec, after: ModuleSpec) -> Iterable[str]:
    from chimera.builtin.coordination.compatibility import breaks

    return breaks(before, after)


@hookimpl
def chimera_register_modules() -> Iterable[ModuleType | Declared]:
    """Register the ten types of modules."""
    from chimera.builtin.coordination.modules import types

    return types()


@hookimpl
def chimera_register_operations() -> Iterable[Operation[Any, Any] | Declared]:
    """Register the operations of the ten modules, and of the hub."""
    from chimera.builtin.coordination.modules import operations
    from chimera.runtime import Declared

    hub = (Declared(name, _HUB, aliases) for name, aliases in _HUB_OPERATIONS.items())
    return (*operations(), *hub)


@hookimpl
def chimera_configure_runs(snapshot: Snapshot, environment: str) -> RunSettings | None:
    """Return what the environment's orchestrator says."""
    if "Orchestrator" not in snapshot.kinds:
        return None
    from chimera.builtin.coordination.orchestrating import orchestrator_of, settings_of

    orchestrator = orchestrator_of(snapshot, environment)
    return None if orchestrator is None else settings_of(orchestrator.spec)


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge what modules promise, need and are set up to be, and that orchestrators are alone."""
    found: list[Verdict] = []
    if "Module" in subject.snapshot.kinds:
        from chimera.builtin.coordination.checks import judge as judge_modules

        found += judge_modules(subject.snapshot)
    if "Orchestrator" in subject.snapshot.kinds:
        from chimera.builtin.coordination.orchestrating import judge as judge_orchestrators

        found += judge_orchestrators(subject)
    return found


@hookimpl
def chimera_reconcile(task: ReconcileTask) -> Mapping[str, Any] | None:
    """Start a module, set it up anew or shut it down; set up an environment by its orchestrator."""
    if str(task.change.target).startswith("Orchestrator/"):
        from chimera.builtin.coordination.orchestrating import reconcile as set_up

        return set_up(task)
    from chimera.builtin.coordination.lifecycle import reconcile

    return reconcile(task)


@hookimpl
def chimera_observe_health(task: HealthTask) -> Iterable[HealthCheck]:
    """Say how the modules are that were applied, and the hub."""
    from chimera.builtin.coordination.health import observe
    from chimera.builtin.coordination.hub.health import observe as observe_hub

    return (*observe(task), *observe_hub(task))

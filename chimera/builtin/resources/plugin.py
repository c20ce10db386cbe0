"""Registers pools, claims and the operations on them, judges the documents and applies them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from chimera.kinds import Document, Kind, Model, Registry, Snapshot, Subject
from chimera.model import Verdict
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.runtime import Declared, ReconcileTask
    from chimera.runtime.health import HealthCheck, HealthTask
    from chimera.runtime.reporting import ReportTask, Section

_KINDS = frozenset({"ResourcePool", "ResourceClaim"})
_OPERATIONS = ("allocate", "release", "renew", "usage", "optimize")


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `ResourcePool` and `ResourceClaim`."""
    return [
        Kind(
            "ResourcePool",
            "chimera.builtin.resources.kinds:ResourcePoolSpec",
            "What there is of cpu, memory, gpu and named tokens, what it costs, and on what terms.",
        ),
        Kind(
            "ResourceClaim",
            "chimera.builtin.resources.kinds:ResourceClaimSpec",
            "How much of which resources somebody may lease, for how long, and who goes first.",
        ),
    ]


@hookimpl
def chimera_register_operations() -> Iterable[Declared]:
    """Register `resources.*` by name: most commands need no more than that."""
    from chimera.runtime import Declared

    where = "chimera.builtin.resources.operations:OPERATIONS"
    return tuple(Declared(f"resources.{name}", where) for name in _OPERATIONS)


@hookimpl
def chimera_limit_steps(snapshot: Snapshot) -> Mapping[str, int]:
    """Return the named tokens of all pools: so many steps that name one run at a time."""
    if "ResourcePool" not in snapshot.kinds:
        return {}
    from chimera.builtin.resources.tokens import tokens_of

    return tokens_of(snapshot)


@hookimpl
def chimera_check_document(document: Document[Model], registry: Registry) -> Iterable[Verdict]:
    """Judge the amounts of a pool or a claim."""
    if document.address.kind not in _KINDS:
        return ()
    from chimera.builtin.resources.checking import judge_document

    return (judge_document(document),)


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge whether claims can be served, and whether workflows name claims that there are."""
    found: list[Verdict] = []
    if not _KINDS.isdisjoint(subject.snapshot.kinds):
        from chimera.builtin.resources.checking import judge

        found += judge(subject)
    if "Workflow" in subject.snapshot.kinds:
        from chimera.builtin.resources.finding import claiming_workflows

        claiming = list(claiming_workflows(subject.snapshot))
        if claiming:
            from chimera.builtin.resources.checking import judge_workflows

            found += judge_workflows(subject.snapshot, claiming)
    return found


@hookimpl
def chimera_reconcile(task: ReconcileTask) -> Mapping[str, Any] | None:
    """Keep an applied pool or claim where operations find it."""
    from chimera.builtin.resources.reconcile import reconcile

    return reconcile(task)


@hookimpl
def chimera_observe_health(task: HealthTask) -> Iterable[HealthCheck]:
    """Say what of the applied pools is leased, and what they promise in vain."""
    from chimera.builtin.resources.observing import observe

    return tuple(observe(task))


@hookimpl
def chimera_contribute_report(task: ReportTask) -> Iterable[Section]:
    """Say what of the pools was leased, and when one is exhausted."""
    from chimera.builtin.resources.reporting import sections
    from chimera.runtime.reporting import ReportKind

    return () if task.kind is ReportKind.COMPLIANCE else tuple(sections(task))

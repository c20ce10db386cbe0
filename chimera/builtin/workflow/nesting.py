"""Workflows that run workflows: what one brings with it, and circles among them.

Owns the closure that a run is pinned to and the judgement of workflows that cannot be judged by
themselves. Refuses a circle: it would never end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from chimera.builtin.workflow.compile import compile_scope, scope_of, verdict
from chimera.builtin.workflow.expressions import Asked, judge_predicates
from chimera.builtin.workflow.kinds import StageSpec, WorkflowSpec
from chimera.kinds import Document
from chimera.model import Address, Diagnostic, Place, Verdict
from chimera.policy import Predicates

if TYPE_CHECKING:
    from chimera.kinds import Snapshot, Subject

WorkflowDocument = Document[WorkflowSpec]
_POOL = "ResourcePool"
_LEASED = frozenset({"cpu", "memory", "gpu"})
"""What of a pool is leased, and no limit: its other resources are tokens."""
_LIMITED = "Orchestrator"
_MOST_INSIDE = 100_000
_DEEPEST = 32


def workflows_of(spec: WorkflowSpec) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yield the workflows that the stages of a spec run, and where that stands."""
    for index, stage in enumerate(spec.stages):
        if stage.workflow is not None:
            yield stage.workflow, ("stages", index, "workflow")


def closure(spec: WorkflowSpec, find: Callable[[str], WorkflowSpec | None]) -> list[str]:
    """Return the addresses of all workflows that a spec brings with it, in order."""
    found: dict[str, None] = {}
    pending = [spec]
    for one in pending:  # grows while it is read
        for address, _ in workflows_of(one):
            inner = find(address)
            if address not in found and inner is not None:
                found[address] = None
                pending.append(inner)
    return sorted(found)


def judge_open(subject: Subject, chosen: Sequence[WorkflowDocument]) -> Iterator[Verdict]:
    """Yield a verdict for each workflow of those that cannot be judged by themselves."""
    snapshot = subject.snapshot
    find = finder(snapshot)
    limits = frozenset(_declared_limits(snapshot))
    operations = snapshot.registry.operations
    faults: dict[str, list[Diagnostic]] = {}
    asked = []
    for document in chosen:
        place, address = document.at("spec"), str(document.address)
        specs = {name: find(name) for name in closure(document.spec, find)}
        workflows = {name: spec for name, spec in specs.items() if spec is not None}
        scope = scope_of(document.spec, operations, workflows)
        found = list(compile_scope(
            scope, place, address, executors=snapshot.registry.executors, limits=limits
        ))  # fmt: skip
        found += circles(document.spec, address, place, workflows)
        faults[address] = found
        asked.append(Asked(scope, place, address))
    for one, fault in _predicate_faults(asked, subject):
        faults[one.address].append(fault)
    for address, told in faults.items():
        yield verdict(address, tuple(told))


def _predicate_faults(
    asked: Sequence[Asked], subject: Subject
) -> Iterable[tuple[Asked, Diagnostic]]:
    with Predicates(subject.context.processes) as predicates:
        return list(judge_predicates(asked, predicates))


def finder(snapshot: Snapshot) -> Callable[[str], WorkflowSpec | None]:
    """Return what gives the workflow at an address; a dangling reference is told elsewhere."""

    def find(address: str) -> WorkflowSpec | None:
        document = snapshot.get(Address.parse(address))
        spec = document.spec if document is not None else None
        return spec if isinstance(spec, WorkflowSpec) else None

    return find


def _declared_limits(snapshot: Snapshot) -> Iterator[str]:
    """Yield the limits that documents of other rooms declare."""
    for document in snapshot.of_kinds({_LIMITED}) if _LIMITED in snapshot.kinds else ():
        limits = document.value.get("spec", {}).get("limits", {})
        yield from limits if isinstance(limits, Mapping) else ()
    for document in snapshot.of_kinds({_POOL}) if _POOL in snapshot.kinds else ():
        resources = document.value.get("spec", {}).get("resources", {})
        yield from resources.keys() - _LEASED if isinstance(resources, Mapping) else ()


def circles(
    spec: WorkflowSpec, address: str, place: Place, workflows: Mapping[str, WorkflowSpec]
) -> Iterator[Diagnostic]:
    """Yield the stages by which a workflow comes to run itself."""
    for name, route in workflows_of(spec):
        way = _way(name, address, workflows)
        if way is not None:
            shown = " → ".join((address, *way))
            yield Diagnostic(
                "workflow-recursion",
                f"the workflow runs itself: {shown}",
                place.at(*route),
                "a workflow that runs itself would never end: use forEach for repetition",
                address=address,
            )


def _way(start: str, goal: str, workflows: Mapping[str, WorkflowSpec]) -> list[str] | None:
    """Return the shortest way from one workflow to another, both included."""
    before: dict[str, str | None] = {start: None}
    pending = [start]
    for name in pending:  # grows while it is read
        if name == goal:
            found: list[str] = []
            at: str | None = name
            while at is not None:
                found.append(at)
                at = before[at]
            return found[::-1]
        spec = workflows.get(name)
        for inner, _ in workflows_of(spec) if spec else ():
            if inner not in before:
                before[inner] = name
                pending.append(inner)
    return None


def stages_inside(
    spec: WorkflowSpec, workflows: Mapping[str, WorkflowSpec], path: str = ""
) -> Iterator[tuple[str, StageSpec]]:
    """Yield all stages of a workflow and of those inside it, with their paths: `deploy/build`.

    As many as somebody can look at: workflows inside workflows can have very many.
    """
    pending = [(path, spec)]
    count = 0
    for prefix, one in pending:  # grows while it is read
        for stage in one.stages:
            count += 1
            if count > _MOST_INSIDE:
                return
            yield f"{prefix}{stage.id}", stage
            inner = workflows.get(stage.workflow) if stage.workflow else None
            if inner is not None and prefix.count("/") < _DEEPEST:
                pending.append((f"{prefix}{stage.id}/", inner))

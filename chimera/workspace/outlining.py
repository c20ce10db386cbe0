"""Outlining: what a run of an applied document would do, and whether it may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chimera.documents import locate
from chimera.gate import Ruling, weigh
from chimera.model import Address, ChimeraError, Diagnostic, Result, Severity
from chimera.runtime import Graph, ReconcileTask, RunSteps, Step
from chimera.runtime.executors import require_executor
from chimera.runtime.pinned import outlined
from chimera.runtime.starting import kept_key
from chimera.workspace.ruling import weighing_of
from chimera.workspace.run_planning import plan_run

if TYPE_CHECKING:
    from chimera.kinds import Document, Model
    from chimera.state import Json, StateReader
    from chimera.workspace.planning import PlanReport
    from chimera.workspace.workspace import Workspace


@dataclass(frozen=True)
class RunOutline:
    """What would run, and what the gate would rule of it now."""

    planned: PlanReport
    ruling: Ruling
    graph: Graph
    foreseen: Mapping[str, Mapping[str, Any]]
    """What the kind knows of the steps before they run, if it says so."""
    kept: Mapping[str, tuple[int, int]]
    """Of how many results of a step, among how many, there is one from before that is taken."""

    @property
    def waves(self) -> tuple[tuple[str, ...], ...]:
        """The ids of the steps that could start together, then of those after them, and so on."""
        return tuple(_in_waves(self.graph))


def outline_run(
    workspace: Workspace, address: str, inputs: Mapping[str, Any], *, environment: str
) -> Result[RunOutline]:
    """Say what `chimera run` would do; raises what it would raise before it executes anything."""
    target = Address.parse(address)
    with workspace.read_state() as state:
        loaded, planned = plan_run(workspace, target, state, environment, inputs)
        subject = planned.judgement.subject
        ruling = weigh(weighing_of(workspace, loaded, planned, state), workspace.plugins)

    def carry(steps: RunSteps) -> Mapping[str, Any] | None:
        task = ReconcileTask(
            change=planned.plan.changing[0].change,
            document=loaded.snapshot.get(target),
            before=subject.before.get(target),
            snapshot=loaded.snapshot,
            environment=subject.environment,
            context=workspace.context,
            operations=workspace.registry.operations,
            root=workspace.root,
            record=lambda kind, name, spec: None,
            run_steps=steps,
        )
        outputs: Mapping[str, Any] | None = workspace.plugins.hook.chimera_execute(
            task=task, inputs=inputs
        )
        return outputs

    graph = outlined(carry).graph
    foreseen = graph.foresee() if graph.foresee is not None else {}
    with workspace.read_state() as state:
        kept = dict(_kept(graph, foreseen, environment, state))
    found = RunOutline(planned, ruling, graph, foreseen, kept)
    missing = locate(
        _missing(graph, loaded.snapshot.documents[target], workspace.registry.executors),
        loaded.snapshot.tree,
    )
    return Result(found, ruling.outcome, (*planned.judgement.diagnostics, *missing))


def _missing(
    graph: Graph, document: Document[Model], executors: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Yield a warning for each executor that steps ask for and that is of no use here.

    It is no fault of the document: where it is run for good the executor may be there.
    """
    asking: dict[str, list[str]] = {}
    for step in graph.steps:
        asking.setdefault(step.executor, []).append(step.id)
    for name, steps in asking.items():
        try:
            require_executor(name, executors)
        except ChimeraError as error:
            yield Diagnostic(
                "executor-unavailable",
                f"{_some(steps)} would fail: {error.message}",
                document.place,
                error.help or f"have another executor than {name} do it",
                Severity.WARNING,
                str(document.address),
            )


def _some(steps: list[str]) -> str:
    more = f" and {len(steps) - 3} more" if len(steps) > 3 else ""
    return ", ".join(steps[:3]) + more


_MOST_ITEMS = 10_000  # of one step are looked at: a dry run takes moments


def _kept(
    graph: Graph, foreseen: Mapping[str, Mapping[str, Any]], environment: str, state: StateReader
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield steps whose inputs are known, with how many of their results were kept before."""
    for id, known in foreseen.items():
        if known.get("determined") is not True or known.get("items", 0) > _MOST_ITEMS:
            continue
        keys = [kept_key(environment, *about) for about in _cached(graph.by_id[id])]
        yield id, (sum(state.cached(key) is not None for key in keys), len(keys))


def _cached(step: Step) -> Iterator[tuple[str, Json]]:
    """Yield scope and inputs of each result of a step that would be kept."""
    inputs = step.inputs({})
    if step.expand is not None:
        inside = step.expand(inputs)
        for number in range(inside.count or 0):
            assert inside.make is not None
            yield from _cached(inside.make(number))
    elif step.cache is not None:
        yield step.cache, inputs


def _in_waves(graph: Graph) -> Iterator[tuple[str, ...]]:
    left = {step.id: set(step.needs) for step in graph.steps}
    while left:
        wave = tuple(id for id, needs in left.items() if not needs)
        yield wave
        for id in wave:
            del left[id]
        for needs in left.values():
            needs.difference_update(wave)

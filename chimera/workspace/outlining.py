"""Outlining: what a run of an applied document would do, and whether it may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chimera.gate import Ruling, weigh
from chimera.model import Address, Result
from chimera.runtime import Graph, ReconcileTask, RunSteps
from chimera.runtime.pinned import outlined
from chimera.workspace.ruling import weighing_of
from chimera.workspace.run_planning import plan_run

if TYPE_CHECKING:
    from chimera.workspace.planning import PlanReport
    from chimera.workspace.workspace import Workspace


@dataclass(frozen=True)
class RunOutline:
    """What would run, and what the gate would rule of it now."""

    planned: PlanReport
    ruling: Ruling
    graph: Graph

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

    found = RunOutline(planned, ruling, outlined(carry).graph)
    return Result(found, ruling.outcome, planned.judgement.diagnostics)


def _in_waves(graph: Graph) -> Iterator[tuple[str, ...]]:
    left = {step.id: set(step.needs) for step in graph.steps}
    while left:
        wave = tuple(id for id, needs in left.items() if not needs)
        yield wave
        for id in wave:
            del left[id]
        for needs in left.values():
            needs.difference_update(wave)

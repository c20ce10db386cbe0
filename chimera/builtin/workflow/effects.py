"""What a proof's `workflow` step says of its workflow's stages, held against the workflow.

Owns which stages have to be declared: what stays in the tree is performed, a program only where
the step says that it does no harm, and what can reach anywhere never. Refuses names that the
workflow does not have, and values that could not have come from the operation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chimera.builtin.workflow.kinds import StageSpec, WorkflowSpec
from chimera.builtin.workflow.nesting import closure, finder, stages_inside
from chimera.builtin.workflow.scope import Workflows
from chimera.builtin.workflow.stages import ConfirmOutputs
from chimera.builtin.workflow.wording import did_you_mean, has_type
from chimera.builtin.workflow.work import operation_of
from chimera.kinds import Snapshot, validate_model
from chimera.model import Diagnostic, Finding, Place, Verdict

if TYPE_CHECKING:
    from chimera.kinds import Model
    from chimera.proof.steps.models import WorkflowStep
    from chimera.runtime import Operation

Operations = Mapping[str, "Operation[Model, Model]"]


def judge_steps(snapshot: Snapshot) -> Iterator[Verdict]:
    """Yield one verdict for each proof with a step that runs a workflow of the snapshot."""
    from chimera.proof.kinds import ProofSpec
    from chimera.proof.steps.models import WorkflowStep

    for proof in snapshot.of_model(ProofSpec):
        steps = [(n, s) for n, s in enumerate(proof.spec.steps) if isinstance(s, WorkflowStep)]
        faults: list[Diagnostic] = []
        for index, step in steps:
            find = finder(snapshot)
            workflow = find(step.workflow)
            if workflow is not None:
                place, name = proof.at("spec", "steps", index), str(proof.address)
                operations = snapshot.registry.operations
                inside = {a: found for a in closure(workflow, find) if (found := find(a))}
                faults += faults_of(step, workflow, operations, place, name, inside)
        if steps:
            finding = Finding.FAIL if faults else Finding.PASS
            yield Verdict("workflow", str(proof.address), finding, diagnostics=tuple(faults))


def faults_of(
    step: WorkflowStep,
    spec: WorkflowSpec,
    operations: Operations,
    place: Place,
    address: str,
    workflows: Workflows,
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a step that stands at `place`, for a workflow that compiles.

    Stages of workflows inside it are called as in `deploy/build`.
    """
    stages = dict(stages_inside(spec, workflows))
    faults = _Faults(step, place, address)
    yield from faults.names(stages)
    yield from faults.effects(stages, operations)
    yield from faults.inputs(spec)
    for id, outputs in step.simulate.items():
        operation = operation_of(stages[id], operations) if id in stages else None
        if operation is not None:
            yield from faults.outputs(id, outputs, operation.name, operation.outputs)
        elif id in stages and stages[id].confirm is not None:
            yield from faults.outputs(id, outputs, "a confirmation", ConfirmOutputs)
    for name in step.expect:
        if name not in spec.outputs:
            yield faults.unknown("output", name, spec.outputs, "expect", name)


class _Faults:
    """What is wrong with one step."""

    def __init__(self, step: WorkflowStep, place: Place, address: str) -> None:
        self._step = step
        self._place = place
        self._address = address

    def _fault(self, rule: str, message: str, help: str, *route: str | int) -> Diagnostic:
        return Diagnostic(rule, message, self._place.at(*route), help, address=self._address)

    def unknown(self, what: str, name: str, known: Iterable[str], *route: str | int) -> Diagnostic:
        """Return the fault of a name that the workflow does not have."""
        listed = ", ".join(sorted(known)) or "none"
        return self._fault(
            "workflow-step-name-unknown",
            f"{self._step.workflow} has no {what} {name!r}",
            did_you_mean(name, known, f"there is: {listed}"),
            *route,
        )

    def names(self, stages: Mapping[str, StageSpec]) -> Iterator[Diagnostic]:
        """Yield stages that there are none of."""
        for id in self._step.simulate:
            if id not in stages:
                yield self.unknown("stage", id, stages, "simulate", id)
        for index, id in enumerate(self._step.perform):
            if id not in stages:
                yield self.unknown("stage", id, stages, "perform", index)

    def effects(
        self, stages: Mapping[str, StageSpec], operations: Operations
    ) -> Iterator[Diagnostic]:
        """Yield stages that would act on more than the exported folder."""
        for id, stage in stages.items():
            operation = operation_of(stage, operations)
            reach = operation.reach if operation is not None else "tree"
            if id in self._step.simulate:
                continue
            what = f"the stage {id!r} of {self._step.workflow}"
            if stage.confirm is not None or (stage.wait is not None and stage.wait.signal):
                yield self._fault(
                    "workflow-step-effect-undeclared",
                    f"{what} waits for a signal, which nobody sends in a proof",
                    f"say what it gives under simulate: {id}",
                    "workflow",
                )
            elif reach == "program" and id not in self._step.perform:
                yield self._fault(
                    "workflow-step-effect-undeclared",
                    f"{what} starts a program, which can reach beyond the exported folder",
                    f"say what it gives under simulate, or that it does no harm under perform: "
                    f"{id}",
                    "workflow",
                )
            elif reach == "anywhere":
                yield self._fault(
                    "workflow-step-effect-undeclared",
                    f"{what} acts outside the exported folder ({stage.operation_name})",
                    f"say what it gives under simulate: {id}",
                    "workflow",
                )

    def inputs(self, spec: WorkflowSpec) -> Iterator[Diagnostic]:
        """Yield inputs that are unknown, missing, or of another type."""
        for name, value in self._step.inputs.items():
            if name not in spec.inputs:
                yield self.unknown("input", name, spec.inputs, "inputs", name)
            elif not has_type(value, spec.inputs[name].type):
                yield self._fault(
                    "workflow-step-value-invalid",
                    f"the input {name!r} is not of the type {spec.inputs[name].type}",
                    "give it a value of that type",
                    *("inputs", name),
                )
        for name, wanted in spec.inputs.items():
            if wanted.is_required and name not in self._step.inputs:
                yield self._fault(
                    "workflow-step-value-invalid",
                    f"the input {name!r} of {self._step.workflow} has no value",
                    "add it under inputs",
                    "workflow",
                )

    def outputs(
        self, id: str, outputs: Mapping[str, Any], name: str, model: type[Model]
    ) -> Iterator[Diagnostic]:
        """Yield outputs that the operation could not have given; some may be left out."""
        place = self._place.at("simulate", id)
        _, faults = validate_model(model, outputs, place, self._address)
        for fault in faults:
            if fault.rule == "field-missing" and fault.where == place:
                continue
            yield self._fault(
                "workflow-step-value-invalid",
                f"{name} gives nothing of the kind: {fault.message}",
                fault.help or f"`chimera explain {name}` shows what it gives",
                *("simulate", id),
            )

"""The proof step `workflow`: a run of it in the exported folder, in a process of its own.

Stages that would reach beyond the folder are simulated as the step says, and listed; what would
have been asked of them is compared between repetitions, as the outputs are. Refuses a stage whose
effect nobody declared, and a workflow that is not among the proof's inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chimera.builtin.workflow.references import SECRET, references_in, resolve
from chimera.model import Address, ChimeraError, Finding, Place, canonical_json, digest_json

if TYPE_CHECKING:
    from chimera.builtin.workflow.kinds import StageSpec, WorkflowSpec
    from chimera.builtin.workflow.running import BuildGraph
    from chimera.context import Context
    from chimera.kinds import Registry
    from chimera.policy import Predicates
    from chimera.proof import StepOutcome, StepTask
    from chimera.proof.steps.models import WorkflowStep
    from chimera.runtime import Build, Json, Operation, RunResult, Step, StepCall

_UNSEEN = "***"


def run_workflow(task: StepTask) -> StepOutcome:
    """Run the workflow that the step names and compare what it puts out."""
    from chimera.proof import StepOutcome

    step: Any = task.step
    asked = {"step": step.model_dump(mode="json"), "state": str(task.scratch)}
    try:
        ran = task.call(f"{__name__}:run_once", asked, named=f"workflow {step.workflow}")
    except ChimeraError as error:
        outcomes = {f"{step.workflow} runs to its end": "fail"}
        return StepOutcome(Finding.FAIL, outcomes, exercised=1, reasons=(error.message,))
    outcomes = dict(ran["stages"])
    reasons = list(ran["reasons"])
    if not reasons:
        outcomes |= _compared(step.expect, ran["outputs"])
        reasons += _unlike(step.expect, ran["outputs"])
    return StepOutcome(
        Finding.FAIL if reasons else Finding.PASS,
        outcomes,
        exercised=sum(outcome in ("pass", "fail") for outcome in outcomes.values()),
        outputs={"outputs": ran["outputs"], "simulated": ran["simulated"]},
        reasons=tuple(reasons),
    )


def _compared(expected: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"output {name} is {_written(wanted)}": "pass"
        if _is_same(name, wanted, outputs)
        else "fail"
        for name, wanted in sorted(expected.items())
    }


def _unlike(expected: Mapping[str, Any], outputs: Mapping[str, Any]) -> Iterator[str]:
    for name, wanted in sorted(expected.items()):
        if not _is_same(name, wanted, outputs):
            came = _written(outputs[name]) if name in outputs else "not there"
            yield f"the output {name} is {came}, and has to be {_written(wanted)}"


def _is_same(name: str, wanted: Any, outputs: Mapping[str, Any]) -> bool:
    return name in outputs and canonical_json(outputs[name]) == canonical_json(wanted)


def _written(value: Any) -> str:
    return canonical_json(value).decode()


def run_once(asked: dict[str, Any]) -> dict[str, Any]:
    """Run the workflow of a step in the working directory; called in the step's own process.

    Returns how each stage came out, the workflow's outputs, what simulated stages would have been
    asked, and why it failed if it did.
    """
    from chimera.builtin.workflow.nesting import stages_inside
    from chimera.builtin.workflow.reconcile import read_inputs
    from chimera.builtin.workflow.running import definition_of, outputs_of
    from chimera.context import Context, SequentialIds
    from chimera.policy import Predicates
    from chimera.proof.steps.models import WorkflowStep
    from chimera.workspace import Workspace

    # Ids that count: the idempotency key that a stage gets is the same in every repetition.
    context = replace(Context.system(), ids=SequentialIds("proof"))
    workspace = Workspace(Path.cwd(), context)
    step = WorkflowStep.model_validate(asked["step"])
    value = _document(workspace, Address.parse(step.workflow))
    pinned = definition_of(None, value.get("spec", {}), _others(workspace))
    spec, inside = _fit_spec(step, pinned, workspace.registry)
    given = read_inputs(spec, step.inputs)
    rehearsal = _Rehearsal(step, dict(stages_inside(spec, inside)), workspace.registry.operations)
    definition = {**pinned, "proof": step.model_dump(mode="json")}
    with Predicates(context.processes) as predicates:
        build = rehearsal.builder(predicates)
        result = _run(build, definition, given, Path(asked["state"]), context)
    outputs = outputs_of(spec, given, result.outputs) if not result.failed else {}
    answer: dict[str, Any] = {
        "stages": dict(rehearsal.outcomes(result)),
        "outputs": outputs,
        "simulated": dict(sorted(rehearsal.asked.items())),
        "reasons": [f"stage {id}: {error}" for id, error in sorted(result.failed.items())],
    }
    masked: dict[str, Any] = context.secrets.mask_json(answer)
    return masked


def _document(workspace: Any, address: Address) -> Mapping[str, Any]:
    for raw in workspace.source.raw:
        metadata = raw.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if raw.sound and (raw.value.get("kind"), name) == (address.kind, address.name):
            found: Mapping[str, Any] = raw.value
            return found
    raise ChimeraError("it is not among the proof's inputs", help="add its file to spec.inputs")


def _others(workspace: Any) -> Callable[[str], Mapping[str, Any] | None]:
    """Return what gives the spec of another workflow, as it is among the inputs."""

    def find(address: str) -> Mapping[str, Any] | None:
        spec: Mapping[str, Any] = _document(workspace, Address.parse(address)).get("spec", {})
        return spec

    return find


def _fit_spec(
    step: WorkflowStep, pinned: Mapping[str, Any], registry: Registry
) -> tuple[WorkflowSpec, Mapping[str, WorkflowSpec]]:
    """Return the workflow and those inside it; raises `ChimeraError` where they cannot be run.

    What the step declares is judged again: the exported documents are what counts here.
    """
    from chimera.builtin.workflow.compile import compile_spec
    from chimera.builtin.workflow.effects import faults_of
    from chimera.builtin.workflow.kinds import WorkflowSpec
    from chimera.kinds import validate_model

    place, operations = Place(step.workflow), registry.operations
    inside = {
        address: WorkflowSpec.model_validate(spec)
        for address, spec in pinned.get("workflows", {}).items()
    }
    spec, faults = validate_model(WorkflowSpec, pinned["spec"], place, step.workflow)
    if spec is not None and not faults:
        faults = list(compile_spec(spec, operations, place, step.workflow, inside))
        faults += faults_of(step, spec, operations, place, step.workflow, inside)
    if spec is None or faults:
        raise ChimeraError("; ".join(fault.message for fault in faults), help=faults[0].help)
    return spec, inside


def _run(build: Build, definition: Json, given: Json, state: Path, context: Context) -> RunResult:
    """Run the steps durably, as an apply does, on a state of their own beside the export."""
    from chimera.runtime import Runs
    from chimera.state import open_state

    with open_state(state, context, command="prove") as writer:
        return Runs(writer, context, "proof").carry_out("proof", definition, build, given, 32)


class _Rehearsal:
    """The steps of one run, some of which only give what the proof says that they would."""

    def __init__(
        self,
        step: WorkflowStep,
        stages: Mapping[str, StageSpec],
        operations: Mapping[str, Operation[Any, Any]],
    ) -> None:
        self._step = step
        self._stages = stages
        self._operations = operations
        self.asked: dict[str, Json] = {}
        """What simulated stages would have been asked, by stage."""

    def builder(self, predicates: Predicates) -> BuildGraph:
        """Return what makes the steps as an apply does, with the simulated ones in their places."""
        from chimera.builtin.workflow.running import builder

        step, operations = self._step, self._operations
        return builder(step.workflow, operations, Path.cwd(), predicates, self._stand_in)

    def _stand_in(self, stage: StageSpec, path: str, step: Step) -> Step:
        """Return a step that only gives what it is said to give, or at once what it waits for."""
        if path in self._step.simulate:
            pretend = partial(self._pretend, stage, path)
            return replace(
                step, work=pretend, wait=None, expand=None, remote=None, effects=False,
                executor="inline", compensate=None, cache=None, probe=None,
            )  # fmt: skip
        if stage.wait is not None:
            return replace(step, work=lambda call: "", wait=None, effects=False, executor="inline")
        return step

    def _pretend(self, stage: StageSpec, path: str, call: StepCall) -> Json:
        """Note what would be asked, which has to fit, and give what the proof says."""
        from chimera.kinds import validate_model
        from chimera.runtime import PermanentError

        known: Any = call.inputs if isinstance(call.inputs, dict) else {}
        inputs: Any = known
        if stage.operation_name is not None:
            references = references_in(stage.inputs)
            unseen = {str(ref): _UNSEEN for ref in references if ref.source == SECRET}
            inputs = resolve(stage.inputs, {**known, **unseen})
            model = self._operations[stage.operation_name].inputs
            _, faults = validate_model(model, inputs, Place(path).at("inputs"), None)
            if faults:
                name = stage.operation_name
                raise PermanentError(f"{name} would not take this: {faults[0].message}")
        if stage.for_each is None and "/" not in path:
            self.asked[path] = inputs
        else:
            self.asked[f"{path} {digest_json(inputs)}"] = inputs
        return self._step.simulate[path]

    def outcomes(self, result: RunResult) -> Iterator[tuple[str, str]]:
        """Yield how each stage came out, by what the evidence calls it."""
        for id, stage in self._stages.items():
            if "/" in id:
                continue  # part of the outcome of the stage that it is inside
            name = f"stage {id} ({_kind(stage)})"
            if id in result.failed:
                yield name, "fail"
            elif id not in result.outputs:
                yield name, "skipped"
            else:
                yield name, "simulated" if id in self._step.simulate else "pass"


def _kind(stage: StageSpec) -> str:
    """Return what a stage does, in a word or a name."""
    if stage.wait is not None:
        return "wait"
    if stage.confirm is not None:
        return "confirm"
    return stage.operation_name or stage.workflow or "switch"

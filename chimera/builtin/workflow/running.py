"""From a definition to durable steps: what a run of a workflow is made of.

A step's journaled inputs are the values that its references brought, never the secrets: these are
put in when the work begins. Refuses a pinned definition that no longer compiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chimera.builtin.workflow.compile import compile_spec
from chimera.builtin.workflow.kinds import StageSpec, WorkflowSpec
from chimera.builtin.workflow.order import Order
from chimera.builtin.workflow.references import (
    INPUT,
    SECRET,
    Reference,
    look_up,
    resolve,
    slots,
)
from chimera.context import Context, base_environment
from chimera.kinds import validate_model
from chimera.model import ChimeraError, Place
from chimera.runtime import (
    Build,
    Json,
    Operation,
    Outputs,
    PermanentError,
    Recovery,
    Retry,
    Step,
    StepCall,
)

Operations = Mapping[str, Operation[Any, Any]]


def builder(name: str, operations: Operations, root: Path) -> Build:
    """Return what makes the steps of the workflow `name` from a pinned definition and its input."""

    def build(definition: Json, given: Json) -> Iterable[Step]:
        assert isinstance(definition, dict)
        spec = _read(definition["spec"], name, operations)
        order = Order.of(spec)
        for index, stage in enumerate(spec.stages):
            needs = tuple(spec.stages[need].id for need in order.needs[index])
            yield _step(spec, stage, needs, given, operations[stage.operation], root)

    return build


def outputs_of(spec: WorkflowSpec, given: Json, outputs: Outputs) -> Any:
    """Return the workflow's outputs, from its input and what its stages gave."""
    references = _references(spec.outputs)
    return resolve(spec.outputs, _known(references, given, outputs))


def _read(value: Json, name: str, operations: Operations) -> WorkflowSpec:
    """Compile a definition again: plugins may have changed since it was pinned."""
    place = Place(name)
    spec, faults = validate_model(WorkflowSpec, value, place, name)
    if spec is not None:
        faults = [*faults, *compile_spec(spec, operations, place, name)]
    if spec is None or faults:
        raise ChimeraError(
            f"the run of {name} cannot go on: {faults[0].message}",
            help="cancel the run and apply again, or bring back the plugin that it needs",
        )
    return spec


def _step(
    spec: WorkflowSpec,
    stage: StageSpec,
    needs: tuple[str, ...],
    given: Json,
    operation: Operation[Any, Any],
    root: Path,
) -> Step:
    references = _references(stage.inputs)
    secrets = [reference.name for reference in references if reference.source == SECRET]
    brought = [reference for reference in references if reference.source != SECRET]
    # A step sees the outputs of what it needs only; what it refers to is before it anyway.
    sources = (reference.source for reference in brought if reference.source != INPUT)

    def inputs(outputs: Outputs) -> Json:
        return _known(brought, given, outputs)

    def work(call: StepCall) -> Json:
        assert isinstance(call.inputs, dict)
        known = call.inputs | _read_secrets(spec, secrets, call.context)
        return operation.perform(replace(call, inputs=resolve(stage.inputs, known)), root)

    return Step(
        id=stage.id,
        work=work,
        needs=tuple(dict.fromkeys((*needs, *sources))),
        inputs=inputs,
        effects=operation.effects,
        recovery=Recovery(
            Retry(stage.retry.max_attempts, stage.retry.delay, stage.retry.max_delay)
        ),
        timeout=stage.timeout,
        on_interrupt=stage.on_interrupt or operation.on_interrupt,
    )


def _references(value: Any) -> tuple[Reference, ...]:
    return tuple(dict.fromkeys(ref for slot in slots(value) for ref in slot.references))


def _known(references: Iterable[Reference], given: Json, outputs: Outputs) -> dict[str, Any]:
    """Return the value of each reference by its text."""
    sources: dict[str, Any] = {**outputs, INPUT: given}
    return {
        str(reference): look_up(reference, sources[reference.source][reference.name])
        for reference in references
    }


def _read_secrets(spec: WorkflowSpec, names: Iterable[str], context: Context) -> dict[str, str]:
    """Return secrets by the text of their references; from then on they are masked everywhere."""
    found = {}
    for name in names:
        variable = spec.secrets[name].env
        value = base_environment(allow=(variable,)).get(variable)
        if not value:
            raise PermanentError(
                f"the secret {name!r} is not there: the variable {variable} is not set",
                help=f"set {variable} where chimera runs, and apply again",
            )
        context.secrets.add(value)
        found[str(Reference(SECRET, name))] = value
    return found

"""What flows between stages: references, the inputs of operations, and whether types agree.

Owns the faults of values; those of references by themselves are `leading`'s. A value that a
reference will bring is judged by its shape, everything else by the operation's own model. Refuses
to evaluate anything.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chimera.builtin.workflow.faults import Faults
from chimera.builtin.workflow.handling import InsteadSpec
from chimera.builtin.workflow.kinds import InputSpec, StageSpec, WorkflowSpec
from chimera.builtin.workflow.leading import Leads
from chimera.builtin.workflow.references import (
    SECRET,
    Reference,
    Slot,
    parse,
    replace_strings,
    slots,
)
from chimera.builtin.workflow.scope import SECRETS, Scope
from chimera.builtin.workflow.shapes import ANYTHING, STRING, Shape, accepts, of_value
from chimera.builtin.workflow.stages import full_name
from chimera.builtin.workflow.wording import has_type
from chimera.kinds import Model, is_valid, validate_model
from chimera.model import Diagnostic, Place, Route

if TYPE_CHECKING:
    from chimera.runtime import Operation

_LIST = Shape({"anyOf": [{"type": "array"}, {"type": "integer"}]})


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What is known of inputs by themselves, whatever workflow they are part of."""

    slots: tuple[Slot, ...]
    brought: tuple[Slot, ...]
    """The slots with references; none without an operation."""
    typed: tuple[tuple[Slot, Shape], ...]
    """Those of them in which not any text will do, and what the operation wants there."""
    is_valid: bool


@lru_cache(maxsize=1024)  # the stages of a repository resemble one another
def _inputs(written: bytes, model: type[Model] | None) -> _Inputs:
    """Look at inputs, written by `_written`, of a stage whose operation takes `model`, if any."""
    value = marshal.loads(written)  # noqa: S302 - `_written` wrote it a moment ago
    found = slots(value)
    brought = tuple(slot for slot in found if slot.references)
    if model is None:
        return _Inputs(found, (), (), is_valid=True)
    plain = value if len(brought) == len(found) else replace_strings(value, _unescape)
    whole = Shape.of_model(model, "validation") if brought else ANYTHING
    wanted = ((slot, whole.at(slot.route)) for slot in brought)
    typed = tuple(
        (slot, shape)
        for slot, shape in wanted
        if shape is not None and (slot.whole or not accepts(shape, STRING))
    )
    return _Inputs(found, brought, typed, is_valid(model, plain))


def _written(inputs: dict[str, Any]) -> bytes:
    """Return what stands for inputs: in this version of the format equal values have one form."""
    return marshal.dumps(inputs, 2)


class Flow:
    """The values of one workflow, with what is known of them before it runs."""

    def __init__(self, scope: Scope, place: Place, address: str) -> None:
        self._scope = scope
        self._spec: WorkflowSpec = scope.spec
        self._faults = Faults(place, address)
        self._leads = Leads(scope, self._faults)

    def faults(self) -> list[Diagnostic]:
        """Return every fault of defaults, stages' values and the workflow's outputs."""
        for name, given in self._spec.inputs.items():
            self._judge_default(name, given)
        for index, stage in enumerate(self._spec.stages):
            self._judge_stage(index, stage)
        for slot in slots(self._spec.outputs):
            self._leads.judge(slot, ("outputs", *slot.route), None)
        return self._faults.found

    def _judge_default(self, name: str, given: InputSpec) -> None:
        if not given.is_required and not has_type(given.default, given.type):
            self._faults.report(
                "workflow-default-invalid",
                f"the default of the input {name!r} is not of the type {given.type}",
                ("inputs", name, "default"),
                f"write a default of the type {given.type}, or another type",
            )

    def _judge_stage(self, index: int, stage: StageSpec) -> None:
        route = ("stages", index)
        name = self._scope.plain[index]
        if name is not None:
            self._judge_operation(stage.inputs, name, (*route, "inputs"), index)
            return
        if stage.workflow is None:
            self._judge_operation(stage.inputs, stage.operation_name, (*route, "inputs"), index)
        else:
            self._judge_interface(stage.workflow, stage.inputs, route, index)
        for at, value, wanted in _texts(stage):
            self._judge_text(value, wanted, (*route, *at), index)
        if stage.compensate is not None:
            inputs, at = stage.compensate.inputs, (*route, "compensate", "inputs")
            name = full_name(stage.compensate.module, stage.compensate.operation)
            self._judge_operation(inputs, name, at, index, itself=True)
        self._judge_handling(stage, route, index)
        self._judge_outputs(stage, index)

    def _judge_handling(self, stage: StageSpec, route: Route, index: int) -> None:
        handling = stage.error_handling
        if handling is None:
            return
        instead: list[tuple[Route, InsteadSpec]] = [
            (("fallbackActions", n), one)
            for n, one in enumerate(handling.fallback_actions)
            if one.type == "alternative"
        ]
        if handling.rollback_procedure:
            instead.append((("rollbackProcedure",), handling.rollback_procedure))
        for at, one in instead:
            here = (*route, "errorHandling", *at)
            name = full_name(one.module, one.operation)
            self._judge_operation(one.inputs, name, (*here, "inputs"), index)

    def _judge_operation(
        self,
        value: dict[str, Any],
        name: str | None,
        route: Route,
        index: int,
        *,
        itself: bool = False,
    ) -> None:
        """Note what is wrong with the inputs that a stage gives an operation."""
        operation = self._scope.operations.get(name) if name else None
        inputs = _inputs(_written(value), operation.inputs if operation else None)
        if inputs.is_valid and not inputs.slots:
            return
        for slot in inputs.slots:
            self._leads.judge(slot, (*route, *slot.route), index, itself=itself, secrets=True)
        if operation is not None and not inputs.is_valid:
            self._judge_literals(value, operation, route, inputs)
        self._judge_script(name, value, route, inputs)
        for slot, wanted in inputs.typed:
            self._judge_type(slot, wanted, (*route, *slot.route), index, itself=itself)

    def _judge_literals(
        self,
        value: Mapping[str, Any],
        operation: Operation[Model, Model],
        route: Route,
        inputs: _Inputs,
    ) -> None:
        """Note what the operation's model says of the inputs, but not of what is not there yet."""
        place = self._faults.place.at(*route)
        plain = replace_strings(value, _unescape)
        _, found = validate_model(operation.inputs, plain, place, self._faults.address)
        unknown = {(*place.route, *slot.route) for slot in inputs.brought}
        for fault in found:
            at = fault.where.route if isinstance(fault.where, Place) else ()
            if fault.rule == "field-unknown" or at not in unknown:
                self._faults.found.append(fault)

    def _judge_script(
        self, name: str | None, value: Mapping[str, Any], route: Route, inputs: _Inputs
    ) -> None:
        """Note references inside a script: the shell would read what they bring as code."""
        if name != "command" or value.get("shell", False) is False:
            return
        for slot in inputs.brought:
            if slot.route in (("argv",), ("argv", 0)):
                self._faults.report(
                    "workflow-shell-reference",
                    "a reference inside a script: the shell would read the value as code",
                    (*route, *slot.route),
                    'write "$1" in the script, and the reference as the next item of argv',
                )

    def _judge_interface(
        self, address: str, inputs: Mapping[str, Any], route: Route, index: int
    ) -> None:
        """Note what is wrong with the inputs that a stage gives a workflow."""
        for slot in slots(dict(inputs)):
            self._leads.judge(slot, (*route, "inputs", *slot.route), index)
        callee = self._scope.workflows.get(address)
        if callee is None:
            return  # a reference that dangles: told as all others are
        for name, value in inputs.items():
            if name not in callee.inputs:
                self._faults.report(
                    "workflow-input-unknown",
                    f"there is no input {name!r} of {address}",
                    (*route, "inputs", name),
                    self._faults.meant(name, callee.inputs),
                )
                continue
            wanted = Shape({"type": callee.inputs[name].type})
            given = of_value(value, lambda text: self._scope.of_text(text, index))
            if not accepts(wanted, given):
                self._faults.report(
                    "workflow-reference-type",
                    f"the input {name!r} of {address} is {given} here, where {wanted} is wanted",
                    (*route, "inputs", name),
                    "give it a value of that type",
                )
        for name, declared in callee.inputs.items():
            if declared.is_required and name not in inputs:
                self._faults.report(
                    "workflow-input-missing",
                    f"the input {name!r} of {address} has no value",
                    (*route, "workflow"),
                    f"add {name} under inputs",
                )

    def _judge_outputs(self, stage: StageSpec, index: int) -> None:
        """Note outputs that the stage has to give and never can."""
        shape = self._scope.once(stage) if stage.outputs else ANYTHING
        for at, name in enumerate(stage.outputs):
            if shape.member(name) is None:
                self._faults.report(
                    "workflow-output-unknown",
                    f"the stage {stage.id!r} never gives {name!r}",
                    ("stages", index, "outputs", at),
                    self._faults.meant(name, shape.properties),
                )

    def _judge_text(self, value: Any, wanted: Shape, route: Route, index: int) -> None:
        """Note what is wrong with a field of a stage that references can stand in."""
        for slot in slots(value):
            here = (*route, *slot.route)
            self._leads.judge(slot, here, index, item=route[2:] != ("forEach", "items"))
            self._judge_type(slot, ANYTHING if slot.route else wanted, here, index)
        if wanted is _LIST and isinstance(value, str) and not slots(value):
            self._faults.report(
                "workflow-items-invalid",
                f"{value!r} is no list",
                route,
                "refer to a list, as in ${stage.output}, or write the items",
            )

    def _judge_type(
        self,
        slot: Slot,
        wanted: Shape | None,
        where: Route,
        stage: int,
        *,
        itself: bool = False,
    ) -> None:
        given = self._brought(slot.whole, stage, itself=itself) if slot.whole else STRING
        if wanted is None or given is None or accepts(wanted, given):
            return
        text = f"${{{slot.whole}}}" if slot.whole else "a string that contains references"
        self._faults.report(
            "workflow-reference-type",
            f"{text} is {given}, where {wanted} is wanted",
            where,
            "refer to a value of that type"
            if slot.whole
            else "a reference keeps its type only where it is all that the string holds",
        )

    def _brought(self, reference: Reference, stage: int, *, itself: bool) -> Shape | None:
        if reference.source == SECRET and reference.default is None:
            return SECRETS.at(reference.path)
        if not all(self._scope.knows(one.source, stage) for one in reference.alternatives):
            return None
        return self._scope.brought(reference, stage, itself=itself)


def _texts(stage: StageSpec) -> Iterator[tuple[Route, Any, Shape]]:
    """Yield the fields beside inputs in which references can stand, and what they have to be."""
    if stage.for_each:
        yield ("forEach", "items"), stage.for_each.items, _LIST
    if stage.wait:
        yield ("wait", "until"), stage.wait.until, STRING
        yield ("wait", "signal"), stage.wait.signal, STRING
    if stage.confirm:
        yield ("confirm", "question"), stage.confirm.question, STRING
        yield ("confirm", "approvers"), stage.confirm.approvers, _LIST


def _unescape(text: str) -> str:
    """Return what a string is without references, and a string with references as it stands."""
    parts = parse(text)
    return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else text

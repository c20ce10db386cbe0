"""What flows between stages: references, the inputs of operations, and whether types agree.

Owns the faults of values. A value that a reference will bring is judged by its shape, everything
else by the operation's own model. Refuses to evaluate anything.
"""

from __future__ import annotations

import difflib
import marshal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from chimera.builtin.workflow.kinds import InputSpec, StageSpec, WorkflowSpec
from chimera.builtin.workflow.order import Order
from chimera.builtin.workflow.references import (
    INPUT,
    SECRET,
    Malformed,
    Reference,
    Slot,
    parse,
    replace_strings,
    slots,
)
from chimera.builtin.workflow.shapes import ANYTHING, STRING, Shape, accepts
from chimera.kinds import Model, is_valid, validate_model
from chimera.model import Diagnostic, Place, Route

if TYPE_CHECKING:
    from chimera.runtime import Operation

_SECRETS = Shape({"type": "object", "additionalProperties": STRING.schema})


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What is known of a stage's inputs by themselves, whatever workflow the stage is part of."""

    slots: tuple[Slot, ...]
    brought: tuple[tuple[Slot, Shape | None], ...]
    """The slots with references, and what the operation wants there; none without an operation."""
    is_valid: bool


@lru_cache(maxsize=1024)  # the stages of a repository resemble one another
def _inputs(written: bytes, model: type[Model] | None) -> _Inputs:
    """Look at inputs, written by `_written`, of a stage whose operation takes `model`, if any."""
    value = marshal.loads(written)  # noqa: S302 - `_written` wrote it a moment ago
    found = slots(value)
    brought = [slot for slot in found if slot.references]
    if model is None:
        return _Inputs(found, (), is_valid=True)
    plain = value if len(brought) == len(found) else replace_strings(value, _unescape)
    wanted = Shape.of_model(model, "validation") if brought else ANYTHING
    return _Inputs(
        found, tuple((slot, wanted.at(slot.route)) for slot in brought), is_valid(model, plain)
    )


def _written(inputs: dict[str, Any]) -> bytes:
    """Return what stands for inputs: in this version of the format equal values have one form."""
    return marshal.dumps(inputs, 2)


class Flow:
    """The values of one workflow, with what is known of them before it runs."""

    def __init__(
        self,
        spec: WorkflowSpec,
        operations: Mapping[str, Operation[Model, Model]],
        order: Order,
        place: Place,
        address: str,
    ) -> None:
        self._spec = spec
        self._operations = operations
        self._order = order
        self._place = place
        self._address = address
        self._found: list[Diagnostic] = []
        self._position: dict[str, int] = {}
        for index, stage in enumerate(spec.stages):
            self._position.setdefault(stage.id, index)

    @cached_property
    def _inputs(self) -> Shape:
        types = {name: {"type": given.type} for name, given in self._spec.inputs.items()}
        return Shape({"type": "object", "properties": types, "additionalProperties": False})

    def faults(self) -> list[Diagnostic]:
        """Return every fault of defaults, stages' inputs and the workflow's outputs."""
        self._found = []
        for name, given in self._spec.inputs.items():
            self._judge_default(name, given)
        for index, stage in enumerate(self._spec.stages):
            self._judge_stage(index, stage)
        for slot in slots(self._spec.outputs):
            self._judge_slot(slot, ("outputs", *slot.route), None)
        return self._found

    def _judge_default(self, name: str, given: InputSpec) -> None:
        if not given.is_required and not has_type(given.default, given.type):
            self._report(
                "workflow-default-invalid",
                f"the default of the input {name!r} is not of the type {given.type}",
                ("inputs", name, "default"),
                f"write a default of the type {given.type}, or another type",
            )

    def _judge_stage(self, index: int, stage: StageSpec) -> None:
        operation = self._operations.get(stage.operation)
        inputs = _inputs(_written(stage.inputs), operation.inputs if operation else None)
        if inputs.is_valid and not inputs.slots:
            return
        route = ("stages", index, "inputs")
        for slot in inputs.slots:
            self._judge_slot(slot, (*route, *slot.route), index)
        if operation is not None and not inputs.is_valid:
            self._judge_literals(stage.inputs, operation, route, inputs)
        self._judge_script(stage, route, inputs)
        for slot, wanted in inputs.brought:
            self._judge_type(slot, wanted, (*route, *slot.route))

    def _judge_literals(
        self,
        value: Mapping[str, Any],
        operation: Operation[Model, Model],
        route: Route,
        inputs: _Inputs,
    ) -> None:
        """Note what the operation's model says of the inputs, but not of what is not there yet."""
        place = self._place.at(*route)
        plain = replace_strings(value, _unescape)
        _, found = validate_model(operation.inputs, plain, place, self._address)
        unknown = {(*place.route, *slot.route) for slot, _ in inputs.brought}
        for fault in found:
            at = fault.where.route if isinstance(fault.where, Place) else ()
            if fault.rule == "field-unknown" or at not in unknown:
                self._found.append(fault)

    def _judge_script(self, stage: StageSpec, route: Route, inputs: _Inputs) -> None:
        """Note references inside a script: the shell would read what they bring as code."""
        if stage.operation != "command" or stage.inputs.get("shell", False) is False:
            return
        for slot, _ in inputs.brought:
            if slot.route in (("argv",), ("argv", 0)):
                self._report(
                    "workflow-shell-reference",
                    "a reference inside a script: the shell would read the value as code",
                    (*route, *slot.route),
                    'write "$1" in the script, and the reference as the next item of argv',
                )

    def _judge_slot(self, slot: Slot, where: Route, stage: int | None) -> None:
        for part in slot.parts:
            if isinstance(part, Malformed):
                self._report(
                    "workflow-reference-malformed",
                    f"{part.text!r} is no reference",
                    where,
                    "write ${stage.output}, ${input.name} or ${secret.name}, and $${ for a "
                    "literal ${",
                )
            elif isinstance(part, Reference):
                self._judge_reference(part, where, stage)

    def _judge_reference(self, reference: Reference, where: Route, stage: int | None) -> None:
        """Note why a reference, made by the stage at a position or by an output, leads nowhere."""
        if reference.source == SECRET:
            self._judge_secret(reference, where, stage)
            return
        if reference.source != INPUT and reference.source not in self._position:
            self._report_unknown("stage", reference.source, self._position, reference, where)
            return
        if self.shape(reference) is None:
            self._report_nowhere(reference, where)
        if stage is not None and reference.source != INPUT:
            first = self._position[reference.source]
            if not self._order.is_before(first, stage):
                self._report(
                    "workflow-reference-order",
                    f"the stage {reference.source!r} may not have finished when this one starts",
                    where,
                    f"add {reference.source} to the stage's dependencies",
                )

    def _report_nowhere(self, reference: Reference, where: Route) -> None:
        source = self._source(reference)
        member = source.member(reference.name)
        if member is None:
            what = "input" if reference.source == INPUT else "output"
            self._report_unknown(what, reference.name, source.properties, reference, where)
            return
        self._report(
            "workflow-output-unknown",
            f"${{{reference}}} leads nowhere: {reference.name} has nothing at "
            f"{'.'.join(reference.inside)}",
            where,
            f"{reference.name} is {member}",
        )

    def _judge_secret(self, reference: Reference, where: Route, stage: int | None) -> None:
        if reference.name not in self._spec.secrets or reference.inside:
            name = ".".join((reference.name, *reference.inside))
            self._report_unknown("secret", name, self._spec.secrets, reference, where)
        elif stage is None:
            self._report(
                "workflow-secret-exposed",
                f"the secret {reference.name!r} cannot be an output",
                where,
                "outputs are kept in the state: leave the secret out",
            )

    def _report_unknown(
        self, what: str, name: str, known: Iterable[str], reference: Reference, where: Route
    ) -> None:
        owner = f" of {reference.source}" if what == "output" else ""
        listed = ", ".join(sorted(known)) or "none"
        self._report(
            f"workflow-{what}-unknown",
            f"${{{reference}}} leads nowhere: there is no {what} {name!r}{owner}",
            where,
            did_you_mean(name, known, f"there is: {listed}"),
        )

    def _judge_type(self, slot: Slot, wanted: Shape | None, where: Route) -> None:
        given = self.shape(slot.whole) if slot.whole else STRING
        if wanted is None or given is None or accepts(wanted, given):
            return
        text = f"${{{slot.whole}}}" if slot.whole else "a string that contains references"
        self._report(
            "workflow-reference-type",
            f"{text} is {given}, where {wanted} is wanted",
            where,
            "refer to a value of that type"
            if slot.whole
            else "a reference keeps its type only where it is all that the string holds",
        )

    def shape(self, reference: Reference) -> Shape | None:
        """Return the shape of what a reference brings; `None` where it leads nowhere."""
        found = self._source(reference).member(reference.name)
        return found.at(reference.inside) if found and reference.inside else found

    def _source(self, reference: Reference) -> Shape:
        """Return the shape of all inputs, of all secrets, or of all that a stage gives."""
        return self._sources.get(reference.source, ANYTHING)

    @cached_property
    def _sources(self) -> dict[str, Shape]:
        given = {stage.id: self._given(stage) for stage in reversed(self._spec.stages)}
        return {**given, INPUT: self._inputs, SECRET: _SECRETS}

    def _given(self, stage: StageSpec) -> Shape:
        operation = self._operations.get(stage.operation)
        return Shape.of_model(operation.outputs, "serialization") if operation else ANYTHING

    def _report(self, rule: str, message: str, route: Route, help: str) -> None:
        """Note a fault at a route below the spec: no place is made where nothing is wrong."""
        where = self._place.at(*route)
        self._found.append(Diagnostic(rule, message, where, help, address=self._address))


def has_type(value: Any, name: str) -> bool:
    """Tell whether a JSON value has a type of JSON Schema."""
    match value:
        case bool():
            return name == "boolean"
        case int():
            return name in ("integer", "number")
        case float():
            return name == "number"
        case str():
            return name == "string"
        case list() | tuple():
            return name == "array"
        case dict():
            return name == "object"
    return False


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return the help for a misspelt name."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise


def _unescape(text: str) -> str:
    """Return what a string is without references, and a string with references as it stands."""
    parts = parse(text)
    return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else text

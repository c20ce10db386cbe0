"""Scope: what a stage can refer to, and what shape each of these values has before it is there.

Owns the shapes of inputs, items and outputs: of operations, of workflows inside workflows, of
waits, confirmations and switches. Refuses to judge: that is `flow`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from chimera.builtin.workflow.kinds import StageSpec, WorkflowSpec
from chimera.builtin.workflow.order import Order
from chimera.builtin.workflow.presence import Presence
from chimera.builtin.workflow.references import INPUT, SECRET, Reference, parse
from chimera.builtin.workflow.shapes import (
    ANYTHING,
    NULL,
    STRING,
    Shape,
    list_of,
    object_of,
    of_value,
    union_of,
)

if TYPE_CHECKING:
    from chimera.kinds import Model
    from chimera.runtime import Operation

Operations = Mapping[str, "Operation[Model, Model]"]
Workflows = Mapping[str, WorkflowSpec]
"""Workflows by address, that stages can run."""

SECRETS = Shape({"type": "object", "additionalProperties": STRING.schema})
_BOOLEAN = Shape({"type": "boolean"})
CONFIRMED = object_of(
    {"approved": _BOOLEAN, "by": STRING, "at": STRING, "comment": STRING, "request": STRING}
)
_CHOSEN = object_of({"case": STRING})
_PERHAPS_CHOSEN = object_of({"case": union_of((STRING, NULL))})


@lru_cache(maxsize=1024)  # the workflows of a repository resemble one another
def _of_inputs(types: tuple[tuple[str, str], ...]) -> Shape:
    return object_of({name: Shape({"type": type}) for name, type in types})


class Scope:
    """The values of one workflow that its stages can refer to."""

    def __init__(
        self,
        spec: WorkflowSpec,
        operations: Operations,
        order: Order,
        workflows: Workflows,
        results: dict[str, Shape] | None = None,
    ) -> None:
        self.spec = spec
        self.order = order
        self.workflows = workflows
        self.operations = operations
        self._results: dict[str, Shape] = {} if results is None else results
        """What workflows give, by address: however often they are run."""
        self.position: dict[str, int] = {}
        self.is_steady = spec.mode != "conditional"
        """Whether no stage is ever skipped."""
        self.plain = [stage.plain_operation for stage in spec.stages]
        """The operations of the stages that say little else, by position; `None` for others."""
        for index, stage in enumerate(spec.stages):
            self.position.setdefault(stage.id, index)
            if self.plain[index] is None and stage.when is not None:
                self.is_steady = False
        self._items: dict[int, Shape] = {}
        self._given: dict[str, Shape] = {}

    @cached_property
    def presence(self) -> Presence:
        """Which stages may be skipped."""
        return Presence(self.spec, self.order)

    @cached_property
    def inputs(self) -> Shape:
        """The shape of the workflow's own inputs."""
        return _of_inputs(tuple((name, given.type) for name, given in self.spec.inputs.items()))

    def variable(self, stage: int | None) -> str | None:
        """Return the name that a stage has for one item of its list, if it has any."""
        for_each = None if stage is None else self.spec.stages[stage].for_each
        return for_each.as_ if for_each else None

    def knows(self, source: str, stage: int | None) -> bool:
        """Tell whether a reference of a stage can begin with `source`."""
        reserved = source in (INPUT, SECRET)
        return reserved or source in self.position or source == self.variable(stage)

    def source(self, name: str, stage: int | None) -> Shape:
        """Return the shape of all inputs, all secrets, an item, or what a stage gives."""
        if name == INPUT:
            return self.inputs
        if name == SECRET:
            return SECRETS
        if name in self.position or stage is None or name != self.variable(stage):
            return self.given(name)
        return self.item(stage)

    def shape(
        self, reference: Reference, stage: int | None, *, itself: bool = False
    ) -> Shape | None:
        """Return the shape of what a reference brings; `None` where it leads nowhere.

        What follows `??` is left out. With `itself` a stage's own name means what it gave for one
        item.
        """
        source = reference.source
        if itself and stage is not None and self.spec.stages[stage].id == source:
            return self.once(self.spec.stages[stage]).at(reference.path)
        whole = self._given.get(source) if source in self.position else None
        if whole is None or source in (INPUT, SECRET):
            whole = self.source(source, stage)
        path = reference.path
        return whole.member(path[0]) if len(path) == 1 else whole.at(path)

    def brought(
        self, reference: Reference, stage: int | None, *, itself: bool = False
    ) -> Shape | None:
        """Return the shape of what a reference brings with all that follows `??`."""
        found = []
        for one in reference.alternatives:
            shape = self.shape(one, stage, itself=itself)
            if shape is None:
                return None
            found.append(shape if one.default is None else shape.without_null)
        if reference.literal is not None:
            found.append(of_value(reference.literal.value, lambda text: STRING))
        return union_of(found)

    def of_text(self, text: str, stage: int | None) -> Shape:
        """Return the shape of a string, which may be a reference."""
        parts = parse(text)
        only = parts[0] if len(parts) == 1 else None
        return self.brought(only, stage) or ANYTHING if isinstance(only, Reference) else STRING

    def item(self, stage: int) -> Shape:
        """Return the shape of an item of the list that a stage goes through."""
        if stage not in self._items:
            self._items[stage] = ANYTHING  # a list cannot be made of its own items
            for_each = self.spec.stages[stage].for_each
            assert for_each is not None
            whole = of_value(for_each.items, lambda text: self.of_text(text, stage))
            number = Shape({"type": "integer"})
            is_number = whole.branches == number.branches or str(whole) == "integer"
            self._items[stage] = number if is_number else whole.member(0) or ANYTHING
        return self._items[stage]

    def given(self, id: str) -> Shape:
        """Return the shape of what a stage gives when it runs."""
        if id not in self._given:
            self._given[id] = ANYTHING  # while it is worked out: references can go in circles
            index = self.position.get(id)
            if index is not None:
                plain = self.plain[index]
                self._given[id] = (
                    self._of_operation(plain) if plain else self._whole(self.spec.stages[index])
                )
        return self._given[id]

    def _whole(self, stage: StageSpec) -> Shape:
        once = self.once(stage)
        if stage.for_each is None:
            return once
        return list_of(union_of((once, NULL)) if stage.for_each.keep_going else once)

    def once(self, stage: StageSpec) -> Shape:
        """Return the shape of what a stage gives for one item of its list."""
        name = stage.operation_name
        if name:
            return self._of_operation(name)
        if stage.workflow:
            return self._of_workflow(stage.workflow)
        if stage.wait:
            return ANYTHING if stage.wait.signal else STRING
        if stage.confirm:
            return CONFIRMED
        if stage.switch:
            return _CHOSEN if any(c.when is None for c in stage.switch) else _PERHAPS_CHOSEN
        return ANYTHING

    def _of_operation(self, name: str) -> Shape:
        operation = self.operations.get(name)
        return Shape.of_model(operation.outputs, "serialization") if operation else ANYTHING

    def _of_workflow(self, address: str) -> Shape:
        spec = self.workflows.get(address)
        if spec is None:
            return ANYTHING
        if address not in self._results:
            self._results[address] = ANYTHING  # while it is worked out: it may run itself
            inside = Scope(spec, self.operations, Order.of(spec), self.workflows, self._results)
            self._results[address] = object_of(
                {
                    name: of_value(value, lambda text: inside.of_text(text, None))
                    for name, value in spec.outputs.items()
                }
            )
        return self._results[address]

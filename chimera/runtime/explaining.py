"""What `chimera explain` says of operations, and of a name that may be a kind or an operation.

Owns what of an operation is told: its inputs and outputs by their models, and how it bears being
interrupted. Refuses to say anything that is not in the code of the operation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chimera.kinds import Explanation, Registry, explain, explain_model, nearest
from chimera.model import UsageError

LISTING = "operations"
"""What is asked for where all operations are meant."""


@dataclass(frozen=True, slots=True)
class OperationExplanation:
    """An operation: what it does, what it takes, and what it gives."""

    name: str
    aliases: tuple[str, ...]
    room: str
    summary: str
    effects: bool
    on_interrupt: Literal["retry", "probe", "escalate"]
    executor: str
    cacheable: bool
    compensate: str | None
    inputs: Explanation
    outputs: Explanation


def explain_operations(registry: Registry) -> tuple[OperationExplanation, ...]:
    """Explain every registered operation, in order of name."""
    names = sorted({operation.name for operation in registry.operations.values()})
    return tuple(_operation(registry, name) for name in names)


def explain_any(registry: Registry, what: str) -> Explanation | OperationExplanation:
    """Explain an operation or a field of it by its name, or a kind or field by its route.

    `OPERATION.FIELD` is an input, `OPERATION.outputs.FIELD` an output, `Module.TYPE` the
    configuration of a type of module. Raises `UsageError` that suggests the nearest name where
    there is none of those.
    """
    if what in registry.operations:
        return _operation(registry, what)
    kind, _, rest = what.partition(".")
    type_, *inside = rest.split(".")
    if kind.lower() == "module" and type_ in registry.modules:
        return explain_model(registry.modules[type_].configuration, f"Module.{type_}", inside)
    if kind[:1].upper() + kind[1:] in registry.kinds:
        return explain(registry, what)
    if (field := _field_of_operation(registry, what)) is not None:
        return field
    if group := sorted(name for name in registry.operations if name.startswith(f"{what}.")):
        raise UsageError(f"{what} is several operations", help=f"there is: {', '.join(group)}")
    near = _nearer(
        what, nearest(what, (LISTING, *registry.operations)), nearest(kind, registry.kinds)
    )
    raise UsageError(
        f"there is no kind or operation named {what!r}",
        help=f"did you mean {near}?"
        if near
        else "`chimera explain` lists the kinds, and `chimera explain operations` the operations",
    )


def _field_of_operation(registry: Registry, what: str) -> Explanation | None:
    """Explain a field that is named after its operation, or return `None` where that is none."""
    segments = what.split(".")
    for length in range(len(segments) - 1, 0, -1):
        name, inside = ".".join(segments[:length]), segments[length:]
        if name in registry.operations:
            operation = registry.operations[name]
            if inside[0] == "outputs":
                return explain_model(operation.outputs, f"{name}.outputs", inside[1:])
            inside = inside[1:] if inside[0] == "inputs" else inside
            return explain_model(operation.inputs, f"{name}.inputs", inside)
    return None


def _nearer(what: str, operation: str | None, kind: str | None) -> str | None:
    """Return which of an operation and a kind a misspelt name more likely meant."""
    if operation is None or kind is None:
        return operation or kind
    from difflib import SequenceMatcher

    return max(
        (operation, kind), key=lambda n: SequenceMatcher(None, what.lower(), n.lower()).ratio()
    )


def _operation(registry: Registry, name: str) -> OperationExplanation:
    operation = registry.operations[name]
    return OperationExplanation(
        operation.name,
        operation.aliases,
        registry.rooms[name],
        operation.summary,
        operation.effects,
        operation.on_interrupt,
        operation.executor,
        operation.cacheable,
        operation.compensate,
        explain_model(operation.inputs, "inputs"),
        explain_model(operation.outputs, "outputs"),
    )

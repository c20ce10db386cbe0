"""What `explain` says of kinds, fields and operations."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from chimera.kinds import Explanation, FieldInfo, Registry
from chimera.render.paint import Paint, plain, table
from chimera.runtime.explaining import OperationExplanation


def kinds_text(registry: Registry, paint: Paint = plain) -> str:
    """Return a table of all kinds."""
    rows = [(k.name, "record" if k.record else "desired", k.room, k.summary) for k in registry]
    return table(rows, ("KIND", "TYPE", "ROOM", "WHAT IT IS"), paint)


def kinds_json(registry: Registry) -> list[dict[str, Any]]:
    """Return all kinds as JSON."""
    return [
        {"kind": k.name, "record": k.record, "room": k.room, "summary": k.summary} for k in registry
    ]


def operations_text(operations: Sequence[OperationExplanation], paint: Paint = plain) -> str:
    """Return a table of operations."""
    rows = [(operation.name, operation.room, operation.summary) for operation in operations]
    return table(rows, ("OPERATION", "ROOM", "WHAT IT DOES"), paint)


def operations_json(operations: Sequence[OperationExplanation]) -> list[dict[str, Any]]:
    """Return operations as JSON, without their inputs and outputs."""
    return [
        {"operation": operation.name, "room": operation.room, "summary": operation.summary}
        for operation in operations
    ]


def explanation_text(found: Explanation | OperationExplanation, paint: Paint = plain) -> str:
    """Return what a kind, a field or an operation is for, and what it takes."""
    if isinstance(found, OperationExplanation):
        return "\n".join(_operation_lines(found, paint))
    first, *rest = _behind(found.route, found.type)
    lines = [f"{paint(found.route, 'bold')}  {first}", *rest]
    lines += ["", *_wrapped(found.description, 4)]
    return "\n".join([*lines, *_inside(found, paint)])


def _operation_lines(found: OperationExplanation, paint: Paint) -> list[str]:
    lines = [f"{paint(found.name, 'bold')}  operation of {found.room}", ""]
    for said in (found.summary, _INTERRUPTED[found.on_interrupt], *_bearing(found)):
        lines += _wrapped(said, 4)
    for model in (found.inputs, found.outputs):
        lines += ["", paint(model.route.upper(), "bold"), *_wrapped(model.description, 4)]
        lines += _field_lines(model.fields, paint)
    return lines


_INTERRUPTED = {
    "retry": "An attempt that was interrupted is run again, with the same key.",
    "probe": "Of an attempt that was interrupted it is looked up whether it took effect.",
    "escalate": "An attempt that was interrupted is left to a person.",
}


def _bearing(found: OperationExplanation) -> Iterable[str]:
    """Yield what else a stage's author has to know of an operation."""
    if found.aliases:
        yield f"It is called {', '.join(found.aliases)} too."
    if found.cacheable:
        yield "Its outputs follow from its inputs alone and may be kept."
    if found.compensate is not None:
        yield f"{found.compensate} undoes it."


def _inside(found: Explanation, paint: Paint) -> list[str]:
    lines = ["", paint("FIELDS", "bold")] if found.fields else []
    lines += _field_lines(found.fields, paint)
    if found.variants:
        lines += ["", paint("ONE OF", "bold")]
    for variant in found.variants:
        lines += ["", f"  {paint(variant.name, 'bold')}", *_wrapped(variant.description, 6)]
        lines += [f"  {line}" for line in _field_lines(variant.fields, paint)]
    return lines


def _field_lines(fields: Iterable[FieldInfo], paint: Paint) -> list[str]:
    lines = []
    for field in fields:
        note = "required" if field.required else _default(field.default)
        said = f"{field.type}{f'  ({note})' if note else ''}"
        first, *rest = _behind(f"  {field.name}", said)
        lines += [f"  {paint(field.name, 'accent')}  {first}", *rest]
        lines += _wrapped(field.description, 6)
    return lines


def _behind(name: str, text: str) -> list[str]:
    """Return what stands two spaces behind a name, in lines."""
    before = " " * (len(name) + 2)
    first, *rest = textwrap.wrap(text, 92, initial_indent=before, subsequent_indent=" " * 6)
    return [first.removeprefix(before), *rest]


def _wrapped(text: str, indent: int) -> list[str]:
    margin = " " * indent
    words = " ".join(text.split())  # a docstring brings its own line ends
    return textwrap.wrap(words, 92, initial_indent=margin, subsequent_indent=margin)


def _default(value: Any) -> str:
    if value in (None, [], {}, "") or isinstance(value, dict):
        return ""
    return f"default {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"


def explanation_json(found: Explanation | OperationExplanation) -> dict[str, Any]:
    """Return an explanation as JSON."""
    if isinstance(found, Explanation):
        return asdict(found)
    return {
        "operation": found.name,
        "aliases": list(found.aliases),
        "room": found.room,
        "summary": found.summary,
        "effects": found.effects,
        "onInterrupt": found.on_interrupt,
        "executor": found.executor,
        "cacheable": found.cacheable,
        "compensate": found.compensate,
        "inputs": asdict(found.inputs),
        "outputs": asdict(found.outputs),
    }

"""A document as a commented outline: what is given stands live, what is optional as a comment.

Owns how a value and the schema of its kind become YAML that a newcomer can read. Refuses to choose
values.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from chimera.builtin.scaffold.blanks import Blanks

_WIDTH = 98
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_ENVELOPE = ("apiVersion", "kind", "metadata", "spec")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def outline(schema: Mapping[str, Any], value: Mapping[str, Any], blanks: Blanks) -> str:
    """Return `value` as YAML, with the description of every field of `schema` above it."""
    return "\n".join(_mapping(schema, value, blanks, "")) + "\n"


def _mapping(
    node: Mapping[str, Any],
    value: Mapping[str, Any],
    blanks: Blanks,
    indent: str,
    *,
    described: bool = True,
) -> Iterator[str]:
    fields = node["properties"]
    for name, field in fields.items():
        if described and "const" not in field and name not in _ENVELOPE:
            yield from _comment(field.get("description", ""), indent)
        if name in value:
            yield from _entry(name, field, value[name], blanks, indent)
        else:
            yield f"{indent}# {name}: {flow(blanks.shown(field))}"
    for name in (name for name in value if name not in fields):  # validation has let it pass
        yield f"{indent}{flow(name)}: {flow(value[name])}"


def _entry(
    name: str, field: Mapping[str, Any], value: Any, blanks: Blanks, indent: str
) -> Iterator[str]:
    model = _model(field, value, blanks)
    items = _models(field, value, blanks)
    if model is not None and value:
        yield f"{indent}{name}:"
        # The metadata of one kind is that of every other: its names are enough.
        described = name != "metadata"
        yield from _mapping(model, value, blanks, indent + "  ", described=described)
    elif items:
        yield f"{indent}{name}:"
        for inner, item in zip(items, value, strict=True):
            yield from _item(list(_mapping(inner, item, blanks, "")), indent + "  ")
    else:
        yield f"{indent}{name}: {flow(value)}"


def _item(lines: list[str], indent: str) -> Iterator[str]:
    """Yield the lines of a list's item, the comments of its first field above the dash."""
    first = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if first == len(lines):
        yield f"{indent}- {{}}"
        return
    yield from (f"{indent}{line}" for line in lines[:first])
    yield f"{indent}- {lines[first]}"
    yield from (f"{indent}  {line}" for line in lines[first + 1 :])


def _model(node: Mapping[str, Any], value: Any, blanks: Blanks) -> Mapping[str, Any] | None:
    """Return the schema of the fields of `value`, if it is an object with fields of its own."""
    if not isinstance(value, Mapping):
        return None
    models = [branch for branch in blanks.branches(node) if branch.get("properties")]
    fitting = (m for m in models if value.keys() <= m["properties"].keys())
    return next(fitting, models[0] if models else None)


def _models(node: Mapping[str, Any], value: Any, blanks: Blanks) -> list[Mapping[str, Any]]:
    """Return one schema an item, where `value` is a list of such objects; else nothing."""
    if not isinstance(value, list) or not value:
        return []
    lists = [b["items"] for b in blanks.branches(node) if isinstance(b.get("items"), Mapping)]
    found = [_model(lists[0], item, blanks) for item in value] if lists else []
    return [model for model in found if model is not None] if all(found) else []


def _comment(text: str, indent: str) -> Iterator[str]:
    mark = f"{indent}# "
    yield from textwrap.wrap(text, _WIDTH, initial_indent=mark, subsequent_indent=mark)


def flow(value: Any) -> str:
    """Return a value on one line, text without quotes where every reader takes it for text."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    return json.dumps(value, ensure_ascii=False)

"""`chimera explain`: what a kind is for and what each of its fields takes, from the models."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chimera.kinds.kind import Kind
from chimera.kinds.registry import Registry
from chimera.kinds.schema import kind_schema
from chimera.model import UsageError


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field as `explain` shows it."""

    name: str
    type: str
    required: bool
    default: Any
    description: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A kind or one of its fields: what it is, what type it has, and the fields inside it."""

    route: str
    type: str
    description: str
    fields: tuple[FieldInfo, ...]
    record: bool


def explain(registry: Registry, route: str) -> Explanation:
    """Explain `KIND` or `KIND.FIELD.FIELD`; fields inside `spec` may leave `spec` out.

    Raises `UsageError` that suggests the nearest name where there is no such kind or field.
    """
    name, *segments = route.split(".")
    kind = registry.kinds.get(name) or registry.kinds.get(name[:1].upper() + name[1:])
    if kind is None:
        raise _unknown("kind", name, registry.kinds)
    schema = kind_schema(kind)
    if segments and segments[0] not in schema["properties"]:
        segments.insert(0, "spec")
    node: dict[str, Any] = schema
    for segment in segments:
        node = _step(schema, node, segment, kind)
    shown = ".".join((kind.name, *segments))
    target = _object(schema, node) or {}
    description = _description(schema, node) or target.get("description", "")
    fields = _fields(schema, target)
    if not segments:
        description = kind.summary
        inside = _fields(schema, _object(schema, schema["properties"]["spec"]) or {})
        fields += tuple(replace(field, name=f"spec.{field.name}") for field in inside)
    return Explanation(shown, _type(schema, node), description, fields, kind.record)


def _step(schema: dict[str, Any], node: dict[str, Any], segment: str, kind: Kind) -> dict[str, Any]:
    target = _object(schema, node)
    fields: Mapping[str, dict[str, Any]] = (target or {}).get("properties", {})
    if segment not in fields:
        raise _unknown(f"field in {kind.name}", segment, fields)
    return fields[segment]


def _unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    listed = ", ".join(names) or "nothing inside it"
    return UsageError(
        f"there is no {what} named {name!r}",
        help=f"did you mean {near[0]}?" if near else f"there is: {listed}",
    )


def _object(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any] | None:
    """Return the object schema that a field leads to, through references, lists and options."""
    if "$ref" in node:
        return _object(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    if "properties" in node:
        return node
    inner = [node["items"]] if isinstance(node.get("items"), dict) else []
    if isinstance(node.get("additionalProperties"), dict):
        inner.append(node["additionalProperties"])
    branches = (*inner, *node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ()))
    objects = [found for branch in branches if (found := _object(schema, branch)) is not None]
    if not objects:
        return None
    merged: dict[str, Any] = {}
    for found in objects:
        for name, field in found["properties"].items():
            merged[name] = _either(merged[name], field) if name in merged else field
    required = set.intersection(*(set(found.get("required", ())) for found in objects))
    return {**objects[0], "properties": merged, "required": sorted(required)}


def _either(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return a field that one of several objects has like this and another like that."""
    if first == second:
        return first
    branches = [*(first.get("anyOf") or [first]), second]
    return {"anyOf": branches, "description": first.get("description", "")}


def _fields(schema: dict[str, Any], target: dict[str, Any]) -> tuple[FieldInfo, ...]:
    required = set(target.get("required", ()))
    return tuple(
        FieldInfo(
            name,
            _type(schema, node),
            name in required,
            node.get("default"),
            _description(schema, node),
        )
        for name, node in target.get("properties", {}).items()
    )


def _description(schema: dict[str, Any], node: dict[str, Any]) -> str:
    """Return what a field is for; one that says the same as its model leaves it to the model."""
    if "description" in node or "$ref" not in node:
        return str(node.get("description", ""))
    return _description(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])


def _type(schema: dict[str, Any], node: dict[str, Any]) -> str:
    if "$ref" in node:
        return _type(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    if "const" in node:
        return repr(node["const"])
    if "enum" in node:
        return " | ".join(map(str, node["enum"]))
    branches = node.get("anyOf") or node.get("oneOf")
    if branches:
        names = dict.fromkeys(_type(schema, branch) for branch in branches)
        return " | ".join(name for name in names if name != "null")
    if node.get("type") == "array":
        return f"list of {_type(schema, node.get('items', {}))}"
    if node.get("type") == "object" and isinstance(node.get("additionalProperties"), dict):
        return f"map of {_type(schema, node['additionalProperties'])}"
    return str(node.get("type", "any"))

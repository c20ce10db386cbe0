"""`chimera explain`: what a kind or a model is for and what its fields take, from the models.

Where a field takes one of several models, each is a variant with fields of its own, and its tag
leads to it: `Proof.steps.pytest.paths`. Refuses names that there are none of, with the nearest that
there is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chimera.kinds.fields import Model
from chimera.kinds.registry import Registry
from chimera.kinds.schema import kind_schema, model_schema
from chimera.kinds.wording import nearest
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
class Variant:
    """One of several models that a field takes, named by the value that tells it apart."""

    name: str
    description: str
    fields: tuple[FieldInfo, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A kind or one of its fields: what it is, what type it has, and the fields inside it.

    What takes one of several models has `variants` instead of `fields`.
    """

    route: str
    type: str
    description: str
    fields: tuple[FieldInfo, ...]
    record: bool
    variants: tuple[Variant, ...] = ()


def explain(registry: Registry, route: str) -> Explanation:
    """Explain `KIND` or `KIND.FIELD.FIELD`; fields inside `spec` may leave `spec` out.

    After a field that takes one of several models, a segment may be the tag of one of them.
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
        node = _step(schema, node, segment, kind.name)
    shown = ".".join((kind.name, *segments))
    if not segments:
        fields = _fields(schema, schema)
        for spec in _objects(schema, schema["properties"]["spec"]):
            fields += tuple(replace(f, name=f"spec.{f.name}") for f in _fields(schema, spec))
        return Explanation(shown, "object", kind.summary, fields, kind.record)
    return _explained(shown, schema, node, record=kind.record)


def explain_model(model: type[Model], name: str, segments: Sequence[str] = ()) -> Explanation:
    """Explain a model that is no kind, such as the inputs of an operation, or a field inside it."""
    schema = model_schema(model)
    node: dict[str, Any] = schema
    for segment in segments:
        node = _step(schema, node, segment, name)
    return _explained(".".join((name, *segments)), schema, node, record=False)


def _explained(
    route: str, schema: dict[str, Any], node: dict[str, Any], *, record: bool
) -> Explanation:
    targets = _objects(schema, node)
    only = targets[0] if len(targets) == 1 else {}
    description = _description(schema, node) or only.get("description", "")
    variants = tuple(_variant(schema, target) for target in targets if not only)
    type_ = _type(schema, node)
    return Explanation(route, type_, description, _fields(schema, only), record, variants)


def _variant(schema: dict[str, Any], target: dict[str, Any]) -> Variant:
    field, tag = _tag(target)
    name = f"{field}: {tag}" if field else tag.replace("-", " ")
    return Variant(name, target.get("description", ""), _fields(schema, target))


def _tag(target: dict[str, Any]) -> tuple[str, str]:
    """Return the field that tells a variant apart and what it says, or no field and its title."""
    for name, field in target["properties"].items():
        if "const" in field:
            return name, str(field["const"])
    return "", re.sub(r"\B([A-Z])", r"-\1", target["title"]).lower()


def _step(schema: dict[str, Any], node: dict[str, Any], segment: str, where: str) -> dict[str, Any]:
    """Return the variant that `segment` is the tag of, or the field of that name.

    Several variants can have a field like this or that.
    """
    targets = _objects(schema, node)
    variants = {_tag(target)[1]: target for target in targets} if len(targets) > 1 else {}
    if segment in variants:  # before a field of that name, which it leads to as well
        return variants[segment]
    found: list[dict[str, Any]] = [
        t["properties"][segment] for t in targets if segment in t["properties"]
    ]
    if not found:
        known = {*variants, *(name for target in targets for name in target["properties"])}
        raise _unknown(f"field in {where}", segment, known)
    if all(field == found[0] for field in found):
        return found[0]
    described = dict.fromkeys(_description(schema, field) for field in found)
    branches = [branch for field in found for branch in field.get("anyOf", (field,))]
    return {"anyOf": branches, "description": " Or: ".join(described)}


def _unknown(what: str, name: str, known: Collection[str]) -> UsageError:
    near = nearest(name, known)
    listed = ", ".join(sorted(known)) or "nothing inside it"
    return UsageError(
        f"there is no {what} named {name!r}",
        help=f"did you mean {near}?" if near else f"there is: {listed}",
    )


def _objects(schema: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the object schemas that a field leads to by references, lists, maps and options."""
    if "$ref" in node:
        return _objects(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    if "properties" in node:
        return [node]
    inner = [node["items"]] if isinstance(node.get("items"), dict) else []
    values = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    inner += (each for each in values if isinstance(each, dict))  # a map, of keys of any form
    branches = (*inner, *node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ()))
    found: list[dict[str, Any]] = []
    for branch in branches:
        found += (each for each in _objects(schema, branch) if each not in found)
    return found


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
        constant = node["const"]
        return repr(constant) if isinstance(constant, str) else json.dumps(constant)
    if "enum" in node:
        return " | ".join(map(str, node["enum"]))
    branches = node.get("anyOf") or node.get("oneOf")
    if branches:
        names = dict.fromkeys(_type(schema, branch) for branch in branches)
        return " | ".join(name for name in names if name != "null")
    if node.get("type") == "array":
        return f"list of {_type(schema, node.get('items', {}))}"
    values = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    if node.get("type") == "object" and isinstance(values[0], dict):
        return f"map of {_type(schema, values[0])}"
    return str(node.get("type", "any"))

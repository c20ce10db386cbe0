"""Shapes: what is known of a value before it is there, as JSON Schema says it.

Owns whether a value of one shape can stand where another is expected. Compares types and what
arrays and objects hold; patterns, bounds and enumerations are left to the run, which checks them.
Refuses to guess: where a schema says nothing, anything fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Any, Literal

from chimera.kinds import Model
from chimera.model import Route, Segment

_DEEP = 16  # a schema can contain itself
_MOST_ITEMS = 100  # of a literal list these are looked at
_PROSE = frozenset({"description", "title", "default", "examples"})


@dataclass(frozen=True, eq=False)
class Shape:
    """A JSON Schema, with the definitions that its references lead to.

    Keeps what it was asked: the shapes of operations are asked the same for every workflow. So each
    is one of its own, whatever the schema.
    """

    schema: Mapping[str, Any]
    definitions: Mapping[str, Any] = field(default_factory=dict)
    _members: dict[Segment, Shape | None] = field(default_factory=dict, init=False, compare=False)

    @staticmethod
    @cache
    def of_model(model: type[Model], mode: Literal["validation", "serialization"]) -> Shape:
        """Return the shape that `model` takes (`validation`) or gives (`serialization`)."""
        schema = model.model_json_schema(by_alias=True, mode=mode)
        return Shape(schema, schema.get("$defs", {}))

    def inner(self, schema: Mapping[str, Any]) -> Shape:
        """Return the shape of a part of this one."""
        return Shape(schema, self.definitions)

    @cached_property
    def branches(self) -> tuple[Shape, ...]:
        """The alternatives, each with one type or none: one for a shape that is no union."""
        schema = self.schema
        if "$ref" in schema:
            return self.inner(self.definitions[schema["$ref"].rpartition("/")[2]]).branches
        union = schema.get("anyOf") or schema.get("oneOf")
        if union:
            return tuple(branch for one in union for branch in self.inner(one).branches)
        types = schema.get("type")
        if isinstance(types, list):
            return tuple(self.inner({**schema, "type": name}) for name in types)
        return (self,)

    @cached_property
    def properties(self) -> tuple[str, ...]:
        """The names that a reference into the value can use."""
        return tuple(
            name for branch in self.branches for name in branch.schema.get("properties", {})
        )

    def member(self, segment: Segment) -> Shape | None:
        """Return the shape of what stands at a key or an index; `None` where nothing can."""
        if segment not in self._members:
            self._members[segment] = self._any_member(segment)
        return self._members[segment]

    def _any_member(self, segment: Segment) -> Shape | None:
        found = [shape for branch in self.branches if (shape := branch._member(segment))]
        if len(found) > 1:
            return self.inner({"anyOf": [dict(shape.schema) for shape in found]})
        return found[0] if found else None

    def _member(self, segment: Segment) -> Shape | None:
        kind = self.schema.get("type")
        if kind is None:
            return ANYTHING
        if kind == "array":
            is_index = isinstance(segment, int) or segment.isdecimal()
            return self.inner(self.schema.get("items", {})) if is_index else None
        if kind == "object":
            properties = self.schema.get("properties", {})
            if segment in properties:
                return self.inner(properties[segment])
            rest = self.schema.get("additionalProperties", {})
            return None if rest is False else self.inner({} if rest is True else rest)
        return None

    def at(self, route: Route) -> Shape | None:
        """Return the shape of what stands at `route`; `None` where nothing can."""
        shape: Shape | None = self
        for segment in route:
            shape = shape.member(segment) if shape else None
        return shape

    def __str__(self) -> str:
        return " or ".join(dict.fromkeys(b.schema.get("type", "anything") for b in self.branches))

    @cached_property
    def inlined(self) -> Mapping[str, Any]:
        """The schema without references to definitions, to be part of another one."""
        found: Mapping[str, Any] = _inlined(self.schema, self.definitions, 0)
        return found

    @cached_property
    def without_null(self) -> Shape:
        """What it is where it is not null."""
        rest = [b for b in self.branches if b.schema.get("type") != "null"]
        if len(rest) == len(self.branches) or not rest:
            return self
        return union_of(rest)


def _inlined(schema: Any, definitions: Mapping[str, Any], depth: int) -> Any:
    if depth > _DEEP * 2:
        return {}
    if isinstance(schema, dict):
        if "$ref" in schema:
            target = definitions.get(schema["$ref"].rpartition("/")[2], {})
            return _inlined(target, definitions, depth + 1)
        return {
            key: _inlined(item, definitions, depth + 1)
            for key, item in schema.items()
            if key not in _PROSE
        }
    if isinstance(schema, list):
        return [_inlined(item, definitions, depth + 1) for item in schema]
    return schema


ANYTHING = Shape({})
STRING = Shape({"type": "string"})
NULL = Shape({"type": "null"})


def union_of(shapes: Iterable[Shape]) -> Shape:
    """Return the shape of what has one of these."""
    found = list({id(shape): shape for shape in shapes}.values())
    if not found or any(shape is ANYTHING for shape in found):
        return ANYTHING
    if len(found) == 1:
        return found[0]
    return Shape({"anyOf": [dict(shape.inlined) for shape in found]})


def list_of(item: Shape) -> Shape:
    """Return the shape of a list of such items."""
    return Shape({"type": "array", "items": dict(item.inlined)})


def object_of(members: Mapping[str, Shape], required: Iterable[str] | None = None) -> Shape:
    """Return the shape of an object with just these members, all of them unless some are named."""
    return Shape(
        {
            "type": "object",
            "properties": {name: dict(shape.inlined) for name, shape in members.items()},
            "required": list(members if required is None else required),
            "additionalProperties": False,
        }
    )


_SCALARS = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}


def of_value(value: Any, string: Callable[[str], Shape]) -> Shape:
    """Return the shape of a JSON value whose strings have the shapes that `string` says."""
    if isinstance(value, str):
        return string(value)
    if isinstance(value, dict):
        return object_of({name: of_value(item, string) for name, item in value.items()})
    if isinstance(value, (list, tuple)):
        return list_of(union_of(of_value(item, string) for item in value[:_MOST_ITEMS]))
    return Shape({"type": _SCALARS[type(value)]})


@lru_cache(maxsize=4096)
def accepts(target: Shape, source: Shape, depth: int = 0) -> bool:
    """Tell whether every value of the shape `source` has a type that `target` takes."""
    if depth > _DEEP:
        return True
    return all(
        any(_branch_accepts(into, out, depth + 1) for into in target.branches)
        for out in source.branches
    )


def _branch_accepts(into: Shape, out: Shape, depth: int) -> bool:
    wanted, given = into.schema.get("type"), out.schema.get("type")
    if wanted is None or given is None:
        return True
    if wanted != given:
        return (wanted, given) == ("number", "integer")
    if wanted == "array":
        wanted_item, given_item = (s.inner(s.schema.get("items", {})) for s in (into, out))
        return accepts(wanted_item, given_item, depth)
    if wanted == "object":
        return _object_accepts(into, out, depth)
    return True


def _object_accepts(into: Shape, out: Shape, depth: int) -> bool:
    needed, promised = into.schema.get("required", ()), out.schema.get("required", ())
    if out.schema.get("additionalProperties") is False and not set(needed) <= set(promised):
        return False
    for name, schema in out.schema.get("properties", {}).items():
        place = into.member(name)
        if place is None or not accepts(place, out.inner(schema), depth):
            return False
    rest = out.schema.get("additionalProperties", {})
    into_rest = into.schema.get("additionalProperties", {})
    if isinstance(rest, dict) and isinstance(into_rest, dict):
        return accepts(into.inner(into_rest), out.inner(rest), depth)
    return True

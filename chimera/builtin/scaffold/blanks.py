"""What can stand in a field that nobody has given: candidates by its JSON Schema, best first.

Refuses to know any kind: validators that a schema cannot express are met by trying the next
candidate, which is `drafting`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from chimera.kinds import API_VERSION
from chimera.model import Route

_DEEP = 12  # a schema can contain itself


class Blanks:
    """The required fields of one schema, filled in; `choices` holds what else each could be."""

    def __init__(self, schema: Mapping[str, Any], today: date) -> None:
        self._definitions: Mapping[str, Any] = schema.get("$defs", {})
        self._texts = _texts(today)
        self.choices: dict[Route, list[Any]] = {}

    def branches(self, node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the alternatives of a node, references followed and null left out."""
        if "$ref" in node:
            return self.branches(self._definitions[node["$ref"].rpartition("/")[2]])
        union = node.get("anyOf") or node.get("oneOf") or node.get("allOf")
        if union:
            return [found for branch in union for found in self.branches(branch)]
        return [] if node.get("type") == "null" else [node]

    def fill(self, node: Mapping[str, Any], route: Route) -> Any:
        """Return a value for a node at `route`, with one item in each list that is required."""
        first, *_ = self.branches(node) or [node]
        if first.get("type") == "object":
            if node.get("examples"):
                return node["examples"][0]
            properties = first.get("properties", {})
            required = first.get("required", ())
            if not required:
                return _first_default(properties)
            return {name: self.fill(properties[name], (*route, name)) for name in required}
        if first.get("type") == "array":
            if len(route) > _DEEP:
                return []
            count = max(1, first.get("minItems", 1))
            return [self.fill(first.get("items", {}), (*route, i)) for i in range(count)]
        self.choices[route] = list(self.candidates(node))
        return self.choices[route].pop(0)

    def candidates(self, node: Mapping[str, Any]) -> Iterator[Any]:
        """Yield what could stand at a node, best first; at least one value."""
        yield from node.get("examples", ())
        nothing = True
        for branch in self.branches(node):
            for value in _values(branch, self._texts):
                nothing = False
                yield value
        if nothing:
            yield self._texts[0]

    def shown(self, node: Mapping[str, Any]) -> Any:
        """Return what a commented line shows of an optional field: its default, or a candidate."""
        if node.get("default") is not None:
            return node["default"]
        first, *_ = self.branches(node) or [node]
        if first.get("type") in ("object", "array"):
            return {} if first["type"] == "object" else []
        return next(self.candidates(node))


def _first_default(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first field that has a default: a start where nothing is required."""
    defaults = ((name, field.get("default")) for name, field in properties.items())
    return dict(next(([found] for found in defaults if found[1] is not None), []))


def _values(node: Mapping[str, Any], texts: tuple[str, ...]) -> Iterator[Any]:
    if "const" in node:
        yield node["const"]
    elif "enum" in node:
        yield from node["enum"]
    else:
        yield from node.get("examples", ())
        kind = node.get("type")
        if kind == "boolean":
            yield from (False, True)
        elif kind in ("integer", "number"):
            yield from _numbers(node)
        elif kind in ("string", None):
            yield from (text for text in texts if _fits(text, node))


def _numbers(node: Mapping[str, Any]) -> Iterator[float]:
    """Yield numbers around the bounds: round ones first."""
    low, high = node.get("minimum"), node.get("maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    bounds = (low, high, None if above is None else above + 1, None if below is None else below - 1)
    for number in (1, 0, 2, 10, *(b for b in bounds if b is not None), 0.5, -1):
        small = (low is not None and number < low) or (above is not None and number <= above)
        large = (high is not None and number > high) or (below is not None and number >= below)
        if not small and not large:
            yield number


def _fits(text: str, node: Mapping[str, Any]) -> bool:
    if not node.get("minLength", 0) <= len(text) <= node.get("maxLength", len(text)):
        return False
    try:
        return re.search(node.get("pattern", ""), text) is not None
    except re.error:  # a pattern in another dialect: the validator will say
        return True


def _texts(today: date) -> tuple[str, ...]:
    """Return texts of the shapes that fields ask for; the first is found again by searching."""
    return (
        "to-be-written",
        "to_be_written",
        "ToBeWritten",
        "Kind/to-be-written",
        "contract/layer",
        today.isoformat(),
        f"{today.isoformat()}T00:00:00Z",
        "15m",
        "src/**",
        "0 6 * * *",
        "1.0.0",
        "https://example.org/",
        "someone@example.org",
        "sha256:" + "0" * 64,
        "0" * 40,
        "0" * 64,
        API_VERSION,
        "1",
        "a",
        "A",
        "0",
    )

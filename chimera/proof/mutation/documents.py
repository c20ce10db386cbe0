"""Changes of YAML: numbers, booleans, texts, items and keys; words by others of their schema.

Refuses what names a document (its apiVersion, kind and metadata): another document is no mutant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from chimera.documents import edit, parse, splice
from chimera.kinds import Registry, kind_schema, validate_model
from chimera.model import Place, Segment, has_errors
from chimera.proof.mutation.change import Revision

Route = tuple[Segment, ...]


def changes(path: str, content: bytes, registry: Registry) -> Iterator[Revision]:
    """Yield every change of a YAML file; none of one that cannot be read."""
    documents, _ = parse(path, content)
    for document in documents:
        kind = registry.kinds.get(str(document.value.get("kind")))
        schema = _Schema(kind_schema(kind)) if kind is not None else None
        own = {"spec": document.value["spec"]} if "spec" in document.value else {}
        for route, part in _walk(own if kind is not None else document.value, ()):
            place = Place(path, document.index, route)
            yield from _revisions(place, part, schema.words_at(route) if schema else ())


def is_valid(path: str, content: bytes, registry: Registry) -> bool:
    """Tell whether a file still holds documents, each valid as its kind."""
    documents, faults = parse(path, content)
    if has_errors(faults) or not documents:
        return False
    for document in documents:
        kind = registry.kinds.get(str(document.value.get("kind")))
        if kind is not None:
            place = Place(path, document.index, ("spec",))
            if has_errors(validate_model(kind.spec, document.value.get("spec"), place, None)[1]):
                return False
    return True


def _walk(value: Any, route: Route) -> Iterator[tuple[Route, Any]]:
    """Yield everything inside a value with the way to it, but for the value itself."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in items:
        yield (*route, key), part
        if isinstance(part, dict | list):
            yield from _walk(part, (*route, key))


def _revisions(place: Place, part: Any, words: tuple[str, ...]) -> Iterator[Revision]:
    name = ".".join(map(str, place.route))
    if place.route != ("spec",):
        removal = partial(edit, change=_removal(place.route), index=place.index)
        yield Revision(removal, f"{name} is removed")
    for other, label in _others(part, words):
        yield Revision(partial(splice, place=place, value=other), f"{name} {label}")


def _others(part: Any, words: tuple[str, ...]) -> Iterator[tuple[Any, str]]:
    """Yield the scalars that stand near one."""
    match part:
        case bool():
            yield not part, f"becomes {str(not part).lower()}"
        case int() | float():
            yield part + 1, "is one more"
            yield part - 1, "is one less"
        case str() if part in words:
            neighbour = words[(words.index(part) + 1) % len(words)]
            yield neighbour, f"becomes {neighbour}"
        case str() if part:
            yield "", "is emptied"


def _removal(route: Route) -> Callable[[Any], None]:
    def remove(document: Any) -> None:
        for segment in route[:-1]:
            document = document[segment]
        del document[route[-1]]

    return remove


class _Schema:
    """The words that a kind's fields choose between."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._definitions = schema.get("$defs", {})

    def words_at(self, route: Route) -> tuple[str, ...]:
        """Return the texts that may stand at a route of the spec, where they are listed."""
        parts = [self._schema]
        for segment in route:
            parts = [inner for part in self._each(parts) for inner in _inside(part, segment)]
        found: dict[str, None] = {}
        for part in self._each(parts):
            listed = [*part.get("enum", ()), *([part["const"]] if "const" in part else ())]
            found |= dict.fromkeys(word for word in listed if isinstance(word, str))
        return tuple(found) if len(found) > 1 else ()

    def _each(self, parts: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Yield schemas with what they refer to and choose between."""
        for part in parts:
            if "$ref" in part:
                name = part["$ref"].rpartition("/")[2]
                yield from self._each([self._definitions.get(name, {})])
            yield part
            for choice in ("anyOf", "oneOf", "allOf"):
                yield from self._each(part.get(choice, []))


def _inside(schema: Mapping[str, Any], segment: Segment) -> Iterator[Mapping[str, Any]]:
    if isinstance(segment, int):
        if isinstance(schema.get("items"), dict):
            yield schema["items"]
    elif segment in schema.get("properties", {}):
        yield schema["properties"][segment]
    elif isinstance(schema.get("additionalProperties"), dict):
        yield schema["additionalProperties"]

"""Merge keys (`<<`), as YAML 1.1 has them, in values and in the nodes that places are found in.

A mapping's own fields win over merged ones, and of several merged mappings the first. Refuses to
merge anything but mappings, and more than a file's aliases may stand for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chimera.model import Diagnostic, Place, Route

KEY = "<<"
MAX_REPLAYED = 20_000  # values that aliases, and fields that merge keys, may stand for in one file
_TAG = "tag:yaml.org,2002:merge"


class _TooManyError(Exception):
    """Merge keys stand for too many fields; carries the route of the mapping where they do."""

    def __init__(self, route: Route) -> None:
        super().__init__(KEY)
        self.route = route


def merge(place: Place, value: Any) -> tuple[Any, list[Diagnostic]]:
    """Return the value of a document with every merge key merged, and what cannot be.

    No key `<<` in it may mean anything else.
    """
    merger = _Merger()
    try:
        merged = merger.value(value, ())
    except _TooManyError as error:
        fault = Diagnostic(
            "yaml-too-many-aliases",
            f"merge keys stand for more than {MAX_REPLAYED} fields",
            place.at(*error.route, on="key"),
            "write the fields out",
        )
        return value, [fault]
    return merged, [_not_mergeable(place.at(*route)) for route in merger.refused]


def _not_mergeable(place: Place) -> Diagnostic:
    return Diagnostic(
        "yaml-merge-key",
        "'<<' merges mappings, and this is none",
        place,
        "give it a mapping, or a list of mappings",
    )


class _Merger:
    """Merges in one document; how deep it goes is bounded where documents are read."""

    def __init__(self) -> None:
        self._room = MAX_REPLAYED
        self.refused: list[Route] = []

    def value(self, value: Any, route: Route) -> Any:
        """Return a value with all in it merged."""
        if type(value) is list:
            return [self.value(item, (*route, number)) for number, item in enumerate(value)]
        if type(value) is not dict:
            return value
        found = {k: self.value(item, (*route, k)) for k, item in value.items() if k != KEY}
        if KEY in value:
            for where, source in self._sources(value[KEY], (*route, KEY)):
                self._take(found, source, where)
        return found

    def _sources(self, named: Any, route: Route) -> Iterator[tuple[Route, Any]]:
        if type(named) is list:
            yield from (((*route, number), source) for number, source in enumerate(named))
        else:
            yield route, named

    def _take(self, found: dict[str, Any], source: Any, route: Route) -> None:
        if type(source) is not dict:
            self.refused.append(route)
            return
        merged = self.value(source, route)
        self._room -= len(merged)
        if self._room < 0:
            raise _TooManyError(route)
        for key, item in merged.items():
            found.setdefault(key, item)


def fields_of(node: Any) -> dict[str, tuple[Any, Any]]:
    """Return the fields of a mapping node by name, merged ones where they are written.

    Each is its key's node and its value's; of a field that is there twice it is the first.
    """
    from yaml import MappingNode, ScalarNode, SequenceNode

    found: dict[str, tuple[Any, Any]] = {}
    pending, seen = [node], set()
    while pending:
        mapping = pending.pop()
        if id(mapping) in seen:  # it was met before, or holds itself
            continue
        seen.add(id(mapping))
        sources: list[Any] = []
        for key, value in mapping.value:
            if isinstance(key, ScalarNode):
                found.setdefault(key.value, (key, value))
                if key.tag == _TAG:
                    sources += value.value if isinstance(value, SequenceNode) else [value]
        pending += (source for source in reversed(sources) if isinstance(source, MappingNode))
    return found

"""What `snapshot` answers from in the child that evaluates: documents, and their references."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chimera.policy.functions import Function

Json = Any

_ANY_KIND = "*"
_SCALARS = ("string", "int", "double", "bool")
"""CEL dispatches on the type that a value has, so each type of value is an overload."""


class Index:
    """What `snapshot` answers from: documents by address, and by a field once it is asked for."""

    def __init__(self) -> None:
        self.documents: list[dict[str, Json]] = []
        self._kinds: dict[str, list[int]] = {}
        self._addresses: dict[str, int] = {}
        self._fields: dict[tuple[str, str], dict[Json, list[str]]] = {}
        self._shared: dict[tuple[str, str], list[str]] = {}
        self._targets: dict[str, list[str]] = {}
        self._sources: dict[str, list[str]] = {}

    def add(self, documents: Sequence[dict[str, Json]]) -> None:
        """Take more documents, which keep the positions that they come in."""
        self._fields.clear()
        self._shared.clear()
        for document in documents:
            position = len(self.documents)
            self.documents.append(document)
            for kind in (document["kind"], _ANY_KIND):
                self._kinds.setdefault(kind, []).append(position)
            self._addresses[_address(document)] = position

    def hold(self, others: Sequence[Json]) -> None:
        """Take what can be judged and is none of the snapshot's documents."""
        self.documents += others

    def refer(self, references: Sequence[tuple[str, str]]) -> None:
        """Take typed references, as pairs of addresses."""
        for source, target in references:
            self._targets.setdefault(source, []).append(target)
            self._sources.setdefault(target, []).append(source)

    def has(self, address: str) -> bool:
        """Tell whether there is a document at `address`."""
        return address in self._addresses

    def get(self, address: str) -> dict[str, Json]:
        """Return the document at `address`."""
        if address not in self._addresses:
            raise LookupError(f"there is no {address}")
        return self.documents[self._addresses[address]]

    def count(self, kind: str) -> int:
        """Return how many documents of `kind` there are; `*` is every kind."""
        return len(self._kinds.get(kind, ()))

    def where(self, kind: str, path: str, value: Json) -> list[str]:
        """Return the addresses of documents of `kind` that hold `value` at `path`."""
        return self._field(kind, path).get(_key(value), [])

    def duplicates(self, kind: str, path: str) -> list[str]:
        """Return the addresses of documents of `kind` that share their value at `path`."""
        if (kind, path) not in self._shared:
            shared = (found for found in self._field(kind, path).values() if len(found) > 1)
            self._shared[kind, path] = sorted(address for found in shared for address in found)
        return self._shared[kind, path]

    def unique(self, kind: str, path: str) -> bool:
        """Tell whether no two documents of `kind` hold the same value at `path`."""
        return not self.duplicates(kind, path)

    def refers_to(self, source: str) -> list[str]:
        """Return the addresses that the document at `source` refers to."""
        return self._targets.get(source, [])

    def referred_by(self, target: str) -> list[str]:
        """Return the addresses of the documents that refer to `target`."""
        return self._sources.get(target, [])

    def _field(self, kind: str, path: str) -> dict[Json, list[str]]:
        if (kind, path) not in self._fields:
            found: dict[Json, list[str]] = {}
            for position in self._kinds.get(kind, ()):
                document = self.documents[position]
                value = _at(document, path.split("."))
                if value is not None:
                    found.setdefault(_key(value), []).append(_address(document))
            self._fields[kind, path] = found
        return self._fields[kind, path]


def _address(document: Mapping[str, Json]) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def _at(value: Json, path: Sequence[str]) -> Json:
    for segment in path:
        value = value.get(segment) if isinstance(value, dict) else None
    return value


def _key(value: Json) -> Json:
    """Return a key that differs for values that JSON tells apart; 1 and 1.0 are one number."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if number else json.dumps(value, sort_keys=True)


def snapshot_functions(index: Callable[[], Index]) -> tuple[Function, ...]:
    """Declare the functions of `snapshot`, which ask whatever `index` returns at the time."""
    one, two = ("string",), ("string", "string")
    by_value = tuple((*two, scalar) for scalar in _SCALARS)
    addresses = "list(string)"

    def declare(name: str, run: Callable[..., Any], *overloads: tuple[Any, str]) -> Function:
        return Function(f"snapshot.{name}", overloads, run, member=False)

    def count(kind: str, *field: Json) -> int:
        return len(index().where(kind, *field)) if field else index().count(kind)

    def refers_to(source: str, *target: str) -> list[str] | bool:
        found = index().refers_to(source)
        return target[0] in found if target else found

    return (
        declare("has", lambda a: index().has(a), (one, "bool")),
        declare("get", lambda a: index().get(a), (one, "dyn")),
        declare("count", count, (one, "int"), *((takes, "int") for takes in by_value)),
        declare(
            "where",
            lambda k, p, v: index().where(k, p, v),
            *((takes, addresses) for takes in by_value),
        ),
        declare("unique", lambda k, p: index().unique(k, p), (two, "bool")),
        declare("duplicates", lambda k, p: index().duplicates(k, p), (two, addresses)),
        declare("refersTo", refers_to, (one, addresses), (two, "bool")),
        declare("referredBy", lambda a: index().referred_by(a), (one, addresses)),
    )

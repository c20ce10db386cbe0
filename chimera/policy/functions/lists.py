"""Lists and sets: order, sums, positions, and what one list has of another.

Equality is CEL's: numbers are equal across their types, and true is not 1.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from chimera.policy.functions.signature import Function, whole

_Items = Sequence[Any]


def _key(value: Any) -> Hashable:
    """Return a key that equals another's where CEL says that the values are equal."""
    if isinstance(value, bool):
        return "bool", value
    if isinstance(value, (int, float)):
        return "number", value
    if isinstance(value, bytearray):
        return "bytes", bytes(value)
    if isinstance(value, list):
        return "list", tuple(map(_key, value))
    if isinstance(value, dict):
        return "map", frozenset((_key(k), _key(v)) for k, v in value.items())
    return type(value).__name__, value


def _comparable(items: _Items) -> list[Any]:
    """Return the items, which must be of one type that has an order."""
    kinds = {_kind(item) for item in items}
    if len(kinds) > 1 or None in kinds:
        raise TypeError("no such overload: the items are not of one type that has an order")
    return list(items)


def _kind(item: Any) -> str | None:
    if isinstance(item, bool):
        return "bool"
    if isinstance(item, (int, float)):
        return "number"
    known = {str: "string", bytearray: "bytes", datetime: "timestamp", timedelta: "duration"}
    return known.get(type(item))


def _is_sorted(items: _Items) -> bool:
    found = _comparable(items)
    return all(one <= next for one, next in pairwise(found))


def _sum(items: _Items) -> int | float:
    if any(isinstance(i, bool) or not isinstance(i, (int, float)) for i in items):
        raise TypeError("no such overload: the items are not numbers, which alone can be summed")
    total: int | float = sum(items)
    return whole(total) if isinstance(total, int) else total


def _extreme(choose: Callable[[list[Any]], Any]) -> Callable[[_Items], Any]:
    def extreme(items: _Items) -> Any:
        if not items:
            raise ValueError(f"{choose.__name__} called on empty list")
        found = choose(_comparable(items))
        if isinstance(found, (datetime, timedelta)):
            raise TypeError("this CEL engine takes no time out of a list")
        return found

    return extreme


def _index_of(items: _Items, wanted: Any) -> int:
    key = _key(wanted)
    return next((place for place, item in enumerate(items) if _key(item) == key), -1)


def _last_index_of(items: _Items, wanted: Any) -> int:
    found = _index_of(items[::-1], wanted)
    return found if found < 0 else len(items) - 1 - found


def _set(items: _Items) -> set[Hashable]:
    return set(map(_key, items))


_ORDERED = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
_EXTREMES = tuple(((f"list({of})",), of) for of in _ORDERED if of not in ("duration", "timestamp"))
_PLACES = ((("list(dyn)", "dyn"), "int"),)
_SETS = ((("list(dyn)", "list(dyn)"), "bool"),)

FUNCTIONS = (
    Function("isSorted", tuple(((f"list({of})",), "bool") for of in _ORDERED), _is_sorted),
    Function("sum", tuple(((f"list({of})",), of) for of in ("int", "uint", "double")), _sum),
    Function("min", _EXTREMES, _extreme(min)),
    Function("max", _EXTREMES, _extreme(max)),
    Function("indexOf", _PLACES, _index_of, shared=True),
    Function("lastIndexOf", _PLACES, _last_index_of, shared=True),
    Function("sets.contains", _SETS, lambda a, b: _set(b) <= _set(a), member=False),
    Function("sets.equivalent", _SETS, lambda a, b: _set(a) == _set(b), member=False),
    Function("sets.intersects", _SETS, lambda a, b: bool(_set(a) & _set(b)), member=False),
)

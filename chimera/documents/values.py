"""Which values are documents at all: what JSON cannot hold, and the nearest that it can.

Refuses to look at text: whoever read it says where in it a value stands.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from chimera.documents.scan import MAX_DEPTH
from chimera.model import Diagnostic, Place, Route, Severity

_LARGEST = 2**53


def judge_mapping(path: str, index: int, value: Any) -> list[Diagnostic] | None:
    """Return what is wrong with the value of a document, as `judge_value` does."""
    if value is not None and type(value) is not dict:
        return [
            Diagnostic(
                "document-not-mapping",
                f"a document is a mapping, and this is {_kind_of(value)}",
                Place(path, index),
                "begin with apiVersion, kind, metadata and spec",
            )
        ]
    return judge_value(path, index, value)


def judge_value(path: str, index: int, value: Any) -> list[Diagnostic] | None:
    """Return what is wrong with a value; `None` where JSON cannot hold it at all.

    `None` means a key that is not text or nesting that is too deep: the exact pass says where.
    """
    if value is None:
        return [empty(Place(path, index))]
    is_sound = _is_sound(value) if type(value) is dict or type(value) is list else False
    if is_sound is None:
        return None
    bad = () if is_sound else _bad_numbers(value)
    return [_number(Place(path, index, route)) for route in bad]


def key_not_text(place: Place) -> Diagnostic:
    """Return the fault of a document that has a key that is not text."""
    return Diagnostic(
        "yaml-key-not-text", "a key of this document is not text", place, "quote the key"
    )


def empty(place: Place) -> Diagnostic:
    """Return the warning of a document without a value."""
    return Diagnostic(
        "document-empty",
        "there is no document here",
        place,
        "write one, or remove the file or the '---'",
        Severity.WARNING,
    )


def _kind_of(value: Any) -> str:
    return {list: "a sequence", str: "text", bool: "true or false"}.get(type(value), "a number")


def _is_sound(value: dict[Any, Any] | list[Any]) -> bool | None:
    """Tell whether JSON can hold every number in a value; `None` where it cannot hold the value."""
    is_sound = True
    pending: list[tuple[Any, int]] = [(value, 1)]
    for node, depth in pending:  # grows while it is read
        if depth > MAX_DEPTH:
            return None
        if type(node) is dict:
            for key in node:
                if type(key) is not str:
                    return None
            children: Iterable[Any] = node.values()
        else:
            children = node
        for child in children:
            kind = type(child)
            if kind is str:
                continue
            if kind is dict or kind is list:
                pending.append((child, depth + 1))
            elif (kind is int and not -_LARGEST <= child <= _LARGEST) or (
                kind is float and not math.isfinite(child)
            ):
                is_sound = False
    return is_sound


def _bad_numbers(value: Any, route: Route = ()) -> Iterator[Route]:
    """Yield the routes of numbers that canonical JSON cannot hold."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _bad_numbers(child, (*route, key))
    elif isinstance(value, list):
        for position, child in enumerate(value):
            yield from _bad_numbers(child, (*route, position))
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield route
    elif isinstance(value, int) and not -_LARGEST <= value <= _LARGEST:
        yield route


def clamped(value: Any) -> Any:
    """Return a copy of `value` with, for each bad number, the nearest that JSON has."""
    if isinstance(value, dict):
        return {key: clamped(child) for key, child in value.items()}
    if isinstance(value, list):
        return [clamped(child) for child in value]
    if isinstance(value, float):
        return max(-sys.float_info.max, min(value, sys.float_info.max))
    return max(-_LARGEST, min(value, _LARGEST)) if type(value) is int else value


def _number(place: Place) -> Diagnostic:
    return Diagnostic(
        "yaml-number-not-json",
        "this number is infinite, not a number, or an integer beyond 2**53",
        place,
        "write it as quoted text, a seed as hexadecimal digits; JSON readers would lose it",
    )

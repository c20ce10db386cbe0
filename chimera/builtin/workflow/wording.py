"""What several modules say of names and values: what was meant, what there is, what type it has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

_MOST_SHOWN = 12


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return the help for a misspelt name."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise


class Suggestions:
    """What misspelt names may have meant, for as many as somebody will read about.

    Each costs a comparison with every name that there is.
    """

    def __init__(self, most: int = 50) -> None:
        self._left = most

    def __call__(self, name: str, known: Iterable[str], otherwise: str) -> str:
        """Return the help for a misspelt name."""
        self._left -= 1
        return did_you_mean(name, known, otherwise) if self._left >= 0 else otherwise


def names(known: Iterable[str]) -> str:
    """Return names for a message, some of them where there are many."""
    found = sorted(known)
    rest = f", … ({len(found)} in all)" if len(found) > _MOST_SHOWN else ""
    return ", ".join(found[:_MOST_SHOWN]) + rest or "none"


def has_type(value: Any, name: str) -> bool:
    """Tell whether a JSON value has a type of JSON Schema."""
    match value:
        case bool():
            return name == "boolean"
        case int():
            return name in ("integer", "number")
        case float():
            return name == "number"
        case str():
            return name == "string"
        case list() | tuple():
            return name == "array"
        case dict():
            return name == "object"
    return False

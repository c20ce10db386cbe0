"""What is wrong, in the words of somebody who writes YAML: faults of pydantic, misspelt names.

Refuses to judge.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from chimera.kinds.fields import LAYER_PATTERN
from chimera.model import KIND_PATTERN, NAME_PATTERN

_TYPES = {
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
}
_PATTERNS = {
    f"^{NAME_PATTERN}$": "a name: lower-case letters, digits, '-' and '.'",
    f"^{KIND_PATTERN}$": "the name of a kind, as in Policy",
    f"^{KIND_PATTERN}/{NAME_PATTERN}$": "an address, as in Policy/timeouts",
    LAYER_PATTERN: "a layer, written contract/id",
}
_MOST_SHOWN = 60


def is_about_type(error: ErrorDetails) -> bool:
    """Tell whether a value is of another type than its field takes."""
    return error["type"] in _TYPES


def describe(errors: Sequence[ErrorDetails]) -> str:
    """Return what is wrong with one value; several errors are the branches of a union."""
    wanted = dict.fromkeys(_TYPES[e["type"]] for e in errors if is_about_type(e))
    if wanted:
        return f"input should be {_either(wanted)}"
    (error,) = errors
    kind, context = error["type"], error.get("ctx", {})
    if kind == "union_tag_invalid":
        return f"input should be one of {context['expected_tags']}"
    if kind in {"too_short", "too_long"}:
        return _length(kind, context)
    if kind == "string_pattern_mismatch" and context["pattern"] in _PATTERNS:
        return f"{shown(error['input'])} is not {_PATTERNS[context['pattern']]}"
    message = error["msg"].removeprefix("Value error, ")
    return message if "-" in kind else message[:1].lower() + message[1:]


def shown(value: Any) -> str:
    """Return a value as YAML could hold it, cut where it is long."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"


def _length(kind: str, context: dict[str, Any]) -> str:
    bound, which = ("least", "min_length") if kind == "too_short" else ("most", "max_length")
    number = context[which]
    items = "item" if number == 1 else "items"
    return f"input should have at {bound} {number} {items}, not {context['actual_length']}"


def _either(words: Iterable[str]) -> str:
    *rest, last = words
    return f"{', '.join(rest)} or {last}" if rest else last


def suggestion(name: str, names: Iterable[str], otherwise: str) -> str:
    """Return the help for a `name` that is none of `names`: the nearest, or else `otherwise`."""
    near = nearest(name, names)
    return f"did you mean {near}?" if near else otherwise


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return which of `names` a misspelt `name` most likely means, whatever the case."""
    by_lower = {known.lower(): known for known in sorted(names)}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None

"""Whether an answer says what it has to. Refuses to guess: what is no JSON has no value in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chimera.builtin.services.spec.matching import BodyMatch, JsonMatch
from chimera.policy import compile_pattern

Shown = Callable[[str], str]


class _NoValueError(Exception):
    """The pointer leads to nothing."""


def mismatch(match: BodyMatch, text: str, shown: Shown) -> str | None:
    """Return how a text is not as it has to be; `None` where it is."""
    if match.text is not None and match.text not in text:
        return f"the answer does not say {match.text!r}, but {shown(text) or 'nothing'!r}"
    if match.pattern is not None and compile_pattern(match.pattern).search(text) is None:
        return f"nothing in the answer matches {match.pattern!r}: {shown(text) or 'nothing'!r}"
    if match.json_value is not None:
        return _json_mismatch(match.json_value, text, shown)
    return None


def _json_mismatch(match: JsonMatch, text: str, shown: Shown) -> str | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return f"the answer is no JSON: {shown(text) or 'nothing'!r}"
    where = f"{match.pointer!r} of the answer" if match.pointer else "the answer"
    try:
        found = _at(value, match.pointer)
    except _NoValueError:
        return f"there is no {where}"
    told = shown(json.dumps(found, ensure_ascii=False))
    if "equals" in match.model_fields_set and not _same(found, match.equals):
        return f"{where} is {told}, not {json.dumps(match.equals, ensure_ascii=False)}"
    if match.one_of is not None and not any(_same(found, one) for one in match.one_of):
        return f"{where} is {told}, and none of what it may be"
    if match.at_least is not None and not (_is_number(found) and found >= match.at_least):
        return f"{where} is {told}, and has to be {match.at_least:g} at least"
    if match.at_most is not None and not (_is_number(found) and found <= match.at_most):
        return f"{where} is {told}, and may be {match.at_most:g} at most"
    return None


def _at(value: Any, pointer: str) -> Any:
    """Return what a JSON pointer leads to (RFC 6901)."""
    for written in pointer.split("/")[1:]:
        step = written.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and _is_index(step) and int(step) < len(value):
            value = value[int(step)]
        else:
            raise _NoValueError
    return value


def _is_index(step: str) -> bool:
    is_plain = step.isascii() and step.isdigit() and len(step) < 10
    return is_plain and (step == "0" or step[0] != "0")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON does: `true` is not 1, and 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)

"""References inside a workflow's values: `${stage.output}`, `${input.x}` and `${secret.y}`.

Owns their grammar and what they become: a string that is exactly one reference takes the value and
its type, inside a longer string the value is written out. A replaced value is never read for
references again, so that no output can smuggle one in. Refuses expressions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from chimera.builtin.workflow.kinds import STAGE_PATTERN, VARIABLE_PATTERN
from chimera.model import ChimeraError, Route, Segment, canonical_json

INPUT = "input"
SECRET = "secret"  # noqa: S105 - a word of the grammar
RESERVED = (INPUT, SECRET)

_OPENING = "${"
_TOKEN = re.compile(r"\$\$\{|\$\{([^{}]*\})?")
_REFERENCE = re.compile(
    rf"(?P<source>{STAGE_PATTERN})\.(?P<name>{VARIABLE_PATTERN})(?P<inside>(?:\.[A-Za-z0-9_-]+)*)"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """`source.name`: an input, a secret or a stage's output, and the way to a value inside it."""

    source: str
    name: str
    inside: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.source, self.name, *self.inside))


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something that begins like a reference and is none."""

    text: str


Part = str | Reference | Malformed


@dataclass(frozen=True, slots=True)
class Slot:
    """A string with references, where it stands, and the parts that it consists of."""

    route: Route
    parts: tuple[Part, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references of the string, in order."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    @property
    def whole(self) -> Reference | None:
        """The reference that the string consists of and whose type it takes, if it does."""
        only = self.parts[0] if len(self.parts) == 1 else None
        return only if isinstance(only, Reference) else None


@lru_cache(maxsize=1024)  # the stages of a repository resemble one another
def parse(text: str) -> tuple[Part, ...]:
    """Cut a string into literal text and references; `$${` is a literal `${`."""
    if _OPENING not in text:
        return (text,)
    parts: list[Part] = []
    literal, end = "", 0
    for token in _TOKEN.finditer(text):
        literal += text[end : token.start()]
        end = token.end()
        if token[0] == "$${":
            literal += "${"
            continue
        if literal:
            parts.append(literal)
            literal = ""
        parts.append(_reference(token[1]) or Malformed(token[0]))
    literal += text[end:]
    return (*parts, literal) if literal else tuple(parts)


def _reference(closed: str | None) -> Reference | None:
    match = _REFERENCE.fullmatch(closed[:-1]) if closed else None
    if match is None:
        return None
    inside = match["inside"].split(".")[1:]
    return Reference(match["source"], match["name"], tuple(inside))


def escape(text: str) -> str:
    """Return what has to be written for `text` itself."""
    return text.replace("${", "$${")


def slots(value: Any) -> tuple[Slot, ...]:
    """Return the strings of a JSON value in which something begins like a reference, in order."""
    found: list[Slot] = []
    _gather(value, (), found)
    return tuple(found)


def _gather(value: Any, route: Route, found: list[Slot]) -> None:
    if isinstance(value, str):
        if _OPENING in value:
            found.append(Slot(route, parse(value)))
        return
    if isinstance(value, dict):
        items: Iterable[tuple[Segment, Any]] = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        return
    for segment, item in items:
        # Most values are text without a reference: to know that takes no call.
        if type(item) is not str or _OPENING in item:
            _gather(item, (*route, segment), found)


def replace_strings(value: Any, change: Callable[[str], Any]) -> Any:
    """Return a JSON value with each of its strings changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: replace_strings(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [replace_strings(item, change) for item in value]
    return value


def resolve(value: Any, known: Mapping[str, Any]) -> Any:
    """Return a JSON value with its references replaced by what `known` holds under their text."""
    return replace_strings(value, lambda text: _resolve(parse(text), known))


def _resolve(parts: tuple[Part, ...], known: Mapping[str, Any]) -> Any:
    values = [known[str(part)] if isinstance(part, Reference) else part for part in parts]
    if len(parts) == 1:
        return values[0]
    return "".join(write_out(value) for value in values)


def write_out(value: Any) -> str:
    """Return how a value reads inside a longer string: text as it is, the rest as JSON."""
    return value if isinstance(value, str) else canonical_json(value).decode()


def look_up(reference: Reference, value: Any) -> Any:
    """Follow the way inside `value`, the value that `source.name` has.

    Raises `ChimeraError` where the value has nothing there.
    """
    for segment in reference.inside:
        try:
            value = value[int(segment)] if isinstance(value, list) else value[segment]
        except (LookupError, TypeError, ValueError):
            raise ChimeraError(
                f"${{{reference}}} leads nowhere: there is no {segment!r} in that value",
                help=f"look at what {reference.source} gave with `chimera runs show`",
            ) from None
    return value

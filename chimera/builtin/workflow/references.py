"""References inside a workflow's values: `${stage.output}`, `${input.x}` and `${secret.y}`.

Owns their grammar and what they become: a string that is exactly one reference takes the value and
its type, inside a longer string the value is written out. `${stage.output ?? other.output ?? "-"}`
takes the first value that is there and not null. A replaced value is never read for references
again, so that no output can smuggle one in. Refuses expressions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from chimera.model import ChimeraError, Route, Segment, canonical_json

INPUT = "input"
SECRET = "secret"  # noqa: S105 - a word of the grammar
RESERVED = (INPUT, SECRET)

_OPENING = "${"
_TOKEN = re.compile(r"\$\$\{|\$\{([^{}]*\})?")
_REFERENCE = re.compile(r"(?P<source>[A-Za-z][A-Za-z0-9_-]*)(?P<path>(?:\.[A-Za-z0-9_-]+)*)")
_ALTERNATIVE = re.compile(r'\s*("(?:[^"\\]|\\.)*"|(?:(?!\?\?)[^"])+?)\s*(?:\?\?|\Z)')
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Reference:
    """`source.path`: an input, a secret, a stage's output or an item, and the way into it.

    `default` is what follows `??`: another reference, or a literal.
    """

    source: str
    path: tuple[str, ...] = ()
    default: Reference | Literal | None = None

    @property
    def name(self) -> str:
        """The name of the output or input, where the reference says one."""
        return self.path[0] if self.path else ""

    @property
    def bare(self) -> str:
        """The reference without what follows `??`."""
        return ".".join((self.source, *self.path))

    def __str__(self) -> str:
        return self.bare if self.default is None else f"{self.bare} ?? {self.default}"

    @property
    def alternatives(self) -> tuple[Reference, ...]:
        """The reference and those that follow `??`, in order."""
        if isinstance(self.default, Reference):
            return (self, *self.default.alternatives)
        return (self,)

    @property
    def literal(self) -> Literal | None:
        """The literal that a reference ends with, if it does."""
        last = self.alternatives[-1]
        return last.default if isinstance(last.default, Literal) else None


@dataclass(frozen=True, slots=True)
class Literal:
    """A JSON value at the end of a reference, as it is written."""

    text: str

    @property
    def value(self) -> Any:
        """The value."""
        return json.loads(self.text)

    def __str__(self) -> str:
        return self.text


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


_MOST_ALTERNATIVES = 16


def _reference(closed: str | None) -> Reference | None:
    """Read what stands between the braces, from its end: each alternative is the next's default."""
    if not closed:
        return None
    inner = closed[:-1]
    match = _REFERENCE.fullmatch(inner)
    if match is not None:  # by far the most
        return Reference(match["source"], tuple(match["path"].split(".")[1:]))
    texts = [found[1] for found in _ALTERNATIVE.finditer(inner)]
    is_cut = "??".join(texts).replace(" ", "") == inner.replace(" ", "")
    if not is_cut or len(texts) > _MOST_ALTERNATIVES:
        return None
    made: Reference | Literal | None = None
    for number, text in enumerate(reversed(texts)):
        match = _REFERENCE.fullmatch(text)
        if number == 0 and (match is None or text in ("null", "true", "false")):
            made = _literal(text)
            if made is None or len(texts) == 1:
                return None
        elif match is None:
            return None
        else:
            made = Reference(match["source"], tuple(match["path"].split(".")[1:]), made)
    return made if isinstance(made, Reference) else None


def _literal(text: str) -> Literal | None:
    try:
        json.loads(text)
    except ValueError:
        return None
    return Literal(text)


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


def references_in(value: Any) -> tuple[Reference, ...]:
    """Return the references of a JSON value, each once."""
    return tuple(dict.fromkeys(ref for slot in slots(value) for ref in slot.references))


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


def look_up(reference: Reference, sources: Mapping[str, Any]) -> Any:
    """Return what a reference brings, from the values of its sources by their names.

    Raises `ChimeraError` where there is nothing, and no default.
    """
    for alternative in reference.alternatives:
        value = _follow(alternative, sources)
        if value is _MISSING or (value is None and alternative.default is not None):
            continue
        return value
    literal = reference.literal
    if literal is not None:
        return literal.value
    missing = next(r for r in reference.alternatives if _follow(r, sources) is _MISSING)
    if missing.source not in sources:
        raise ChimeraError(
            f"${{{missing.bare}}} leads nowhere: the stage {missing.source!r} gave nothing",
            help=f"end the reference with a default, as in ${{{missing.bare} ?? null}}",
        )
    raise ChimeraError(
        f"${{{missing.bare}}} leads nowhere: there is no {_step_missing(missing, sources)!r} in "
        "that value",
        help=f"look at what {missing.source} gave with `chimera runs show`",
    )


def _follow(reference: Reference, sources: Mapping[str, Any]) -> Any:
    value = sources.get(reference.source, _MISSING)
    for segment in reference.path:
        value = _member(value, segment)
    return value


def _member(value: Any, segment: str) -> Any:
    try:
        return value[int(segment)] if isinstance(value, list) else value[segment]
    except (LookupError, TypeError, ValueError):
        return _MISSING


def _step_missing(reference: Reference, sources: Mapping[str, Any]) -> str:
    value = sources[reference.source]
    for segment in reference.path:
        value = _member(value, segment)
        if value is _MISSING:
            return segment
    return reference.bare

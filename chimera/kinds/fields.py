"""The vocabulary that kinds are written in: base model, field types, references and roles.

The only place that meets pydantic's configuration. A *mark* is metadata on a field
(`Annotated[str, Reference("Proof")]`) by which other rooms understand kinds that they have never
seen. Refuses anything that belongs to one kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Strict,
    StringConstraints,
    Tag,
    ValidationError,
    WithJsonSchema,
    model_serializer,
)
from pydantic.alias_generators import to_camel
from pydantic.functional_validators import BeforeValidator
from pydantic_core import PydanticCustomError

from chimera.model import KIND_PATTERN, NAME_PATTERN, Route

T = TypeVar("T")


class Model(BaseModel):
    """Base of every spec: strict types, unknown fields refused, frozen, names in camelCase.

    `other_words` are those of other vocabularies for what a field says, as `executionMode` for
    `mode`. They are refused like any unknown field; the help names the field that is meant.
    """

    other_words: ClassVar[Mapping[str, str]] = MappingProxyType({})

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        serialize_by_alias=True,
        ser_json_inf_nan="strings",
        defer_build=True,  # a validator is built when it is first used: most never are
    )


def refuse(rule: str, message: str) -> PydanticCustomError:
    """Return the error that a validator raises to become a diagnostic with `rule` as its id."""
    return PydanticCustomError(rule, "{message}", {"message": message})


Items = Annotated[tuple[T, ...], Strict(False)]
"""A YAML sequence, kept immutable."""

Name = Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]
"""A name: lower-case letters, digits, `-` and `.`, 1 to 128 characters."""

KindName = Annotated[str, StringConstraints(pattern=f"^{KIND_PATTERN}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
LAYER_PATTERN = rf"^{NAME_PATTERN}/[A-Za-z0-9][A-Za-z0-9._-]*$"
LayerName = Annotated[str, StringConstraints(pattern=LAYER_PATTERN)]
"""A layer, written `contract/id`."""


def _check_glob(pattern: str) -> str:
    if pattern.startswith("/") or ".." in pattern.split("/") or "\0" in pattern or "," in pattern:
        raise refuse(
            "glob-outside-tree",
            f"{pattern!r} is not a path pattern inside the tree: no leading '/', '..' or ','",
        )
    return pattern


Glob = Annotated[str, StringConstraints(min_length=1), AfterValidator(_check_glob)]
"""A Git `:(glob)` pattern, relative to the root of the tree."""

_PIECE = re.compile(r"(\d+)(ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_PIECE.pattern})+")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def parse_duration(value: Any) -> timedelta:
    """Read `1h30m`, `90s` or `250ms`; the units are d, h, m, s and ms."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return _duration(value)
    raise refuse("duration-invalid", "this is not a duration; write 90s, 15m or 1h30m")


@lru_cache(maxsize=1024)  # few lengths of time are written, again and again
def _duration(text: str) -> timedelta:
    if not _DURATION.fullmatch(text):
        raise refuse("duration-invalid", f"{text!r} is not a duration; write 90s, 15m or 1h30m")
    try:
        return sum((int(n) * _UNITS[unit] for n, unit in _PIECE.findall(text)), timedelta())
    except OverflowError:
        raise refuse("duration-invalid", f"{text!r} is longer than can be counted") from None


def format_duration(value: timedelta) -> str:
    """Write a duration back in its shortest form."""
    rest = value // _UNITS["ms"]
    text = ""
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, _UNITS[unit] // _UNITS["ms"])
        text += f"{count}{unit}" if count else ""
    return text or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(ms|s|m|h|d))+$"}),
]
"""A length of time: `90s`, `15m`, `1h30m`."""


class Role(Enum):
    """What a field does, so that a contract can judge kinds that nobody has written yet."""

    TRIGGER = "trigger"
    """What starts the document; `event` and `schedule` are automatic."""
    BACKGROUND = "background"
    """True where something outlives the command that started it."""
    CADENCE = "cadence"
    """A schedule, interval, due date or review period."""
    DENIES = "denies"
    """`deny` (or true) where the document can refuse a change."""
    AUTO_APPROVES = "auto-approves"
    """True where an approval counts without a human's signature."""
    WRITES = "writes"
    """Path globs or `Kind` names that executing the document writes."""
    DECIDES = "decides"
    """A reference by which a condition, gate or policy chooses."""
    OWNER = "owner"
    """An owner, assignee or role."""
    OWES = "owes"
    """A reference to what a gate or proof needs."""
    PARTICIPANT = "participant"
    """Who must take part or approve."""
    INTERPRETS = "interprets"
    """A score, weight or threshold that turns a result into more than pass or fail."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Base of all marks on fields."""


@dataclass(frozen=True, slots=True)
class Plays(Mark):
    """The field plays a role: `Annotated[str, Plays(Role.OWNER)]`."""

    role: Role


@dataclass(frozen=True, slots=True)
class Reference(Mark):
    """The field holds the address of another document, of one of `kinds` (any kind if empty).

    A reference is held to make what it names act, be owed or decide: from a document that is in
    force into a dormant layer it is an error, whatever the kinds, so that a field whose author
    thought of no dormant layer is refused rather than obeyed. `cites=True` says that the field only
    speaks of the other document, such as a waiver of its policy. Records need no such mark: they
    state what happened.
    """

    kinds: tuple[str, ...]
    cites: bool = False

    def __init__(self, *kinds: str, cites: bool = False) -> None:
        object.__setattr__(self, "kinds", kinds)
        object.__setattr__(self, "cites", cites)


@dataclass(frozen=True, slots=True)
class LayerReference(Mark):
    """The field names a layer, written `contract/id`."""


@dataclass(frozen=True, slots=True)
class KindReference(Mark):
    """The field names a kind that must be registered: a misspelt one would select nothing."""


@dataclass(frozen=True, slots=True)
class Governs(Mark):
    """The field holds a glob of paths that the document governs."""


@dataclass(frozen=True, slots=True)
class Expression(Mark):
    """The field holds a CEL expression."""


AddressText = Annotated[str, StringConstraints(pattern=f"^{KIND_PATTERN}/{NAME_PATTERN}$")]
"""An address, written `Kind/name`; mark it with `Reference`."""

LayerRef = Annotated[LayerName, LayerReference()]

TriggerName = Annotated[Literal["human", "apply", "event", "schedule"], Plays(Role.TRIGGER)]
"""What starts an executable document: a person, the apply, an event or a schedule."""

AUTOMATIC_TRIGGERS = frozenset({"event", "schedule"})


class Marked(NamedTuple):
    """One marked value of a spec and where it stands in the document.

    Of a mark on a model the value is `True`: the model is there, and its own fields say more.
    """

    mark: Mark
    value: Any
    route: Route


__all__ = [
    "AUTOMATIC_TRIGGERS",
    "AddressText",
    "AfterValidator",
    "BeforeValidator",
    "Discriminator",
    "Duration",
    "Expression",
    "Field",
    "Glob",
    "Governs",
    "Items",
    "KindName",
    "KindReference",
    "LayerName",
    "LayerRef",
    "LayerReference",
    "Mark",
    "Marked",
    "Model",
    "Name",
    "Plays",
    "Reference",
    "Role",
    "StringConstraints",
    "Tag",
    "Text",
    "TriggerName",
    "ValidationError",
    "WithJsonSchema",
    "format_duration",
    "model_serializer",
    "parse_duration",
    "refuse",
]

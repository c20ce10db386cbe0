"""What every object of the protocol is made of: ids, moments, metadata, events and traces.

States the fields of MPLP v1.0 as models of our own; names are the protocol's (snake_case), and a
field that is left out stays out. Refuses what the protocol refuses: fields that it does not know,
and null where it asks for a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from chimera.kinds import (
    AfterValidator,
    BeforeValidator,
    Field,
    Items,
    Model,
    StringConstraints,
    Text,
    model_serializer,
    refuse,
)

T = TypeVar("T")

PROTOCOL_VERSION = "1.0.0"
"""The version of MPLP that the models state; it is that of each object's schema, too."""

ModuleName = Literal[
    "context",
    "plan",
    "confirm",
    "trace",
    "role",
    "extension",
    "dialog",
    "collab",
    "core",
    "network",
]
"""The ten modules of the protocol."""

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
Id = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
"""A UUID of version 4, in lower case."""

_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}):([0-9]{2})(?:\.[0-9]+)?"
    r"(?:[Zz]|([+-](?:[01][0-9]|2[0-3]):[0-5][0-9]))"
)


def _check_moment(text: str) -> str:
    if not _is_moment(text):
        raise refuse("moment-invalid", f"{text!r} is no RFC 3339 time; write 2026-11-21T06:30:00Z")
    return text


def _is_moment(text: str) -> bool:
    match = _MOMENT.fullmatch(text)
    if match is None:
        return False
    day, minute, second, offset = match.groups()
    leap = second == "60"
    try:
        moment = datetime.fromisoformat(
            f"{day}T{minute}:{'59' if leap else second}{offset or '+00:00'}"
        )
        # A leap second ends a day of UTC, wherever it is written down.
        return not leap or moment.astimezone(UTC).strftime("%H:%M") == "23:59"
    except (ValueError, OverflowError):
        return False


Moment = Annotated[str, AfterValidator(_check_moment)]
"""A time with its zone, as RFC 3339 writes it."""

_PLAIN_VERSION = r"^[0-9]+\.[0-9]+\.[0-9]+$"
PlainVersion = Annotated[str, StringConstraints(pattern=_PLAIN_VERSION)]


def _refuse_null(value: T | None) -> T:
    if value is None:
        raise refuse("value-null", "null is no value here; leave the field out")
    return value


Maybe = Annotated[T | None, AfterValidator(_refuse_null)]
"""A field that can be left out and cannot be null."""


def _check_unique(items: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(items)) != len(items):
        raise refuse("items-repeated", "no item may stand here twice")
    return items


def _read_whole(value: Any) -> Any:
    """Read 2.0 as 2: JSON knows one kind of number, and the protocol's integers follow it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, BeforeValidator(_read_whole), Field(ge=0)]


class Part(Model, alias_generator=None):
    """Base of every object of the protocol and of its parts."""

    @model_serializer(mode="wrap")
    def _write(self, write: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Write the fields that were given, under the protocol's names."""
        fields = type(self).model_fields
        given = {
            (fields[name].alias or name) if name in fields else name
            for name in self.model_fields_set
        }
        return {name: value for name, value in write(self).items() if name in given}


class Meta(Part):
    """What is known of an object besides what it says."""

    protocol_version: PlainVersion = Field(description="Version of the protocol.")
    schema_version: PlainVersion = Field(description="Version of the object's own schema.")
    created_at: Maybe[Moment] = Field(default=None, description="When it was made.")
    created_by: Maybe[str] = Field(default=None, description="Who made it.")
    updated_at: Maybe[Moment] = Field(default=None, description="When it last changed.")
    updated_by: Maybe[str] = Field(default=None, description="Who last changed it.")
    tags: Maybe[Annotated[Items[str], AfterValidator(_check_unique)]] = Field(
        default=None, description="Words to find it by."
    )
    cross_cutting: Maybe[
        Annotated[
            Items[
                Literal[
                    "coordination",
                    "error-handling",
                    "event-bus",
                    "learning-feedback",
                    "observability",
                    "orchestration",
                    "performance",
                    "protocol-versioning",
                    "security",
                    "state-sync",
                    "transaction",
                ]
            ],
            AfterValidator(_check_unique),
        ]
    ] = Field(default=None, description="Concerns of the whole system that it takes part in.")


class Ref(Part):
    """A reference to an object of some module."""

    id: Id = Field(description="Id of the object.")
    module: ModuleName = Field(description="Module that keeps it.")
    description: Maybe[str] = Field(default=None, description="Why it is referred to.")


class Governance(Part):
    """Where an object stands in its life, and whether it may change."""

    lifecycle_phase: Maybe[str] = Field(
        default=None, alias="lifecyclePhase", description="Phase that it is in, such as review."
    )
    truth_domain: Maybe[str] = Field(
        default=None, alias="truthDomain", description="What it is the authority on."
    )
    locked: Maybe[bool] = Field(default=None, description="Whether it may not be changed.")
    last_confirm_ref: Maybe[Ref] = Field(
        default=None, alias="lastConfirmRef", description="The approval of its present state."
    )


class Event(Part):
    """Something that happened to an object."""

    event_id: Id = Field(description="Id of the event.")
    event_type: Annotated[
        str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(?:\.[a-z][a-z0-9]*)*$")
    ] = Field(description="What happened, such as plan.created.")
    source: str = Field(description="Module that says so.")
    timestamp: Moment = Field(description="When it happened.")
    trace_id: Maybe[Id] = Field(default=None, description="Trace that it belongs to.")
    data: dict[str, Any] | None = Field(default=None, description="More about it.")


class Span(Part):
    """A place in a trace."""

    trace_id: Id = Field(description="Id of the trace.")
    span_id: Id = Field(description="Id of this piece of work.")
    parent_span_id: Maybe[Id] = Field(default=None, description="The work that it is part of.")
    context_id: Maybe[Id] = Field(default=None, description="Context in which it is done.")
    attributes: Maybe[dict[str, Any]] = Field(default=None, description="Facts about the work.")


class Record(Part):
    """What the objects of all ten modules have."""

    meta: Meta = Field(description="Versions, and when it was made.")
    trace: Maybe[Span] = Field(default=None, description="Where it stands in a trace.")
    events: Maybe[Items[Event]] = Field(
        default=None, description="What happened to it; the newest last."
    )


class Governed(Record):
    """What the objects of all modules but plan have."""

    governance: Maybe[Governance] = Field(default=None, description="Where it stands in its life.")


__all__ = [
    "PROTOCOL_VERSION",
    "UUID_PATTERN",
    "Count",
    "Event",
    "Governance",
    "Governed",
    "Id",
    "Maybe",
    "Meta",
    "ModuleName",
    "Moment",
    "Part",
    "Record",
    "Ref",
    "Span",
    "Text",
]

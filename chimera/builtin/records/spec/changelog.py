"""The fields of a ChangelogEntry."""

from __future__ import annotations

from typing import Annotated, Literal

from chimera.builtin.records.spec.moments import Day, Stamp
from chimera.kinds import (
    AddressText,
    Answer,
    Field,
    Items,
    Model,
    Moment,
    Name,
    Reference,
    Text,
)


class ChangelogEntrySpec(Model):
    """One change that affected an environment, as its operators need to know it."""

    date: Day = Field(description="Day on which the change took effect, as YYYY-MM-DD.")
    environment: Name = Field(
        description="Name of the environment that changed, such as production, staging or local."
    )
    summary: Annotated[Text, Field(max_length=200)] = Field(
        description="What changed, factual, in one line."
    )
    scope: Literal["code", "config", "database", "third-party"] = Field(
        description="What kind of thing changed: code, config, database or third-party."
    )
    risk: Literal["low", "medium", "high"] = Field(description="How much could go wrong.")
    verification: Text = Field(description="How to confirm that the change is active.")
    rollback: Text = Field(description="How to undo the change, as a hint usable at once.")
    effective: Moment | None = Field(
        default=None,
        description="When the change took effect, as a time with its zone, where it is known "
        "closer than by its day.",
    )
    recorded: Moment | None = Field(
        default=None,
        description="When the entry was written, as a time with its zone: within 24 hours.",
    )
    answers: Items[Answer] = Field(
        default=(),
        description="The changes that the entry records, with their digests, for the gate.",
    )
    incident: Annotated[AddressText, Reference("Incident")] | None = Field(
        default=None, description="The incident in which, or because of which, it was changed."
    )
    rollback_of: Annotated[AddressText, Reference("Rollback")] | None = Field(
        default=None, description="The rollback that the entry records, where the change is one."
    )
    reviewed: Stamp | None = Field(
        default=None,
        description="Who looked at the entry in the weekly review for completeness, and when.",
    )
    refs: Items[Annotated[AddressText, Reference()]] = Field(
        default=(), description="Other documents that the entry is about, such as a decision."
    )

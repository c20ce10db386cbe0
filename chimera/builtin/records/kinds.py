"""The kinds of records: ChangelogEntry.

Owns what an entry must say (the operations changelog of seed 004). Refuses references to what may
be deleted later: a record stays true when its subject is gone.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from chimera.kinds import (
    AddressText,
    AfterValidator,
    Answer,
    Field,
    Items,
    Model,
    Name,
    Reference,
    Text,
    refuse,
)


def _check_date(text: str) -> str:
    try:
        valid = date.fromisoformat(text).isoformat() == text
    except ValueError:
        valid = False
    if not valid:
        raise refuse("changelog-date-invalid", f"{text!r} is no day; write it as 2026-11-21")
    return text


class ChangelogEntrySpec(Model):
    """One change that affected an environment, as its operators need to know it."""

    date: Annotated[str, AfterValidator(_check_date)] = Field(
        description="Day on which the change took effect, as YYYY-MM-DD."
    )
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
    answers: Items[Answer] = Field(
        default=(),
        description="The changes that the entry records, with their digests, for the gate.",
    )
    refs: Items[Annotated[AddressText, Reference()]] = Field(
        default=(), description="Other documents that the entry is about, such as a decision."
    )

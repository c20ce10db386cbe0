"""The kinds of records: ChangelogEntry and Freeze.

Owns what an entry must say (the operations changelog of seed 004), and what a freeze stops. Refuses
references to what may be deleted later: a record stays true when its subject is gone.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from chimera.kinds import (
    AddressText,
    AfterValidator,
    Answer,
    Field,
    Glob,
    Items,
    KindName,
    LayerName,
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


def _check_moment(text: str) -> str:
    if _moment(text) is None:
        raise refuse(
            "moment-invalid", f"{text!r} is no time with its zone; write it as 2026-11-21T06:30:00Z"
        )
    return text


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


Moment = Annotated[str, AfterValidator(_check_moment)]


class FreezeScope(Model):
    """Which changes a freeze stops."""

    environments: Items[AddressText] = Field(  # no `Reference`, which would dangle one day
        default=(), description="Environments that are frozen; all if left out."
    )
    kinds: Items[KindName] = Field(
        default=(), description="Kinds of documents that are frozen; all if left out."
    )
    layers: Items[LayerName] = Field(
        default=(), description="Layers that are frozen, written contract/id; all if left out."
    )
    paths: Items[Glob] = Field(
        default=(),
        description="Paths that are frozen, as Git :(glob) patterns, besides the documents above.",
    )


class Lift(Model):
    """That a freeze was lifted."""

    at: Moment = Field(description="When it was lifted, as a time with its zone.")
    by: Text = Field(description="Who lifted it.")
    reason: Text = Field(description="Why changes are safe again.")


class FreezeSpec(Model):
    """A time in which nothing in its scope is applied."""

    scope: FreezeScope = Field(
        default=FreezeScope(), description="What is frozen; everything if left out."
    )
    since: Moment = Field(alias="from", description="From when it stands, as a time with its zone.")
    until: Moment | None = Field(
        default=None, description="When it ends by itself; when it is lifted, if left out."
    )
    reason: Text = Field(description="Why nothing may change.")
    by: Text = Field(description="Who froze it, and can lift it.")
    excepted: Items[Answer] = Field(
        default=(),
        alias="except",
        description="Changes that are let through all the same, such as the rollback.",
    )
    lifted: Lift | None = Field(default=None, description="That it was lifted; it ends then.")

    @property
    def is_backwards(self) -> bool:
        """Whether it ends by itself before it begins."""
        end = self.until and _moment(self.until)
        begin = _moment(self.since)
        return bool(begin and end and end <= begin)

    def is_over(self, now: datetime) -> bool:
        """Tell whether it has ended, by itself or by somebody."""
        ends = (self.until, self.lifted.at if self.lifted else None)
        moments = (_moment(text) for text in ends if text is not None)
        return any(moment is not None and moment <= now for moment in moments)

    def stands(self, now: datetime) -> bool:
        """Tell whether it stops anything at `now`."""
        begin = _moment(self.since)
        return (begin is None or begin <= now) and not self.is_over(now)

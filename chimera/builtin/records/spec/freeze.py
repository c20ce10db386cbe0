"""The fields of a Freeze, and when it stands.

Refuses references to what may be deleted later: a record stays true when its subject is gone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from chimera.kinds import (
    AddressText,
    Answer,
    Field,
    Glob,
    Items,
    KindName,
    LayerName,
    Model,
    Moment,
    Reference,
    Text,
    when,
)


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
    incident: Annotated[AddressText, Reference("Incident")] | None = Field(
        default=None, description="The incident because of which nothing may change."
    )
    excepted: Items[Answer] = Field(
        default=(),
        alias="except",
        description="Changes that are let through all the same, such as the rollback.",
    )
    lifted: Lift | None = Field(default=None, description="That it was lifted; it ends then.")

    @property
    def is_backwards(self) -> bool:
        """Whether it ends by itself before it begins."""
        return self.until is not None and when(self.until) <= when(self.since)

    def is_over(self, now: datetime) -> bool:
        """Tell whether it has ended, by itself or by somebody."""
        ends = (self.until, self.lifted.at if self.lifted else None)
        return any(when(moment) <= now for moment in ends if moment is not None)

    def stands(self, now: datetime) -> bool:
        """Tell whether it stops anything at `now`."""
        return when(self.since) <= now and not self.is_over(now)

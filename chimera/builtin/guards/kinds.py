"""The kind of this room: `Guard`, which stops changes while it is engaged."""

from __future__ import annotations

from typing import Annotated

from chimera.kinds import (
    AddressText,
    Field,
    Glob,
    Governs,
    Items,
    KindName,
    KindReference,
    LayerRef,
    Model,
    Reference,
    Text,
)


class GuardScope(Model):
    """Which changes an engaged guard stops."""

    environments: Items[Annotated[AddressText, Reference("Environment")]] = Field(
        default=(), description="Environments in which it stops changes; all if left out."
    )
    kinds: Items[Annotated[KindName, KindReference()]] = Field(
        default=(), description="Kinds of documents that it stops; all if left out."
    )
    layers: Items[LayerRef] = Field(
        default=(), description="Layers that it stops, written contract/id; all if left out."
    )
    paths: Items[Annotated[Glob, Governs()]] = Field(
        default=(),
        description="Paths that it stops, as Git :(glob) patterns, besides the documents above.",
    )


class GuardSpec(Model):
    """A switch that stops every change in its scope while it is engaged."""

    scope: GuardScope = Field(
        default=GuardScope(), description="What it stops; everything if left out."
    )
    engaged: bool = Field(description="Whether it stops anything now.")
    reason: Text = Field(description="What it is for; while it is engaged, why nothing may change.")

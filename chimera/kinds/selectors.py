"""Selectors: which documents and paths a policy, a gate or a proof is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from chimera.kinds.document import Document
from chimera.kinds.fields import (
    Glob,
    Governs,
    Items,
    KindName,
    KindReference,
    LayerRef,
    Model,
)
from chimera.model import Placement

ActionName = Literal["create", "update", "delete"]


class Selector(Model):
    """Documents by kind, layer, label and path; what is left out selects everything."""

    kinds: Items[Annotated[KindName, KindReference()]] = Field(
        default=(), description="Kinds of documents; any if left out."
    )
    layers: Items[LayerRef] = Field(
        default=(), description="Layers that the document belongs to, written contract/id."
    )
    labels: dict[str, str] = Field(
        default_factory=dict, description="Labels that the document must carry, with these values."
    )

    def selects(self, document: Document[Model], placements: Iterable[Placement]) -> bool:
        """Tell whether `document`, which stands in `placements`, is meant."""
        return (
            (not self.kinds or document.address.kind in self.kinds)
            and (not self.layers or any(p.layer in self.layers for p in placements))
            and (not self.labels or self.labels.items() <= document.labels.items())
        )

    @property
    def names_documents(self) -> bool:
        """Whether anything about documents is asked for."""
        return bool(self.kinds or self.layers or self.labels)


class PathSelector(Selector):
    """Documents as in `Selector`, or governed paths."""

    paths: Items[Annotated[Glob, Governs()]] = Field(
        default=(), description="Paths of the tree, as Git :(glob) patterns."
    )

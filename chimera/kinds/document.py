"""A validated document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from chimera.kinds.fields import Marked, Model, marked
from chimera.kinds.kind import Kind, Metadata
from chimera.model import Address, Digest, Place, Segment, digest_json

S_co = TypeVar("S_co", bound=Model, covariant=True)


@dataclass(frozen=True)
class Document(Generic[S_co]):
    """One document of a snapshot: its typed spec and, in `value`, exactly what its author wrote."""

    address: Address
    kind: Kind
    metadata: Metadata
    spec: S_co
    value: Mapping[str, Any]
    place: Place

    @cached_property
    def digest(self) -> Digest:
        """SHA-256 over the canonical JSON of what the author wrote."""
        return digest_json(self.value)

    @cached_property
    def marks(self) -> tuple[Marked, ...]:
        """Every marked value of the spec, with its route in the document."""
        return tuple(marked(self.spec, ("spec",)))

    def at(self, *route: Segment, on_key: bool = False) -> Place:
        """Return the place of `route` inside this document."""
        return self.place.at(*route, on="key" if on_key else "value")

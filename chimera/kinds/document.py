"""A validated document, in memory or known by what was kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from chimera.kinds.coding import read_marks
from chimera.kinds.fields import Mark, Marked, Model
from chimera.kinds.kind import Kind, Metadata
from chimera.kinds.marking import marked
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

    def marks_of(self, *types: type[Mark]) -> list[Marked]:
        """Return those of the marked values whose marks are of some types."""
        return marked(self.spec, ("spec",), frozenset(types))

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that the document says it belongs to."""
        return self.metadata.layers

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels to select it by."""
        return self.metadata.labels

    def at(self, *route: Segment, on_key: bool = False) -> Place:
        """Return the place of `route` inside this document."""
        return self.place.at(*route, on="key" if on_key else "value")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is kept of a document, so that few questions about it ask for its file again.

    `marks` is what `marks_text` wrote, `None` where one of the values has no JSON form.
    """

    place: Place
    layers: tuple[str, ...]
    labels: Mapping[str, str]
    marks: str | None


class Origin(Protocol):
    """Where stored documents come from, by the rows in which they were stored."""

    def whole(self, row: int) -> Document[Model]:
        """Read a document again; raises `ChimeraError` where it is no longer what it was."""

    def digest(self, row: int) -> Digest:
        """Return the digest of what its author wrote."""


class StoredDocument(Document[Model]):
    """A document of which only facts are at hand: the rest is read when it is asked for.

    It keeps nothing of that, so that a judge can look at each document of a large repository.
    """

    def __init__(
        self, address: Address, kind: Kind, facts: Facts, origin: Origin, row: int
    ) -> None:
        # The base's other fields are worked out here. Its initializer would want to set them.
        self.__dict__.update(address=address, kind=kind, place=facts.place)
        self.__dict__.update(_facts=facts, _origin=origin, _row=row)

    _facts: Facts
    _origin: Origin
    _row: int

    @property
    def metadata(self) -> Metadata:
        """Everything that the envelope says."""
        return self._origin.whole(self._row).metadata

    @property
    def spec(self) -> Model:
        """The typed spec."""
        return self._origin.whole(self._row).spec

    @property
    def value(self) -> Mapping[str, Any]:
        """Exactly what its author wrote."""
        return self._origin.whole(self._row).value

    @property
    def digest(self) -> Digest:
        """SHA-256 over the canonical JSON of what the author wrote."""
        return self._origin.digest(self._row)

    @property
    def marks(self) -> tuple[Marked, ...]:
        """Every marked value of the spec, with its route in the document."""
        text = self._facts.marks
        return self._origin.whole(self._row).marks if text is None else read_marks(text)

    def marks_of(self, *types: type[Mark]) -> list[Marked]:
        """Return those of the marked values whose marks are of some types."""
        return [found for found in self.marks if type(found.mark) in types]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that the document says it belongs to."""
        return self._facts.layers

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels to select it by."""
        return self._facts.labels

    def __eq__(self, other: object) -> bool:
        """Compare by what was written, and where."""
        if not isinstance(other, Document):
            return NotImplemented
        mine = (self.address, self.place, self.value)
        return self is other or mine == (other.address, other.place, other.value)

    __hash__ = None  # type: ignore[assignment]

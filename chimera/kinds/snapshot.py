"""The snapshot: all documents of one tree, immutable, with typed access and a digest."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, cast

from chimera.documents import Tree
from chimera.kinds.document import Document
from chimera.kinds.fields import Model, Reference
from chimera.kinds.registry import Registry
from chimera.model import Address, Digest, Place, digest_json

S = TypeVar("S", bound=Model)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReferenceUse:
    """One reference from a document to another: who, to whom, which mark, and where it stands."""

    source: Address
    target: Address
    kinds: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Shard:
    """Some of a snapshot's documents, which stay together from one run to the next.

    `key` changes with every byte and path of theirs, and with nothing else.
    """

    key: Digest
    addresses: tuple[Address, ...]


_SHARDS = 64


@dataclass(frozen=True)
class Snapshot:
    """All valid documents of one tree by address, in order of address."""

    tree: Tree
    registry: Registry
    documents: Mapping[Address, Document[Model]]

    @staticmethod
    def of(tree: Tree, registry: Registry, documents: Iterable[Document[Model]]) -> Snapshot:
        """Return the snapshot of `documents`, whose addresses differ."""
        by_address = {document.address: document for document in documents}
        return Snapshot(tree, registry, dict(sorted(by_address.items())))

    def get(self, address: Address) -> Document[Model] | None:
        """Return the document at `address`, if there is one."""
        return self.documents.get(address)

    def of_model(self, spec: type[S]) -> tuple[Document[S], ...]:
        """Return all documents whose spec is `spec`, in order of name."""
        found = (d for d in self.documents.values() if isinstance(d.spec, spec))
        return cast("tuple[Document[S], ...]", tuple(found))

    def once(self, make: Callable[[Snapshot], T]) -> T:
        """Return what `make` makes of the snapshot, worked out when it is first asked for."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast("T", self._made[make])

    @cached_property
    def _made(self) -> dict[Any, Any]:
        return {}

    @cached_property
    def desired(self) -> tuple[Document[Model], ...]:
        """The documents that a plan compares and an apply carries out."""
        return tuple(d for d in self.documents.values() if not d.kind.record)

    @cached_property
    def records(self) -> tuple[Document[Model], ...]:
        """The documents that state what happened."""
        return tuple(d for d in self.documents.values() if d.kind.record)

    @cached_property
    def digest(self) -> Digest:
        """The digest of the desired documents; records never change it."""
        return digest_json([[str(d.address), d.digest] for d in self.desired])

    @cached_property
    def shards(self) -> tuple[Shard, ...]:
        """The documents in parts, so that judges can remember what they said of each part."""
        parts: dict[int, list[Document[Model]]] = {}
        for document in self.documents.values():
            number = zlib.crc32(document.place.path.encode("utf-8", "surrogateescape")) % _SHARDS
            parts.setdefault(number, []).append(document)
        return tuple(
            Shard(
                digest_json(
                    [[str(d.address), d.place.path, d.place.index, d.digest] for d in part]
                ),
                tuple(document.address for document in part),
            )
            for _, part in sorted(parts.items())
        )

    @cached_property
    def references(self) -> tuple[ReferenceUse, ...]:
        """Every typed reference of every document, dangling ones too."""
        return tuple(use for document in self.documents.values() for use in references_of(document))

    @cached_property
    def _referred_by(self) -> Mapping[Address, tuple[ReferenceUse, ...]]:
        uses: dict[Address, list[ReferenceUse]] = {}
        for use in self.references:
            uses.setdefault(use.target, []).append(use)
        return {address: tuple(found) for address, found in uses.items()}

    def referred_by(self, address: Address) -> tuple[ReferenceUse, ...]:
        """Return the references that lead to `address`."""
        return self._referred_by.get(address, ())


def references_of(document: Document[Model]) -> Iterable[ReferenceUse]:
    """Yield the typed references of one document."""
    for found in document.marks:
        if isinstance(found.mark, Reference):
            yield ReferenceUse(
                document.address,
                Address.parse(found.value),
                found.mark.kinds,
                document.at(*found.route),
            )

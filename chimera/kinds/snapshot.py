"""The snapshot: all documents of one tree, immutable, with typed access and a digest."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any, TypeVar, cast

from chimera.documents import Tree
from chimera.kinds.document import Document
from chimera.kinds.fields import Governs, Model, Reference
from chimera.kinds.memo import Memo, NoMemo
from chimera.kinds.registry import Registry
from chimera.kinds.shards import LoadedShard, address_of
from chimera.model import Address, Digest, Finding, Place, Verdict, digest_json

S = TypeVar("S", bound=Model)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReferenceUse:
    """One reference from a document to another: who, to whom, which mark, and where it stands."""

    source: Address
    target: Address
    kinds: tuple[str, ...]
    place: Place


class Documents(Mapping[Address, Document[Model]]):
    """The documents of shards by address, in order of address; each is made when it is asked for.

    No address is in two of the shards.
    """

    def __init__(self, shards: Sequence[LoadedShard]) -> None:
        self._shards = shards

    @cached_property
    def _rows(self) -> Mapping[str, tuple[LoadedShard, int]]:
        """Where each address is: its shard, and its row there."""
        return {
            name: (shard, row) for shard in self._shards for row, name in enumerate(shard.names)
        }

    @cached_property
    def _addresses(self) -> tuple[Address, ...]:
        # As text they have the same order: no character of a kind comes before the slash.
        return tuple(map(address_of, sorted(self._rows)))

    def __getitem__(self, address: Address) -> Document[Model]:
        """Return the document at `address`."""
        try:
            shard, row = self._rows[str(address)]
        except KeyError:
            raise KeyError(address) from None
        return shard.documents[row]

    def __contains__(self, address: object) -> bool:
        """Tell whether there is a document at `address`."""
        return isinstance(address, Address) and str(address) in self._rows

    def __iter__(self) -> Iterator[Address]:
        """Yield the addresses in order."""
        return iter(self._addresses)

    def __len__(self) -> int:
        """Return how many documents there are."""
        return sum(len(shard.names) for shard in self._shards)


_SHARDS = 64


@dataclass(frozen=True)
class Snapshot:
    """All valid documents of one tree by address, in order of address."""

    tree: Tree
    registry: Registry
    documents: Mapping[Address, Document[Model]]
    loaded: tuple[LoadedShard, ...] = field(default=(), repr=False)
    """The shards that it was loaded in; none where its documents come from elsewhere."""
    memo: Memo = field(default_factory=NoMemo, repr=False, compare=False)
    """Keeps between runs what is worked out from the documents."""

    @staticmethod
    def of(tree: Tree, registry: Registry, documents: Iterable[Document[Model]]) -> Snapshot:
        """Return the snapshot of `documents`, whose addresses differ."""
        by_address = {document.address: document for document in documents}
        return Snapshot(tree, registry, dict(sorted(by_address.items())))

    def get(self, address: Address) -> Document[Model] | None:
        """Return the document at `address`, if there is one."""
        return self.documents.get(address)

    def of_model(
        self, spec: type[S], only: Collection[Address] | None = None
    ) -> tuple[Document[S], ...]:
        """Return all documents whose spec is `spec`, or `only` some of them, in order of name."""
        kinds = {kind.name for kind in self.registry if kind.is_of(spec)}
        if only is None:
            documents = self.of_kinds(kinds)
        else:
            documents = [self.documents[a] for a in sorted(only) if a.kind in kinds]
        found = (document for document in documents if isinstance(document.spec, spec))
        return cast("tuple[Document[S], ...]", tuple(found))

    def of_kinds(self, kinds: Collection[str]) -> list[Document[Model]]:
        """Return all documents of some kinds, in order of address; no spec is read for it."""
        if not self.loaded:
            return [d for d in self.documents.values() if d.address.kind in kinds]
        there = self.kinds.keys() & kinds
        found: dict[str, Document[Model]] = {}
        for shard in self.loaded if there else ():
            if rows := shard.rows_of(there):
                shard.keep()
                found.update((shard.names[row], shard.documents[row]) for row in rows)
        return [document for _, document in sorted(found.items(), key=itemgetter(0))]

    @cached_property
    def governing(self) -> tuple[Document[Model], ...]:
        """The documents that govern paths of the tree, in order of address."""
        if not self.loaded:
            return tuple(
                document
                for document in self.documents.values()
                if any(isinstance(found.mark, Governs) for found in document.marks)
            )
        found = [shard.documents[row] for shard in self.loaded for row in shard.outline.governing]
        return tuple(sorted(found, key=lambda document: document.address))

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What plugins say of each document by itself; a judge's passes count as one verdict."""
        told = [verdict for shard in self.shards for _, verdict in shard.outline.told]
        passed: Counter[tuple[str, str]] = Counter()
        for shard in self.shards:
            for judge, rows in shard.outline.passed.items():
                passed.update((judge, shard.names[row].partition("/")[0]) for row in rows)
        told += (
            Verdict(judge, kind, Finding.PASS, count=count)
            for (judge, kind), count in passed.items()
        )
        return tuple(told)

    @cached_property
    def kinds(self) -> Mapping[str, int]:
        """How many documents of each kind there are, in order of kind."""
        found: Counter[str] = Counter()
        for shard in self.shards:
            found.update(shard.kinds)
        return dict(sorted(found.items()))

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
    def shards(self) -> tuple[LoadedShard, ...]:
        """The documents in parts, so that judges can remember what they said of each part."""
        if self.loaded:
            return self.loaded
        parts: dict[int, list[Document[Model]]] = {}
        for document in self.documents.values():
            number = zlib.crc32(document.place.path.encode("utf-8", "surrogateescape")) % _SHARDS
            parts.setdefault(number, []).append(document)
        return tuple(LoadedShard.of(part, self.registry) for _, part in sorted(parts.items()))

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
    for found in document.marks_of(Reference):
        if isinstance(found.mark, Reference):
            yield ReferenceUse(
                document.address,
                Address.parse(found.value),
                found.mark.kinds,
                document.at(*found.route),
            )

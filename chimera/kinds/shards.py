"""Shards: documents that stay together from one run to the next, with what was found in each.

Owns what is known of a shard without opening a file: who is in it, what is wrong with it, what was
said of its documents one by one. Everything in an outline follows from the shard's own files, the
engine and its plugins; whatever depends on other documents stands elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from chimera.kinds.coding import (
    diagnostic_json,
    marks_text,
    read_diagnostic,
    read_verdict,
    verdict_json,
)
from chimera.kinds.document import Document, Facts
from chimera.kinds.fields import Governs, KindReference, LayerReference, Marked, Model
from chimera.kinds.registry import Registry
from chimera.model import Address, Diagnostic, Digest, Place, Verdict, digest_json

AnyDocument = Document[Model]

_TELLING = (KindReference, Governs, LayerReference)
"""Marks that an outline tells of."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with some files, and which addresses stand in what could not be used.

    `strays` are faults of files that belong to another system, where one was met at all; `foreign`
    counts its documents.
    """

    found: tuple[Diagnostic, ...] = ()
    strays: tuple[Diagnostic, ...] = ()
    invalid: tuple[str, ...] = ()
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of documents by their positions in a shard, called rows.

    `told` holds verdicts with the rows they are about, and `passed` the rows that a judge passed
    and said nothing of. `governing` and `layered` are the rows with a governed path, and with a
    layer that the document names.
    """

    names: tuple[str, ...]
    files: Faults
    faults: tuple[tuple[int, Diagnostic], ...]
    told: tuple[tuple[int, Verdict], ...]
    passed: Mapping[str, tuple[int, ...]]
    governing: tuple[int, ...]
    layered: tuple[int, ...]

    def to_bytes(self) -> bytes:
        """Return the outline as JSON."""
        value = [
            self.names,
            list(map(diagnostic_json, self.files.found)),
            list(map(diagnostic_json, self.files.strays)),
            self.files.invalid,
            self.files.foreign,
            [[row, diagnostic_json(fault)] for row, fault in self.faults],
            [[row, verdict_json(verdict)] for row, verdict in self.told],
            self.passed,
            self.governing,
            self.layered,
        ]
        return json.dumps(value, separators=(",", ":")).encode("ascii")

    @staticmethod
    def from_bytes(data: bytes) -> Outline:
        """Read what `to_bytes` wrote."""
        (names, found, strays, invalid, foreign, faults, told, passed, governing, layered) = (
            json.loads(data)
        )
        files = Faults(
            tuple(map(read_diagnostic, found)),
            tuple(map(read_diagnostic, strays)),
            tuple(invalid),
            foreign,
        )
        return Outline(
            tuple(names),
            files,
            tuple((row, read_diagnostic(fault)) for row, fault in faults),
            tuple((row, read_verdict(verdict)) for row, verdict in told),
            {judge: tuple(rows) for judge, rows in passed.items()},
            tuple(governing),
            tuple(layered),
        )


def outline(documents: Sequence[AnyDocument], registry: Registry, files: Faults) -> Outline:
    """Say of each document what can be said without any other."""
    faults: list[tuple[int, Diagnostic]] = []
    told: list[tuple[int, Verdict]] = []
    passed: dict[str, list[int]] = {}
    governing, layered = [], []
    for row, document in enumerate(documents):
        told_of = document.marks_of(*_TELLING)
        marks = {type(found.mark) for found in told_of}
        if KindReference in marks:
            faults += ((row, fault) for fault in _unknown_kinds(document, told_of, registry))
        if Governs in marks:
            governing.append(row)
        if document.layers or LayerReference in marks:
            layered.append(row)
        for verdict in registry.judge(document):
            if verdict.is_bare and verdict.subject == str(document.address):
                passed.setdefault(verdict.judge, []).append(row)
            else:
                told.append((row, verdict))
    return Outline(
        tuple(str(document.address) for document in documents),
        files,
        tuple(faults),
        tuple(told),
        {judge: tuple(rows) for judge, rows in sorted(passed.items())},
        tuple(governing),
        tuple(layered),
    )


def _unknown_kinds(
    document: AnyDocument, marks: Iterable[Marked], registry: Registry
) -> Iterator[Diagnostic]:
    """Report every selector that names a kind which no plugin registers: it holds for nothing."""
    for found in marks:
        if type(found.mark) is KindReference and found.value not in registry.kinds:
            near = registry.nearest(found.value)
            yield Diagnostic(
                "selector-kind-unknown",
                f"there is no kind {found.value!r}, so that nothing is ever selected by it",
                document.at(*found.route),
                f"did you mean {near}?" if near else "`chimera explain` lists the kinds",
                address=str(document.address),
            )


def address_of(name: str) -> Address:
    """Return the address that is written so in an outline."""
    kind, _, label = name.partition("/")
    return Address(kind, label)


def facts_json(documents: Iterable[AnyDocument]) -> list[Any]:
    """Return the facts of documents as JSON."""
    return [
        [d.place.path, d.place.index, d.layers, dict(d.labels), marks_text(d.marks)]
        for d in documents
    ]


def read_facts(facts: Iterable[Any]) -> Iterator[Facts]:
    """Read what `facts_json` wrote."""
    for path, index, layers, labels, marks in facts:
        yield Facts(Place(path, index), tuple(layers), labels, marks)


@dataclass(frozen=True)
class Shard:
    """Some of a snapshot's documents, which stay together from one run to the next.

    `key` changes with every byte and path of theirs, and with nothing else.
    """

    key: Digest
    addresses: tuple[Address, ...]


class LoadedShard(Shard):
    """A shard with what is known of its documents, each thing looked up when it is first asked."""

    def __init__(
        self,
        names: tuple[str, ...],
        key: Callable[[], Digest],
        outline: Callable[[], Outline],
        documents: Callable[[], Sequence[AnyDocument]],
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        self.__dict__.update(names=names, _makers=(key, outline, documents), keep=keep)

    names: tuple[str, ...]
    """The addresses of its documents as text; a position among them is a row."""
    keep: Callable[[], None]
    """Has the facts of its documents kept: they are asked for in every run."""
    _makers: tuple[Callable[[], Digest], Callable[[], Outline], Callable[[], Sequence[AnyDocument]]]

    @staticmethod
    def of(
        documents: Sequence[AnyDocument], registry: Registry, files: Faults | None = None
    ) -> LoadedShard:
        """Return a shard of documents that are at hand."""

        def key() -> Digest:
            return digest_json(
                [[str(d.address), d.place.path, d.place.index, d.digest] for d in documents]
            )

        return LoadedShard(
            tuple(str(document.address) for document in documents),
            key,
            lambda: outline(documents, registry, files or Faults()),
            lambda: documents,
        )

    @cached_property
    def key(self) -> Digest:
        """The digest of what the documents are and where they stand."""
        return self._makers[0]()

    @cached_property
    def outline(self) -> Outline:
        """What is known of the documents one by one."""
        return self._makers[1]()

    @cached_property
    def documents(self) -> Sequence[AnyDocument]:
        """The documents themselves, by row."""
        return self._makers[2]()

    @cached_property
    def addresses(self) -> tuple[Address, ...]:
        """The addresses of the documents, by row."""
        return tuple(map(address_of, self.names))

    @cached_property
    def kinds(self) -> Mapping[str, int]:
        """How many documents of each kind there are."""
        return {kind: len(rows) for kind, rows in self._rows.items()}

    @cached_property
    def _rows(self) -> Mapping[str, Sequence[int]]:
        found: dict[str, list[int]] = {}
        for row, name in enumerate(self.names):
            found.setdefault(name.partition("/")[0], []).append(row)
        return found

    def rows_of(self, kinds: Collection[str]) -> Sequence[int]:
        """Return the rows of the documents of some kinds, in order."""
        chosen = [self._rows[kind] for kind in kinds if kind in self._rows]
        return chosen[0] if len(chosen) == 1 else sorted(chain.from_iterable(chosen))

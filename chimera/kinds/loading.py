"""From a tree to a snapshot, with every fault on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from chimera.documents import (
    RawDocument,
    Tree,
    is_root,
    list_documents,
    not_read,
    without_collector,
)
from chimera.kinds.document import Document
from chimera.kinds.fields import Model
from chimera.kinds.memo import Memo, NoMemo, StoredMemo
from chimera.kinds.parts import Part, parts_of
from chimera.kinds.reading import Reader, claimed_address, read_part
from chimera.kinds.references import check_references
from chimera.kinds.registry import Registry
from chimera.kinds.shards import Faults, LoadedShard
from chimera.kinds.snapshot import Documents, Snapshot
from chimera.kinds.validation import salvage
from chimera.model import Diagnostic, Place, Related
from chimera.plugin import engine_version
from chimera.state import NoStore, Store

DEFAULT_ROOTS = ("specs", "policies", "proofs", "changelog")
"""The folders that hold documents; a `Repository` document can name more."""
_HELD = 16 * 1024 * 1024
"""Bytes of files kept between looking for the Repository document and reading all others."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A snapshot of what can be judged, everything that is wrong, and how much was left aside."""

    snapshot: Snapshot
    diagnostics: tuple[Diagnostic, ...]
    foreign: int = 0
    """Documents of other systems met in a folder that is no Chimera repository."""


@dataclass(frozen=True)
class Source:
    """The files of a tree that hold documents, found before the plugins are known."""

    tree: Tree
    roots: tuple[str, ...]
    parts: tuple[Part, ...]
    links: tuple[Diagnostic, ...]
    store: Store

    @property
    def repositories(self) -> Iterable[Any]:
        """The documents of the kind `Repository`, as they were written, in the order of files."""
        return (value for part in self.parts for value in part.repositories)

    @cached_property
    def raw(self) -> tuple[RawDocument, ...]:
        """Every document, as it was written."""
        return tuple(raw for found, _ in self._read for raw in found)

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the files."""
        files = [faults for _, faults in self._read]
        return (*self.links, *(fault for part in told(files) for fault in part))

    @cached_property
    def _read(self) -> list[tuple[list[RawDocument], Faults]]:
        return [read_part(part, part.read(self.tree)) for part in self.parts]


def told(files: Sequence[Faults]) -> Iterable[tuple[Diagnostic, ...]]:
    """Yield the faults that count: files of other systems are left aside where there are any."""
    are_foreign = any(faults.foreign for faults in files)
    return (f.found if are_foreign else (*f.found, *f.strays) for f in files)


def read_source(tree: Tree, store: Store | None = None) -> Source:
    """Find every YAML document below the tree's roots.

    A `Repository` document below the default roots can name more roots. A folder without any of
    them is read whole, and documents of other systems in it are left aside. What `store` tells of
    files that did not change since is not read again.
    """
    store = store or NoStore()
    part = partial(parts_of, tree, store=store, version=engine_version(), room=_HELD)
    listing = list_documents(tree, DEFAULT_ROOTS)
    if not listing.paths and not listing.links:
        listing = list_documents(tree, (".",))
        links = tuple(not_read(tree, link) for link in listing.links)
        return Source(tree, (".",), tuple(part(listing, is_whole=True)), links, store)
    parts = tuple(part(listing, is_whole=False))
    links = tuple(not_read(tree, link) for link in listing.links)
    named = _named_roots(value for one in parts for value in one.repositories)
    more = tuple(root for root in named if root not in DEFAULT_ROOTS)
    if more:
        listing = list_documents(tree, more)
        known = {path for one in parts for path in one.paths}
        listing = listing.without(known)
        parts += tuple(part(listing, is_whole=False))
        links += tuple(not_read(tree, link) for link in listing.links)
    return Source(tree, (*DEFAULT_ROOTS, *more), parts, links, store)


def _named_roots(repositories: Iterable[Any]) -> tuple[str, ...]:
    for value in repositories:
        spec = value.get("spec")
        roots = spec.get("roots") if isinstance(spec, dict) else None
        if isinstance(roots, list):
            return tuple(r for r in roots if isinstance(r, str) and is_root(r))
    return ()


def load_snapshot(source: Source, registry: Registry) -> Loaded:
    """Validate every document of `source`, resolve references, and report all that is wrong."""
    memo: Memo = StoredMemo(source.store, registry.version) if registry.version else NoMemo()
    reader = Reader(source.tree, registry, source.store, memo)
    with without_collector():
        shards = list(map(reader.shard, source.parts))
        return _loaded(source.tree, registry, shards, source.links, memo)


def load_values(tree: Tree, raw: Iterable[RawDocument], registry: Registry) -> Loaded:
    """Do the same for documents that are in no file of `tree`."""
    documents: list[Document[Model]] = []
    faults: list[Diagnostic] = []
    invalid = []
    for one in raw:
        document, found = salvage(one, registry)
        faults += found
        if document is None:
            invalid.append(claimed_address(one))
        else:
            documents.append(document)
    files = Faults(tuple(faults), invalid=tuple(invalid))
    return _loaded(tree, registry, [LoadedShard.of(documents, registry, files)], (), NoMemo())


def _loaded(
    tree: Tree,
    registry: Registry,
    shards: Sequence[LoadedShard],
    links: Iterable[Diagnostic],
    memo: Memo,
) -> Loaded:
    files = [shard.outline.files for shard in shards]
    faults = [*links, *(fault for part in told(files) for fault in part)]
    invalid = {name for part in files for name in part.invalid}
    shards, repeated = _without_repetition(shards, registry)
    faults += repeated
    faults += (fault for shard in shards for _, fault in shard.outline.faults)
    snapshot = Snapshot(tree, registry, Documents(shards), tuple(shards), memo)
    if "Repository" in snapshot.kinds:
        from chimera.kinds.repository import check_repositories

        faults += check_repositories(snapshot)
    faults += check_references(snapshot, invalid)
    return Loaded(snapshot, tuple(faults), sum(part.foreign for part in files))


def _without_repetition(
    shards: Sequence[LoadedShard], registry: Registry
) -> tuple[Sequence[LoadedShard], list[Diagnostic]]:
    """Leave out every second document with an address, and report it."""
    every = {name for shard in shards for name in shard.names}
    if len(every) == sum(len(shard.names) for shard in shards):
        return shards, []
    first: dict[str, Document[Model]] = {}
    faults = []
    kept = []
    for shard in shards:
        left = []
        for name, document in zip(shard.names, shard.documents, strict=True):
            if first.setdefault(name, document) is document:
                left.append(document)
            else:
                faults.append(_duplicate(document, first[name].place))
        kept.append(shard if len(left) == len(shard.names) else LoadedShard.of(left, registry))
    return kept, faults


def _duplicate(document: Document[Model], first: Place) -> Diagnostic:
    return Diagnostic(
        "document-duplicate",
        f"a second document with the address {document.address}",
        document.at("metadata", "name"),
        "rename one of the two, or delete it",
        address=str(document.address),
        related=(Related("the first one stands here", first.at("metadata", "name")),),
    )

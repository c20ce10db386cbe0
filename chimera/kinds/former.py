"""The snapshot of a tree that differs in a few known paths from one that has been loaded.

Reads what differs, and nothing else. Refuses to guess: where a fault or a `Repository` document
could make more of a difference, the tree is read whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from chimera.documents import Tree, is_below, load_documents
from chimera.kinds.document import Document
from chimera.kinds.fields import Model
from chimera.kinds.loading import Loaded, Source, load_snapshot, read_source
from chimera.kinds.repository import RepositorySpec
from chimera.kinds.shards import LoadedShard
from chimera.kinds.snapshot import Documents, Snapshot
from chimera.kinds.validation import salvage
from chimera.model import Address

_MOST_FILES = 500
"""How many files are named to Git one by one."""


def former_snapshot(
    tree: Tree, source: Source, loaded: Loaded, differing: Collection[str]
) -> Snapshot:
    """Return the snapshot of `tree`, which differs in `differing` from the tree of `loaded`.

    Shards without a differing file are the same objects in both snapshots.
    """
    registry = loaded.snapshot.registry
    changed = {path for path in differing if any(is_below(path, root) for root in source.roots)}
    if _is_enough(changed, source, loaded):
        raw, _ = load_documents(tree, sorted(changed)) if changed else ([], [])
        found: dict[Address, Document[Model]] = {}
        for document in (salvage(one, registry)[0] for one in raw):
            if document is not None:
                found.setdefault(document.address, document)
        if not any(_is_elsewhere(document, loaded, changed) for document in found.values()):
            shards = tuple(_shards(source, loaded.snapshot, changed, found.values()))
            return Snapshot(tree, registry, Documents(shards), shards, loaded.snapshot.memo)
    return load_snapshot(read_source(tree), registry).snapshot


def _is_enough(changed: Collection[str], source: Source, loaded: Loaded) -> bool:
    """Tell whether the files that differ are all that is to be read anew.

    Of two documents with one address the second is left out, and might be the one that was there.
    """
    snapshot = loaded.snapshot
    return (
        len(changed) <= _MOST_FILES
        and source.roots != (".",)
        and len(source.parts) == len(snapshot.loaded)
        and not any(d.rule == "document-duplicate" for d in loaded.diagnostics)
        and not any(d.place.path in changed for d in snapshot.of_model(RepositorySpec))
    )


def _is_elsewhere(document: Document[Model], loaded: Loaded, changed: Collection[str]) -> bool:
    """Tell whether a document decides what is read, or has its address in another file, too."""
    if isinstance(document.spec, RepositorySpec):
        return True
    present = loaded.snapshot.get(document.address)
    return present is not None and present.place.path not in changed


def _shards(
    source: Source,
    snapshot: Snapshot,
    changed: Collection[str],
    found: Collection[Document[Model]],
) -> Iterator[LoadedShard]:
    kept: list[Document[Model]] = []
    for part, shard in zip(source.parts, snapshot.loaded, strict=True):
        if any(path in changed for path in part.paths):
            kept += [d for d in shard.documents if d.place.path not in changed]
        else:
            yield shard
    if kept or found:
        yield LoadedShard.of([*kept, *found], snapshot.registry)


def documents_in(
    paths: Collection[str], snapshot: Snapshot, other: Snapshot
) -> dict[Address, Document[Model]]:
    """Return the documents that stand in files at `paths`, in which two snapshots differ.

    A shard that both have is not looked into.
    """
    if not snapshot.loaded or not other.loaded:
        return {a: d for a, d in snapshot.documents.items() if d.place.path in paths}
    same = {id(shard) for shard in other.loaded}
    return {
        document.address: document
        for shard in snapshot.loaded
        if id(shard) not in same
        for document in shard.documents
        if document.place.path in paths
    }

"""The snapshot of a tree that differs in a few known paths from one that has been loaded.

Reads what differs, and nothing else. Refuses to guess: where a fault or a `Repository` document
could make more of a difference, the tree is read whole.
"""

from __future__ import annotations

from collections.abc import Collection

from chimera.documents import Tree, is_below, load_documents
from chimera.kinds.document import Document
from chimera.kinds.fields import Model
from chimera.kinds.loading import Loaded, Source, load_snapshot, read_source
from chimera.kinds.repository import RepositorySpec
from chimera.kinds.snapshot import Snapshot
from chimera.kinds.validation import salvage

_MOST_FILES = 500
"""How many files are named to Git one by one."""


def former_snapshot(
    tree: Tree, source: Source, loaded: Loaded, differing: Collection[str]
) -> Snapshot:
    """Return the snapshot of `tree`, which differs in `differing` from the tree of `loaded`.

    Documents of files that are the same in both are the same objects in both snapshots.
    """
    registry = loaded.snapshot.registry
    changed = {path for path in differing if any(is_below(path, root) for root in source.roots)}
    if _is_enough(changed, source, loaded):
        kept = [d for d in loaded.snapshot.documents.values() if d.place.path not in changed]
        raw, _ = load_documents(tree, sorted(changed)) if changed else ([], [])
        found = [d for one in raw if (d := salvage(one, registry)[0]) is not None]
        if kept and not any(isinstance(document.spec, RepositorySpec) for document in found):
            return Snapshot.of(tree, registry, _first([*kept, *found]))
    return load_snapshot(read_source(tree), registry).snapshot


def _is_enough(changed: Collection[str], source: Source, loaded: Loaded) -> bool:
    """Tell whether the files that differ are all that is to be read anew.

    Of two documents with one address the second is left out, and might be the one that was there.
    """
    return (
        len(changed) <= _MOST_FILES
        and source.roots != (".",)
        and not any(d.rule == "document-duplicate" for d in loaded.diagnostics)
        and not any(
            document.place.path in changed for document in loaded.snapshot.of_model(RepositorySpec)
        )
    )


def _first(documents: list[Document[Model]]) -> list[Document[Model]]:
    """Return the first document of each address, in the order in which a tree is read."""
    found: dict[object, Document[Model]] = {}
    for document in sorted(documents, key=lambda d: (d.place.path, d.place.index)):
        found.setdefault(document.address, document)
    return list(found.values())

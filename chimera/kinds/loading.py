"""From a tree to a snapshot, with every fault on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chimera.documents import RawDocument, Tree, is_root, load_documents
from chimera.kinds.document import Document
from chimera.kinds.fields import Model
from chimera.kinds.kind import API_VERSION
from chimera.kinds.references import check_kind_names, check_references
from chimera.kinds.registry import Registry
from chimera.kinds.repository import DEFAULT_ROOTS, check_repositories
from chimera.kinds.snapshot import Snapshot
from chimera.kinds.validation import salvage
from chimera.model import Address, ChimeraError, Diagnostic, Place, Related

_GROUP = API_VERSION.partition("/")[0] + "/"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A snapshot of what can be judged, everything that is wrong, and how much was left aside."""

    snapshot: Snapshot
    diagnostics: tuple[Diagnostic, ...]
    foreign: int = 0
    """Documents of other systems met in a folder that is no Chimera repository."""


@dataclass(frozen=True, slots=True)
class Source:
    """The raw documents of a tree, read before the plugins are known."""

    tree: Tree
    roots: tuple[str, ...]
    raw: tuple[RawDocument, ...]
    diagnostics: tuple[Diagnostic, ...]
    foreign: int


def read_source(tree: Tree) -> Source:
    """Read every YAML document below the tree's roots.

    A `Repository` document below the default roots can name more roots. A folder without any of
    them is read whole, and documents of other systems in it are left aside.
    """
    raw, faults = load_documents(tree, DEFAULT_ROOTS)
    if not raw and not faults:
        raw, faults = load_documents(tree, (".",))
        own = tuple(document for document in raw if _is_ours(document.value))
        foreign = len(raw) - len(own)
        kept = tuple(f for f in faults if not foreign or _claims_to_be_ours(tree, f.where.path))
        return Source(tree, (".",), own, kept, foreign)
    more = tuple(root for root in _named_roots(raw) if root not in DEFAULT_ROOTS)
    if more:
        added, found = load_documents(tree, more)
        raw, faults = [*raw, *added], [*faults, *found]
    return Source(tree, (*DEFAULT_ROOTS, *more), tuple(raw), tuple(faults), 0)


def _is_ours(value: dict[str, Any]) -> bool:
    version = value.get("apiVersion")
    return isinstance(version, str) and version.startswith(_GROUP)


def _claims_to_be_ours(tree: Tree, path: str) -> bool:
    """Tell whether a file that cannot be read as YAML was meant for Chimera all the same."""
    try:
        return f"apiVersion: {_GROUP}".encode() in tree.read(path)
    except ChimeraError:
        return False


def _named_roots(raw: Iterable[RawDocument]) -> tuple[str, ...]:
    for document in raw:
        if document.value.get("kind") == "Repository":
            spec = document.value.get("spec")
            roots = spec.get("roots") if isinstance(spec, dict) else None
            if isinstance(roots, list):
                return tuple(r for r in roots if isinstance(r, str) and is_root(r))
    return ()


def load_snapshot(source: Source, registry: Registry) -> Loaded:
    """Validate every document of `source`, resolve references, and report all that is wrong."""
    faults = list(source.diagnostics)
    documents: dict[Address, Document[Model]] = {}
    invalid: set[str] = set()
    # What stands in for a number that could not be read is not judged once more.
    reported = {fault.where for fault in faults}
    for raw in source.raw:
        document, found = salvage(raw, registry)
        faults += (fault for fault in found if fault.where not in reported)
        if document is None:
            invalid.add(_claimed_address(raw))
        elif document.address in documents:
            faults.append(_duplicate(document, documents[document.address].place))
        else:
            documents[document.address] = document
    snapshot = Snapshot.of(source.tree, registry, documents.values())
    faults += check_repositories(snapshot)
    faults += check_kind_names(snapshot)
    faults += check_references(snapshot, invalid)
    return Loaded(snapshot, tuple(faults), source.foreign)


def _claimed_address(raw: RawDocument) -> str:
    """Return the address that an invalid document would have: it is there, if not valid."""
    metadata = raw.value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{raw.value.get('kind')}/{name}"


def _duplicate(document: Document[Model], first: Place) -> Diagnostic:
    return Diagnostic(
        "document-duplicate",
        f"a second document with the address {document.address}",
        document.at("metadata", "name"),
        "rename one of the two, or delete it",
        address=str(document.address),
        related=(Related("the first one stands here", first.at("metadata", "name")),),
    )

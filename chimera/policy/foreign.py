"""Foreign documents: files of other systems that a `Schema` claims by their paths, read once.

A file below one of Chimera's own roots is not foreign. Refuses to follow symlinks, and to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chimera.documents import Extensions, Globs, is_document, load_foreign
from chimera.kinds import DEFAULT_ROOTS, Document, RepositorySpec, Snapshot, Subject
from chimera.model import Address, Diagnostic, Place, Severity, Span, is_dormant
from chimera.policy.schemas.kinds import SchemaSpec

_AMBIGUOUS = {
    "yaml-ambiguous-scalar": "write what both versions read alike: quoted text, or a plain number",
    "yaml-ambiguous-break": "",
}
"""What the versions of YAML read apart, and what to do about it where that is refused."""

_MOST_NAMED = 3
_MERGED = "let the Schema say readBy: yaml-1.1, or write the merged fields out"

_LINKS = {"120000": "a symlink is", "160000": "a submodule is"}


@dataclass(frozen=True, slots=True)
class ForeignDocument:
    """One document that is none of Chimera's: its file, its position there, what it says.

    `schemas` are those that claim its file, whether or not they select the document.
    """

    path: str
    index: int
    value: Any
    place: Place
    schemas: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Foreign:
    """All files that Schemas claim: what could be read, and by path what is wrong with the rest."""

    claims: Mapping[str, tuple[Document[SchemaSpec], ...]]
    documents: tuple[ForeignDocument, ...]
    faults: Mapping[str, tuple[Diagnostic, ...]]


def foreign_documents(snapshot: Snapshot) -> tuple[ForeignDocument, ...]:
    """Return the foreign documents of a snapshot that can be read, by path and position."""
    return read_foreign(snapshot).documents


def judged_documents(subject: Subject) -> tuple[ForeignDocument, ...]:
    """Return the foreign documents for which a Schema acts: one in a dormant layer claims none."""
    found = foreign_documents(subject.snapshot)
    claiming = {address for document in found for address in document.schemas}
    acting = {address for address in claiming if not is_dormant(subject.placed(address))}
    return tuple(document for document in found if not acting.isdisjoint(document.schemas))


def read_foreign(snapshot: Snapshot) -> Foreign:
    """Return the files that the snapshot's Schemas claim, read when first asked for."""
    return snapshot.once(_read)


def _read(snapshot: Snapshot) -> Foreign:
    claims, faults = _claims(snapshot)
    documents: list[ForeignDocument] = []
    readable = [path for path in claims if path not in faults]
    allowed = {path: _extensions(claims[path]) for path in readable}
    for path, values, found in load_foreign(snapshot.tree, readable, allowed):
        schemas = tuple(schema.address for schema in claims[path])
        documents += (
            ForeignDocument(path, index, value, Place(path, index), schemas)
            for index, value, sound in values
            if sound
        )
        if weighed := _by_readers(found, claims[path]):
            faults[path] = weighed
    return Foreign(claims, tuple(documents), faults)


def _claims(
    snapshot: Snapshot,
) -> tuple[dict[str, tuple[Document[SchemaSpec], ...]], dict[str, tuple[Diagnostic, ...]]]:
    """Return the Schemas of each claimed file, and faults of what is claimed and no file."""
    schemas = [(document, Globs(document.spec.paths)) for document in snapshot.of_model(SchemaSpec)]
    claims: dict[str, tuple[Document[SchemaSpec], ...]] = {}
    faults: dict[str, tuple[Diagnostic, ...]] = {}
    if not schemas:
        return claims, faults
    is_ours = _ours(snapshot, schemas[0][0].place.path)
    for entry in snapshot.tree.entries():
        path = entry.path
        found = tuple(document for document, globs in schemas if globs.matches(path))
        if not found or is_ours(path):
            continue
        claims[path] = found
        if entry.mode in _LINKS:
            faults[path] = (_not_followed(path, _LINKS[entry.mode]),)
    return claims, faults


def _ours(snapshot: Snapshot, known: str) -> Callable[[str], bool]:
    """Return what tells whether a file is Chimera's own, given one that is.

    Either all documents stand below roots, or there are none there and they may stand anywhere.
    """
    repositories = snapshot.of_model(RepositorySpec)
    roots = (*DEFAULT_ROOTS, *(root for one in repositories for root in one.spec.roots))
    if is_document(known, roots):
        return lambda path: is_document(path, roots)
    paths = {document.place.path for document in snapshot.documents.values()}
    return paths.__contains__


def _extensions(schemas: Sequence[Document[SchemaSpec]]) -> Extensions:
    """Return what a file may use: what every Schema that claims it lets in."""
    merges = all(schema.spec.read_by != "yaml-1.2" for schema in schemas)
    tags = frozenset.intersection(*(frozenset(schema.spec.tags) for schema in schemas))
    names = " and ".join(str(schema.address) for schema in schemas[:_MOST_NAMED])
    advice = f"let spec.tags of {names} name it, to have what it marks read as plain data"
    return Extensions(merges, tags, advice)


def _not_followed(path: str, what: str) -> Diagnostic:
    return Diagnostic(
        "foreign-not-followed",
        f"{what} not followed: nothing looks at what it leads to",
        Span(path),
        "let a Schema claim the files themselves",
        Severity.WARNING,
    )


def _by_readers(
    found: Iterable[Diagnostic], schemas: Iterable[Document[SchemaSpec]]
) -> tuple[Diagnostic, ...]:
    """Weigh what versions of YAML read apart by the versions that Schemas speak of."""
    versions = {schema.spec.read_by for schema in schemas} - {None}

    def weighed(fault: Diagnostic) -> Diagnostic | None:
        if fault.rule == "yaml-merge-key" and fault.severity is Severity.WARNING:
            return None if versions else replace(fault, help=_MERGED)
        if fault.rule not in _AMBIGUOUS or not versions:
            return fault
        refused = replace(fault, severity=Severity.ERROR, help=_AMBIGUOUS[fault.rule] or fault.help)
        return refused if "yaml-1.1" in versions else None

    return tuple(fault for one in found if (fault := weighed(one)) is not None)

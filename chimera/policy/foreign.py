"""Foreign documents: files of other systems that a `Schema` claims by their paths, read once.

A file below one of Chimera's own roots is not foreign. Refuses to follow symlinks, and to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from chimera.documents import (
    Extensions,
    Globs,
    contents,
    is_document,
    is_link,
    parse_foreign,
    without_collector,
)
from chimera.kinds import DEFAULT_ROOTS, Document, Snapshot, Subject
from chimera.model import Action, Address, Change, Diagnostic, Place, Severity, Span, is_dormant

if TYPE_CHECKING:
    from chimera.policy.schemas.kinds import SchemaSpec

_AMBIGUOUS = {
    "yaml-ambiguous-scalar": "write what both versions read alike: quoted text, or a plain number",
    "yaml-ambiguous-break": "",
}
"""What the versions of YAML read apart, and what to do about it where that is refused."""

_BATCH = 500  # files that are read at once
_MOST_NAMED = 3
_MERGED = "let the Schema say readBy: yaml-1.1, or write the merged fields out"

_LINKS = {"120000": "a symlink is", "160000": "a submodule is"}


@dataclass(frozen=True, slots=True)
class ForeignDocument:
    """One document that is none of Chimera's: its file, its position there, what it says.

    `schemas` are those that claim its file, whether or not they select the document. Where a tree
    is compared with, `change` is what becomes of it and `before` what it said, `None` where it is
    new. One that `is_gone` has the position, and says, what it did.
    """

    path: str
    index: int
    value: Any
    place: Place
    schemas: tuple[Address, ...] = ()
    change: Change | None = None
    before: Any = None

    @property
    def is_gone(self) -> bool:
        """Whether the change deletes it."""
        return self.change is not None and self.change.action is Action.DELETE


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """One file that Schemas claim: what of it can be read, and what is wrong with the rest."""

    path: str
    documents: tuple[ForeignDocument, ...]
    faults: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Claims:
    """The files that Schemas claim, by path in order, and which of them are none to be read.

    `ids` are those of the files' content in a commit.
    """

    schemas: Mapping[str, tuple[Document[SchemaSpec], ...]]
    links: Mapping[str, Diagnostic]
    ids: Mapping[str, str]

    def read(self, path: str, data: bytes) -> ForeignFile:
        """Read the content of a file that is claimed."""
        schemas = self.schemas[path]
        addresses = tuple(schema.address for schema in schemas)
        values, found = parse_foreign(path, data, _extensions(schemas))
        documents = (
            ForeignDocument(path, index, value, Place(path, index), addresses)
            for index, value, sound in values
            if sound
        )
        return ForeignFile(path, tuple(documents), _by_readers(found, schemas))


def judged_documents(subject: Subject, globs: Sequence[Globs]) -> tuple[ForeignDocument, ...]:
    """Return the foreign documents that any of `globs` matches and for which a Schema acts.

    One in a dormant layer claims none.
    """
    chosen = (path for path in judged_files(subject) if any(one.matches(path) for one in globs))
    return tuple(d for file in read_files(subject.snapshot, chosen) for d in file.documents)


def judged_files(subject: Subject) -> Iterator[str]:
    """Yield the files that are read and for which a Schema acts, by path."""
    claims = claims_of(subject.snapshot)
    for path, schemas in claims.schemas.items():
        is_idle = all(is_dormant(subject.placed(schema.address)) for schema in schemas)
        if not is_idle and path not in claims.links:
            yield path


def read_files(snapshot: Snapshot, paths: Iterable[str]) -> Iterator[ForeignFile]:
    """Yield the files at `paths`, which are claimed, in order; values are held a batch at a time.

    One that cannot be read has faults alone.
    """
    claims = claims_of(snapshot)
    for batch in _batches(paths):
        data, faults = read_contents(snapshot, batch)
        with without_collector():
            files = {path: claims.read(path, content) for path, content in data.items()}
        for path in batch:
            yield files.get(path) or ForeignFile(path, (), (faults[path],))


def read_contents(
    snapshot: Snapshot, paths: Iterable[str]
) -> tuple[dict[str, bytes], dict[str, Diagnostic]]:
    """Return the content of files that are claimed, and by path why one has none."""
    claims = claims_of(snapshot)
    chosen = [path for path in paths if path not in claims.links]
    unreadable: list[Diagnostic] = []
    data = dict(contents(snapshot.tree, chosen, unreadable))
    return data, {**claims.links, **{fault.where.path: fault for fault in unreadable}}


def claims_of(snapshot: Snapshot) -> Claims:
    """Return which files the snapshot's Schemas claim, worked out when first asked for."""
    return snapshot.once(_claims)


def _batches(paths: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(paths)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _claims(snapshot: Snapshot) -> Claims:
    if "Schema" not in snapshot.kinds:
        return Claims({}, {}, {})
    from chimera.policy.schemas.kinds import SchemaSpec

    schemas = [(document, Globs(document.spec.paths)) for document in snapshot.of_model(SchemaSpec)]
    found, links, ids = {}, {}, {}
    is_ours = _ours(snapshot, schemas[0][0].place.path)
    for entry in snapshot.tree.entries():
        path = entry.path
        leads = is_link(entry)
        claiming = tuple(
            document
            for document, globs in schemas
            if globs.matches(path) or (leads and globs.leads_to(path))
        )
        if not claiming or is_ours(path):
            continue
        found[path] = claiming
        if entry.id is not None:
            ids[path] = entry.id
        if leads:
            links[path] = _not_followed(path, _LINKS[entry.mode])
    return Claims(found, links, ids)


def _ours(snapshot: Snapshot, known: str) -> Callable[[str], bool]:
    """Return what tells whether a file is Chimera's own, given one that is.

    Either all documents stand below roots, or there are none there and they may stand anywhere.
    """
    from chimera.kinds import RepositorySpec

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

"""Whether references lead anywhere, and to a kind that their field takes."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from chimera.kinds.fields import KindReference
from chimera.kinds.snapshot import ReferenceUse, Snapshot
from chimera.model import Address, Diagnostic


def check_references(
    snapshot: Snapshot, invalid: Collection[str] = frozenset()
) -> Iterator[Diagnostic]:
    """Report every reference that dangles or leads to the wrong kind.

    `invalid` holds the addresses of documents that are there and have faults of their own.
    """
    for use in snapshot.references:
        if use.kinds and use.target.kind not in use.kinds:
            yield Diagnostic(
                "reference-kind",
                f"{use.target} is not of the kind {' or '.join(use.kinds)}",
                use.place,
                f"refer to a document of the kind {' or '.join(use.kinds)}",
                address=str(use.source),
            )
        elif snapshot.get(use.target) is None and str(use.target) not in invalid:
            yield Diagnostic(
                "reference-dangling",
                f"there is no {use.target}",
                use.place,
                _nearest(snapshot, use),
                address=str(use.source),
            )


def check_kind_names(snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Report every selector that names a kind which no plugin registers: it holds for nothing."""
    registry = snapshot.registry
    for document in snapshot.documents.values():
        for found in document.marks:
            if isinstance(found.mark, KindReference) and found.value not in registry.kinds:
                near = registry.nearest(found.value)
                yield Diagnostic(
                    "selector-kind-unknown",
                    f"there is no kind {found.value!r}, so that nothing is ever selected by it",
                    document.at(*found.route),
                    f"did you mean {near}?" if near else "`chimera explain` lists the kinds",
                    address=str(document.address),
                )


def _nearest(snapshot: Snapshot, use: ReferenceUse) -> str:
    near = difflib.get_close_matches(str(use.target), map(str, snapshot.documents), n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"add the document {use.target}, or remove the reference"


def check_deletions(snapshot: Snapshot, before: dict[Address, str]) -> Iterator[Diagnostic]:
    """Report references to documents that were there before, as the deletions that they are.

    `before` maps each former address to the path it stood in.
    """
    for use in snapshot.references:
        if use.target in before and snapshot.get(use.target) is None:
            yield Diagnostic(
                "reference-deleted",
                f"{use.source} refers to {use.target}, deleted from {before[use.target]}",
                use.place,
                f"keep {use.target}, or change {use.source} as well",
                address=str(use.source),
            )

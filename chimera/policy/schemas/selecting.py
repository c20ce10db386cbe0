"""Which foreign documents a Schema means by what they say of themselves. Refuses to judge them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping

from chimera.kinds import Document, shown
from chimera.model import Address, Diagnostic, Finding, Severity, Verdict
from chimera.policy.foreign import Foreign, ForeignDocument
from chimera.policy.schemas.kinds import SchemaSpec

_JUDGE = "Schema"
_ALIKE = 0.85  # `Deploymnet` and `Deployment` are, `Role` and `RoleBinding` are not


def selects(spec: SchemaSpec, document: ForeignDocument) -> bool:
    """Tell whether a Schema that claims a document's file means the document, too."""
    return not (spec.documents == "first" and document.index) and not _differing(spec, document)


def unselected(foreign: Foreign, acting: Collection[Address]) -> Iterator[Verdict]:
    """Yield a verdict for each document that is claimed, and meant by none that could mean it.

    Where a Schema nearly selects it, a misspelt kind may have slipped it past.
    """
    for document in foreign.documents:
        claims = [s for s in foreign.claims[document.path] if s.address in acting]
        could = [s for s in claims if s.spec.documents == "each" or not document.index]
        if could and not any(selects(schema.spec, document) for schema in could):
            number = f"#{document.index}" if document.index else ""
            yield Verdict(
                _JUDGE,
                f"{document.path}{number}",
                Finding.NOT_EXERCISED,
                ("no Schema that claims this file selects this document",),
                tuple(_near_misses(document, could)),
            )


def _differing(spec: SchemaSpec, document: ForeignDocument) -> Mapping[str, str]:
    """Return the fields that keep a Schema from selecting a document, and what they should be."""
    value = document.value if isinstance(document.value, dict) else {}
    return {name: text for name, text in spec.selects.items() if value.get(name) != text}


def _near_misses(
    document: ForeignDocument, schemas: Collection[Document[SchemaSpec]]
) -> Iterator[Diagnostic]:
    for schema in schemas:
        differing = list(_differing(schema.spec, document).items())
        name, wanted = differing[0]
        said = document.value.get(name) if isinstance(document.value, dict) else None
        if len(differing) == 1 and isinstance(said, str) and are_alike(said, wanted):
            yield Diagnostic(
                "schema-not-selected",
                f"{name} is {shown(said)}, which no Schema selects, so that nothing is checked",
                document.place.at(name),
                f"did you mean {wanted}?",
                Severity.WARNING,
            )


def are_alike(one: str, other: str) -> bool:
    """Tell whether one word may be the other, misspelt."""
    return difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio() >= _ALIKE

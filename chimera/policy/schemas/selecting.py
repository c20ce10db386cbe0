"""Which foreign documents a Schema means by what they say of themselves. Refuses to judge them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping

from chimera.kinds import shown
from chimera.model import Diagnostic, Finding, Severity, Verdict
from chimera.policy.foreign import ForeignDocument
from chimera.policy.schemas.answers import Answer
from chimera.policy.schemas.kinds import SchemaSpec

_JUDGE = "Schema"
_ALIKE = 0.85  # `Deploymnet` and `Deployment` are, `Role` and `RoleBinding` are not


def selects(spec: SchemaSpec, document: ForeignDocument) -> bool:
    """Tell whether a Schema that claims a document's file means the document, too."""
    return not (spec.documents == "first" and document.index) and not _differing(spec, document)


def unselected(
    documents: Iterable[ForeignDocument], specs: Collection[SchemaSpec]
) -> Iterator[tuple[int, tuple[Diagnostic, ...]]]:
    """Yield the positions of a file's documents that no Schema means of those that could.

    `specs` are those of the Schemas that claim the file. Where one nearly selects a document, a
    misspelt kind may have slipped it past.
    """
    for document in documents:
        could = [spec for spec in specs if spec.documents == "each" or not document.index]
        if could and not any(selects(spec, document) for spec in could):
            yield document.index, tuple(_near_misses(document, could))


def of_unselected(answer: Answer) -> Iterator[Verdict]:
    """Yield a verdict for each document of a file that no Schema means."""
    for index, faults in answer.missed:
        yield Verdict(
            _JUDGE,
            f"{answer.path}#{index}" if index else answer.path,
            Finding.NOT_EXERCISED,
            ("no Schema that claims this file selects this document",),
            faults,
        )


def _differing(spec: SchemaSpec, document: ForeignDocument) -> Mapping[str, str]:
    """Return the fields that keep a Schema from selecting a document, and what they should be."""
    value = document.value if isinstance(document.value, dict) else {}
    return {name: text for name, text in spec.selects.items() if value.get(name) != text}


def _near_misses(document: ForeignDocument, specs: Iterable[SchemaSpec]) -> Iterator[Diagnostic]:
    for spec in specs:
        differing = list(_differing(spec, document).items())
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

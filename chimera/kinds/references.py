"""Whether references lead anywhere, and to a kind that their field takes."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from chimera.kinds.fields import KindReference
from chimera.kinds.snapshot import Snapshot
from chimera.model import Address, Diagnostic

_MOST_SUGGESTIONS = 50


def check_references(
    snapshot: Snapshot, invalid: Collection[str] = frozenset()
) -> Iterator[Diagnostic]:
    """Report every reference that dangles or leads to the wrong kind.

    `invalid` holds the addresses of documents that are there and have faults of their own.
    """
    suggestions = _Suggestions(snapshot)
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
                suggestions.for_target(use.target),
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


class _Suggestions:
    """What dangling references may have meant, for as many targets as somebody will read about.

    Each costs a comparison with every document of its kind.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._made: dict[Address, str] = {}

    def for_target(self, target: Address) -> str:
        """Return the help for a reference to `target`, which is not there."""
        if target not in self._made:
            near = self._near(target) if len(self._made) < _MOST_SUGGESTIONS else None
            self._made[target] = (
                f"did you mean {near}?"
                if near
                else f"add the document {target}, or remove the reference"
            )
        return self._made[target]

    def _near(self, target: Address) -> str | None:
        is_kind = target.kind in self._snapshot.registry.kinds
        known = (a for a in self._snapshot.documents if a.kind == target.kind or not is_kind)
        return next(iter(difflib.get_close_matches(str(target), map(str, known), n=1)), None)


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

"""Whether references lead anywhere, and to a kind that their field takes."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from hashlib import blake2b

from chimera.kinds.document import Document
from chimera.kinds.fields import Model, Reference
from chimera.kinds.marking import mark_types
from chimera.kinds.snapshot import ReferenceUse, Snapshot, references_of
from chimera.model import Address, Diagnostic

_MOST_SUGGESTIONS = 50


def check_references(
    snapshot: Snapshot, invalid: Collection[str] = frozenset()
) -> Iterator[Diagnostic]:
    """Report every reference that dangles or leads to the wrong kind.

    `invalid` holds the addresses of documents that are there and have faults of their own.
    """
    suggestions = _Suggestions(snapshot)
    for use in sorted(_astray(snapshot, invalid), key=lambda use: (use.target, use.source)):
        if _is_of_another_kind(use):
            yield Diagnostic(
                "reference-kind",
                f"{use.target} is not of the kind {' or '.join(use.kinds)}",
                use.place,
                f"refer to a document of the kind {' or '.join(use.kinds)}",
                address=str(use.source),
            )
        else:
            yield Diagnostic(
                "reference-dangling",
                f"there is no {use.target}",
                use.place,
                suggestions.for_target(use.target),
                address=str(use.source),
            )


def _astray(snapshot: Snapshot, invalid: Collection[str]) -> Iterator[ReferenceUse]:
    """Yield the references that are at fault; remembered by shard and by all addresses there are.

    In most changes no document comes or goes: then only what was edited is looked at.
    """
    names = [name for shard in snapshot.shards for name in shard.names]
    every = "\n".join((*names, "", *sorted(invalid)))
    known = blake2b(every.encode("utf-8", "surrogateescape")).hexdigest()
    there = {*invalid, *names}
    for shard in snapshot.shards if snapshot.loaded else ():
        key = f"astray/1 {known} {shard.key}"
        rows = snapshot.memo.get(key)
        if rows is None:
            rows = [row for row, document in enumerate(shard.documents) if _errs(document, there)]
            snapshot.memo.put(key, rows)
        for row in rows:
            yield from (u for u in references_of(shard.documents[row]) if _is_astray(u, there))
    if not snapshot.loaded:
        yield from (use for use in snapshot.references if _is_astray(use, there))


def _errs(document: Document[Model], there: Collection[str]) -> bool:
    """Tell whether any reference of a document is at fault; most documents have none that is."""
    if Reference not in mark_types(document.kind.spec):
        return False
    for mark, value, _ in document.marks_of(Reference):
        kinds = mark.kinds if isinstance(mark, Reference) else ()
        if value not in there or (kinds and value.partition("/")[0] not in kinds):
            return True
    return False


def _is_astray(use: ReferenceUse, there: Collection[str]) -> bool:
    return str(use.target) not in there or _is_of_another_kind(use)


def _is_of_another_kind(use: ReferenceUse) -> bool:
    return bool(use.kinds) and use.target.kind not in use.kinds


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

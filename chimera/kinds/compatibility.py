"""What a change of a document means for whoever refers to it: compatible or breaking.

Owns the category of a change. Refuses to decide anything by it: it is told to reviewers. What it
cannot tell (a document that was, and can no longer be read) is held to break.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from chimera.documents import RawDocument
from chimera.kinds.document import Document
from chimera.kinds.fields import Model
from chimera.kinds.snapshot import Snapshot, references_of
from chimera.kinds.validation import validate
from chimera.model import Action, Address, Category, Change

Former = Mapping[Address, Document[Model] | None]
"""The changed documents as they were, `None` for one that cannot be read any more."""


def categorize(
    changes: Iterable[Change], before: Mapping[Address, Mapping[str, Any]], snapshot: Snapshot
) -> tuple[Change, ...]:
    """Return the changes with their category, and with what no longer holds for others.

    `before` holds what the documents' authors had written. A path set has no category: nobody
    refers to it. Neither has what does not change, save what is cosmetic already.
    """
    changes = tuple(changes)
    former = _former(changes, before, snapshot)
    referrers = _former_referrers(former, changes)
    return tuple(_categorized(change, former, referrers, snapshot) for change in changes)


def _former(
    changes: Iterable[Change], before: Mapping[Address, Mapping[str, Any]], snapshot: Snapshot
) -> Former:
    return {
        change.target: validate(
            RawDocument("before", 0, dict(before[change.target])), snapshot.registry
        )[0]
        for change in changes
        if change.action in {Action.UPDATE, Action.DELETE}
        and isinstance(change.target, Address)
        and change.target in before
    }


def _former_referrers(former: Former, changes: Iterable[Change]) -> Mapping[Address, set[Address]]:
    """Return who referred to what, of the documents that change and are still there."""
    gone = {change.target for change in changes if change.action is Action.DELETE}
    found: dict[Address, set[Address]] = {}
    for address, document in former.items():
        for use in references_of(document) if document and address not in gone else ():
            found.setdefault(use.target, set()).add(address)
    return found


def _categorized(
    change: Change,
    former: Former,
    referrers: Mapping[Address, set[Address]],
    snapshot: Snapshot,
) -> Change:
    target = change.target
    if not isinstance(target, Address):
        return change
    match change.action:
        case Action.CREATE:
            broken: tuple[str, ...] = ()
        case Action.DELETE:
            leaning = _bereft(target, referrers.get(target, set()), snapshot)
            broken = (*leaning, *_ended(former.get(target)))
        case Action.UPDATE:
            broken = tuple(_broken(target, former, snapshot))
        case _:
            return change
    category = Category.BREAKING if broken else Category.COMPATIBLE
    return replace(change, category=category, breaks=broken)


def _bereft(target: Address, former: set[Address], snapshot: Snapshot) -> Iterator[str]:
    """Yield who refers to what is deleted, and who did so until this change."""
    now = {use.source for use in snapshot.referred_by(target)} - {target}
    for address in sorted(now | former - {target}):
        yield f"{address} {'refers' if address in now else 'referred'} to it"


def _ended(was: Document[Model] | None) -> Iterator[str]:
    """Yield what nothing asks for any longer once a document is gone, in its kind's own words."""
    if was is None or was.kind.ends is None:
        return
    try:
        yield from was.kind.ends(was.spec)
    except Exception as error:  # noqa: BLE001 - a plugin's kind: what it cannot tell may break
        yield _untold(was, error)


def _broken(target: Address, former: Former, snapshot: Snapshot) -> Iterator[str]:
    """Yield what an update takes from those who refer to the document, in its kind's own words."""
    after, was = snapshot.get(target), former.get(target)
    if after is None or was is None:
        yield "what it was cannot be read any more"
        return
    if after.kind.breaks is None:
        return
    try:
        yield from after.kind.breaks(was.spec, after.spec)
    except Exception as error:  # noqa: BLE001 - a plugin's kind: what it cannot tell may break
        yield _untold(after, error)


def _untold(document: Document[Model], error: Exception) -> str:
    return f"the kind {document.kind.name} cannot tell: {error!r}"

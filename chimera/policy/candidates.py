"""What can be judged: every document as it stands, and every change, with what a rule sees of it.

Refuses to evaluate. What does not exist for a candidate (`before` of a document that is new,
`object` of one that is deleted) is not bound, so that a rule that reads it is inapplicable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chimera.kinds import Document, Model, Subject
from chimera.model import Action, Address, Change, PathSet, Placement, Target
from chimera.policy.kinds import PolicyMatch

NAMES = ("object", "before", "change", "layer", "actor", "environment", "now")
"""The names that every expression may use, besides the functions of `snapshot`."""


@dataclass(frozen=True)
class Candidate:
    """A document or a change, and what is bound for it besides `object`."""

    target: Target
    document: Document[Model] | None
    change: Change | None
    bindings: Mapping[str, Any]

    @cached_property
    def subject(self) -> str:
        """What verdicts call it."""
        return str(self.target)


def candidates_of(subject: Subject) -> list[Candidate]:
    """Return all that can be judged, in order: documents, deleted documents, governed paths."""
    changes = {c.target: c for c in subject.changes or () if c.action is not Action.NO_OP}
    found = [
        Candidate(
            document.address,
            document,
            changes.get(document.address),
            _bindings(subject, document.address, changes.get(document.address)),
        )
        for document in subject.snapshot.documents.values()
    ]
    gone = (target for target in changes if target not in subject.snapshot.documents)
    found += (
        Candidate(target, None, changes[target], _bindings(subject, target, changes[target]))
        for target in sorted(gone, key=str)
    )
    return found


def common_bindings(subject: Subject) -> dict[str, Any]:
    """Return what is the same for every candidate."""
    environment = subject.environment
    return {
        "environment": {"name": environment.name, "protected": environment.protected},
        "now": subject.now.isoformat(),
    }


def select(
    match: PolicyMatch, subject: Subject, candidates: Iterable[Candidate]
) -> Iterator[tuple[int, Candidate]]:
    """Yield the candidates that a policy is about, with their positions."""
    for position, candidate in enumerate(candidates):
        change = candidate.change
        if match.changes and (change is None or change.action.value not in match.changes):
            continue
        if change is not None:
            chosen = subject.selects(match, change)
        else:
            chosen = _selects_document(match, candidate, subject)
        if chosen:
            yield position, candidate


def _selects_document(match: PolicyMatch, candidate: Candidate, subject: Subject) -> bool:
    if candidate.document is None or (match.paths and not match.names_documents):
        return False
    return match.selects(candidate.document, subject.placed(candidate.document.address))


def _bindings(subject: Subject, target: Target, change: Change | None) -> dict[str, Any]:
    bound: dict[str, Any] = {}
    if target in subject.snapshot.documents and isinstance(target, Address):
        bound["layer"] = _layers(subject.placed(target))
    if change is None:
        return bound
    bound["actor"] = {"name": subject.actor.name, "kind": subject.actor.kind}
    bound["change"] = {"action": change.action.value, "reason": change.reason}
    if isinstance(target, PathSet):
        bound["change"]["paths"] = list(change.paths)
    elif target in subject.before:
        bound["before"] = subject.before[target]
    return bound


def _layers(placements: Iterable[Placement]) -> dict[str, Any]:
    """Return layers by their name, `contract/id`, so that `'operations/2' in layer` is asked."""
    return {placement.layer: {"dormant": placement.dormant} for placement in placements}

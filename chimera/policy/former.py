"""Policies as they were: one that a change edits or deletes judges what else that change touches.

The stricter of both holds, so that nobody loosens a rule and breaks it in one change. What is
loosened in a change of its own is loosened. Refuses to judge where no tree is compared with: to a
state that was applied many changes have happened, of which some may have been of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import cast

from chimera.documents import Globs
from chimera.kinds import Document, Snapshot, Subject
from chimera.model import (
    Action,
    Address,
    Change,
    Diagnostic,
    Finding,
    PathSet,
    Place,
    Related,
    Span,
    Verdict,
)
from chimera.policy.candidates import (
    SNAPSHOT,
    Candidate,
    changes_of,
    documents_of,
    foreign_candidate,
)
from chimera.policy.foreign import ForeignDocument
from chimera.policy.kinds import PolicySpec
from chimera.policy.places import narrowest
from chimera.policy.rulebook import Rulebook
from chimera.policy.sitting import Judged, judge_candidates
from chimera.policy.tally import Tally
from chimera.policy.waivers import Waivers
from chimera.policy.worker import Worker

_LOOSENED = (Action.UPDATE, Action.DELETE)


def former_policies(subject: Subject) -> list[Document[PolicySpec]]:
    """Return the policies that the change edits, deletes or lulls, as they were, by address."""
    changed = (c.target for c in subject.changes or () if c.action in _LOOSENED)
    addresses = sorted(target for target in changed if isinstance(target, Address))
    before = subject.former
    documents = [before.get(address) for address in addresses] if before is not None else []
    return [
        cast("Document[PolicySpec]", document)
        for document in documents
        if document is not None and isinstance(document.spec, PolicySpec)
    ]


def touched(
    subject: Subject, policies: Sequence[Document[PolicySpec]], foreign: Sequence[ForeignDocument]
) -> list[Candidate]:
    """Return what the change touches besides these policies; the snapshot, where it is anything."""
    own = {policy.address for policy in policies}
    changes = {target: c for target, c in changes_of(subject).items() if target not in own}
    standing = subject.snapshot.documents
    addresses = sorted(t for t in changes if isinstance(t, Address) and t in standing)
    files = {p for c in changes.values() if isinstance(c.target, PathSet) for p in c.paths}
    found = [
        *documents_of(subject, addresses),
        *(foreign_candidate(document) for document in foreign if document.path in files),
        *_gone(changes.values(), subject.snapshot),
    ]
    return [*found, SNAPSHOT] if found else []


def _gone(changes: Iterable[Change], snapshot: Snapshot) -> Iterator[Candidate]:
    """Yield deleted documents and governed paths, with what becomes of the paths themselves."""
    for change in sorted(changes, key=lambda change: str(change.target)):
        target = change.target
        if isinstance(target, PathSet):
            if change.paths:
                yield Candidate(str(target), change=_of_paths(change, target, snapshot))
        elif target not in snapshot.documents:
            yield Candidate(str(target), change=change)


def _of_paths(change: Change, target: PathSet, snapshot: Snapshot) -> Change:
    """Return the change of paths that are governed no longer, as if they still were."""
    globs = Globs(target.globs)
    if change.action is Action.DELETE and any(map(globs.matches, _paths(snapshot))):
        return replace(change, action=Action.UPDATE)
    return change


def _paths(snapshot: Snapshot) -> Iterator[str]:
    return (entry.path for entry in snapshot.tree.entries())


def judge_former(
    worker: Worker,
    books: Sequence[Rulebook],
    candidates: Sequence[Candidate],
    subject: Subject,
    told: Tally,
) -> Iterator[Verdict]:
    """Yield what policies, as they were, refuse of `candidates`, but for what is `told` already."""
    refused = {(one.judge, one.candidate.key) for one in told.found if _refuses(one)}
    waivers = Waivers(subject)
    acting = [book for book in books if not book.faults]
    for judged in judge_candidates(worker, acting, subject, candidates):
        is_new = (judged.judge, judged.candidate.key) not in refused
        if is_new and _refuses(judged) and not (judged.is_broken and waivers.find(judged)):
            yield _verdict(judged, subject)


def _refuses(judged: Judged) -> bool:
    return judged.answer.error is not None or (judged.is_broken and judged.rule.action == "deny")


def _verdict(judged: Judged, subject: Subject) -> Verdict:
    candidate, policy = judged.candidate, judged.rulebook.policy
    error = judged.answer.error
    said = f"{judged.judge}, as it was before this change, "
    said += f"refuses: {judged.message}" if error is None else f"could not be judged: {error}"
    present = subject.snapshot.get(policy.address)
    fault = Diagnostic(
        "policy-denied" if error is None else "policy-rule-error",
        said,
        _place(judged, subject) or (present.place if present else Span(policy.place.path)),
        f"correct it, or change {policy.address} first, in a change of its own",
        address=candidate.subject,
        related=(Related(f"{policy.address} changes here", present.place),) if present else (),
    )
    return Verdict(
        judged.judge, candidate.subject, Finding.FAIL, (said,), (fault,), judged.rule.action
    )


def _place(judged: Judged, subject: Subject) -> Place | Span | None:
    """Return where what is judged stands, or stood."""
    candidate, change = judged.candidate, judged.candidate.change
    if candidate.has_object:
        route = narrowest(judged.rulebook.text_of(judged.number), candidate.value)
        return candidate.at(*route)
    if change is None:
        return None
    if isinstance(change.target, PathSet):
        return Span(change.paths[0])
    stood = subject.former_paths.get(change.target)
    return Span(stood) if stood else None

"""What can be judged: documents, foreign documents, changes, and the snapshot as a whole.

Refuses to evaluate. What does not exist for a candidate (`before` of a document that is new,
`object` of one that is deleted) is not bound, so that a rule that reads it is inapplicable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from chimera.documents import Globs
from chimera.kinds import Document, Model, Subject
from chimera.model import Action, Address, Change, PathSet, Place, Placement, Segment
from chimera.policy.foreign import ForeignDocument
from chimera.policy.kinds import PolicyMatch

NAMES = ("object", "before", "change", "layer", "actor", "environment", "now")
"""The names that every expression may use, besides the functions of `snapshot`."""

OF_A_CHANGE = ("before", "change", "actor")
"""Those of them that only what changes has."""

THE_SNAPSHOT = "snapshot"
"""What verdicts call the snapshot as a whole."""


Key = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document, a change of one, a change of governed paths, or the snapshot as a whole.

    `subject` is what verdicts call it: an address, a path set, for a foreign document its path and
    from the second in a file on its position (`deploy/all.yaml#1`), or `snapshot`.
    """

    subject: str
    document: Document[Model] | None = None
    foreign: ForeignDocument | None = None
    change: Change | None = None

    @property
    def key(self) -> Key:
        """What tells it from every other candidate: a file can be called like a document.

        And what is gone from a file like what stands there now, to which alone a waiver speaks.
        """
        is_gone = self.foreign is not None and self.foreign.is_gone
        return f"{self.subject}\0" if is_gone else self.subject, self.foreign is not None

    @property
    def value(self) -> Any:
        """What a rule sees as `object`; `None` where there is none."""
        written = self._written
        return None if written is None else written.value

    @property
    def has_object(self) -> bool:
        """Whether there is an `object`."""
        return self._written is not None

    def at(self, *route: Segment) -> Place | None:
        """Return the place of `route` in what is judged, `None` for what stands nowhere."""
        written = self._written
        return None if written is None else written.place.at(*route)

    @property
    def _written(self) -> Document[Model] | ForeignDocument | None:
        if self.foreign is not None:
            return None if self.foreign.is_gone else self.foreign
        return self.document


SNAPSHOT = Candidate(THE_SNAPSHOT)


def candidates_of(
    subject: Subject, foreign: Iterable[ForeignDocument] = ()
) -> tuple[Candidate, ...]:
    """Return all that can be judged, in order.

    Documents, foreign documents, the snapshot, deleted documents and governed paths.
    """
    return (
        *documents_of(subject, subject.snapshot.documents),
        *map(foreign_candidate, foreign),
        SNAPSHOT,
        *gone(subject),
    )


def documents_of(subject: Subject, addresses: Collection[Address]) -> Iterator[Candidate]:
    """Yield the documents at `addresses`, with what changes in them."""
    changes = changes_of(subject)
    for address in addresses:
        document = subject.snapshot.documents[address]
        yield Candidate(str(address), document, change=changes.get(address))


def foreign_candidate(document: ForeignDocument) -> Candidate:
    """Return a foreign document as a candidate, with what changes in it."""
    number = f"#{document.index}" if document.index else ""
    return Candidate(f"{document.path}{number}", foreign=document, change=document.change)


def gone(subject: Subject) -> Iterator[Candidate]:
    """Yield the changes that no document of the snapshot stands for, in order."""
    changes = changes_of(subject)
    targets = (target for target in changes if target not in subject.snapshot.documents)
    for target in sorted(targets, key=str):
        yield Candidate(str(target), change=changes[target])


def changes_of(subject: Subject) -> dict[Address | PathSet, Change]:
    """Return what changes, by target."""
    return {c.target: c for c in subject.changes or () if c.action is not Action.NO_OP}


def common_bindings(subject: Subject) -> dict[str, Any]:
    """Return what is the same for every candidate."""
    environment = subject.environment
    return {
        "environment": {"name": environment.name, "protected": environment.protected},
        "now": subject.now.isoformat(),
    }


def bindings_of(subject: Subject, candidate: Candidate) -> dict[str, Any]:
    """Return what a rule sees of a candidate besides `object`."""
    bound: dict[str, Any] = {}
    document, change = candidate.document, candidate.change
    if document is not None:
        bound["layer"] = _layers(subject.placed(document.address))
    if change is None:
        return bound
    actor = subject.acting(change.target)
    bound["actor"] = {"name": actor.name, "kind": actor.kind}
    bound["change"] = {"action": change.action.value, "reason": change.reason}
    if isinstance(change.target, PathSet):
        bound["change"]["paths"] = list(change.paths)
        if candidate.foreign is not None and candidate.foreign.before is not None:
            bound["before"] = candidate.foreign.before
    elif change.target in subject.before:
        bound["before"] = subject.before[change.target]
    return bound


class Selection:
    """What one policy is about.

    With `snapshot` the snapshot as a whole and nothing else. Kinds, layers and labels speak of
    documents of ours; paths of governed paths that change and, where nothing is said of documents,
    of foreign documents. Changes leave out what does not change so.
    """

    def __init__(self, match: PolicyMatch, subject: Subject) -> None:
        self._match = match
        self._subject = subject
        self._paths = Globs(match.paths) if match.means_paths else None

    @property
    def foreign(self) -> Globs | None:
        """The paths of foreign documents that are meant, `None` where none are."""
        return None if self._match.snapshot else self._paths

    def means(self, candidate: Candidate) -> bool:
        """Tell whether the policy is about a candidate, as it is or as it was."""
        match, change = self._match, candidate.change
        if candidate is SNAPSHOT or match.snapshot:
            return match.snapshot and candidate is SNAPSHOT
        if match.changes and (change is None or change.action.value not in match.changes):
            return False
        if candidate.foreign is not None:
            return self._paths is not None and self._paths.matches(candidate.foreign.path)
        if change is not None:
            return self._subject.selects(match, change)
        return self.means_as_is(candidate)

    def tells_of(self, change: Change, foreign: Iterable[ForeignDocument]) -> bool:
        """Tell whether all paths of a change that are meant are those of foreign documents meant.

        Which are judged themselves, and have what the change of their paths lacks.
        """
        if self._paths is None:
            return False
        paths = {path for path in change.paths if self._paths.matches(path)}
        meant = (d.path for d in foreign if d.path in paths and self.means(foreign_candidate(d)))
        return bool(paths) and paths == set(meant)

    def means_as_is(self, candidate: Candidate) -> bool:
        """Tell whether a document is meant as it stands, whatever changes in it."""
        document = candidate.document
        if document is None or self._paths is not None:
            return False
        return self._match.selects(document, self._subject.placed(document.address))


def _layers(placements: Iterable[Placement]) -> dict[str, Any]:
    """Return layers by their name, `contract/id`, so that `'operations/2' in layer` is asked."""
    return {placement.layer: {"dormant": placement.dormant} for placement in placements}

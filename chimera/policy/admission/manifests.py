"""Judging resources by Chimera's own policies, which are named with them.

Kinds and labels of a policy's match are those of the resource here, for nothing else has them; its
paths are what they are to a check, from the repository's root.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from chimera.documents import Globs
from chimera.kinds import Document, Subject
from chimera.model import Verdict
from chimera.policy.admission.resources import Key, Resource
from chimera.policy.candidates import Candidate
from chimera.policy.comparing import compared_document
from chimera.policy.foreign import ForeignDocument
from chimera.policy.isolation import Bounds
from chimera.policy.kinds import PolicyMatch, PolicySpec
from chimera.policy.rulebook import compile_policies
from chimera.policy.sitting import Errand, run_errands
from chimera.policy.tally import Tally
from chimera.policy.verdicts import counted, of_fault, unjudged
from chimera.policy.waivers import Waivers
from chimera.policy.worker import Worker


def judge_manifests(
    policies: Sequence[Document[PolicySpec]],
    resources: Sequence[Resource],
    subject: Subject,
    bounds: Bounds = Bounds(),  # noqa: B008 - immutable
    *,
    path_of: Callable[[str], str] = str,
    old: Sequence[Resource] | None = None,
) -> list[Verdict]:
    """Return what policies say of resources; what is about a snapshot is inapplicable.

    What is about changes is so, too, without the `old` resources; with them one that none of them
    has the kind, namespace and name of is new. `path_of` tells by the name that a file was given
    what its path is in the tree. `subject` gives the snapshot that expressions may ask, the
    environment and the time.
    """
    if not policies:
        return []
    before = None if old is None else {resource.key: resource for resource in old}
    candidates = [_candidate(resource, before) for resource in resources]
    tally = Tally()
    with Worker(subject.context.processes, bounds) as worker:
        books = compile_policies(worker, policies, subject.environment)
        sound = [book for book in books if not book.faults]
        errands = [
            Errand(
                book,
                tuple(range(len(book.rules))),
                tuple(c for c in candidates if _means(book.policy.spec.match, c, path_of)),
            )
            for book in sound
        ]
        for _, judged in run_errands(worker, subject, errands):
            tally.add(judged)
    waivers = Waivers(subject)
    return [
        *counted(tally, sound, subject),
        *(of_fault(judged, waivers) for judged in tally.found),
        *(verdict for book in books for verdict in unjudged(book, tally, subject)),
    ]


def _candidate(resource: Resource, before: Mapping[Key, Resource] | None) -> Candidate:
    foreign = _document(resource)
    if before is not None:
        old = before.get(resource.key)
        foreign = compared_document(None if old is None else _document(old), foreign)
    return Candidate(resource.subject, foreign=foreign, change=foreign.change)


def _document(resource: Resource) -> ForeignDocument:
    place = resource.place
    return ForeignDocument(place.path, place.index, dict(resource.value), place)


def _means(match: PolicyMatch, candidate: Candidate, path_of: Callable[[str], str]) -> bool:
    foreign = candidate.foreign
    if foreign is None or match.snapshot or match.layers:
        return False
    change = foreign.change
    if match.changes and (change is None or change.action.value not in match.changes):
        return False
    if match.kinds and foreign.value.get("kind") not in match.kinds:
        return False
    if match.paths and not Globs(match.paths).matches(path_of(foreign.path)):
        return False
    metadata = foreign.value.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    own = labels if isinstance(labels, dict) else {}
    return all(own.get(key) == text for key, text in match.labels.items())

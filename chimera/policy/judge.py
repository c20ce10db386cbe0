"""Judging a snapshot and its changes by its policies.

What breaks a rule gets a verdict of its own; what keeps one is counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from chimera.kinds import Subject
from chimera.model import Verdict, is_dormant
from chimera.policy.candidates import Selection
from chimera.policy.comparing import with_changes
from chimera.policy.foreign import ForeignDocument, judged_documents
from chimera.policy.former import former_policies, judge_former, touched
from chimera.policy.isolation import Bounds
from chimera.policy.kinds import PolicySpec
from chimera.policy.parts import judge_parts
from chimera.policy.rulebook import Rulebook, compile_policies
from chimera.policy.sitting import Judged
from chimera.policy.verdicts import counted, of_fault, unjudged
from chimera.policy.waivers import Waivers
from chimera.policy.worker import Worker


def judge(subject: Subject, bounds: Bounds = Bounds()) -> list[Verdict]:  # noqa: B008 - immutable
    """Return the verdicts of every policy and waiver of the subject's snapshot.

    And of the policies that a change of it edits or deletes, as they were.
    """
    policies = subject.snapshot.of_model(PolicySpec)
    former = former_policies(subject)
    if not policies and not former:
        return []
    with Worker(subject.context.processes, bounds) as worker:
        books = compile_policies(worker, policies, subject.environment, memo=subject.memo)
        acting = [book for book in books if _acts(book, subject)]
        asking = [*(book.policy for book in acting), *former]
        selections = [Selection(policy.spec.match, subject) for policy in asking]
        globs = [selection.foreign for selection in selections if selection.foreign]
        foreign = with_changes(subject, judged_documents(subject, globs), globs)
        tally = judge_parts(worker, acting, subject, foreign)
        tally.settle(lambda judged: _is_told(judged, subject, foreign))
        loosened: list[Verdict] = []
        if former and (candidates := touched(subject, former, foreign)):
            old = compile_policies(worker, former, subject.environment, memo=subject.memo)
            loosened += judge_former(worker, old, candidates, subject, tally)
    waivers = Waivers(subject)
    return [
        *counted(tally, acting, subject),
        *(of_fault(judged, waivers) for judged in tally.found),
        *loosened,
        *(verdict for book in books for verdict in unjudged(book, tally, subject)),
        *waivers.review(tally, acting, foreign),
    ]


def _is_told(judged: Judged, subject: Subject, foreign: Sequence[ForeignDocument]) -> bool:
    """Tell whether the rule judges what stands at paths, and so need not say what these lack."""
    change = judged.candidate.change
    selection = Selection(judged.rulebook.policy.spec.match, subject)
    return change is not None and selection.tells_of(change, foreign)


def _acts(book: Rulebook, subject: Subject) -> bool:
    return not book.faults and not is_dormant(subject.placed(book.policy.address))

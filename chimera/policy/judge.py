"""Judging a snapshot and its changes by its policies: a verdict for every rule and match.

A rule that errs denies. A rule that needs what is not there (`before` without a change) is
inapplicable, as is a policy that matched nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chimera.kinds import Snapshot, Subject
from chimera.model import Diagnostic, Finding, Place, Related, Severity, Verdict, is_dormant
from chimera.policy.candidates import Selection, candidates_of
from chimera.policy.foreign import ForeignDocument, foreign_documents
from chimera.policy.kinds import PolicySpec
from chimera.policy.places import narrowest
from chimera.policy.rulebook import Judged, Rulebook, compile_policies, judge_candidates
from chimera.policy.waivers import Waivers
from chimera.policy.worker import Bounds, Worker

_SEVERITIES = {"deny": Severity.ERROR, "warn": Severity.WARNING, "audit": Severity.INFO}


def judge(subject: Subject, bounds: Bounds = Bounds()) -> list[Verdict]:  # noqa: B008 - immutable
    """Return the verdicts of every policy and waiver of the subject's snapshot."""
    policies = subject.snapshot.of_model(PolicySpec)
    waivers = Waivers(subject)
    if not policies:
        return []
    with Worker(subject.context.processes, bounds) as worker:
        books = compile_policies(worker, policies)
        acting = [book for book in books if not book.faults and not _is_dormant(book, subject)]
        foreign = foreign_documents(subject.snapshot) if _want_foreign(acting, subject) else ()
        load_snapshot_into(worker, subject.snapshot, foreign)
        candidates = candidates_of(subject, foreign)
        judged = list(judge_candidates(worker, acting, subject, candidates))
    verdicts = [_verdict(one, waivers) for one in judged]
    exercised = {one.rulebook.policy.address for one in judged}
    idle = [book for book in books if book.policy.address not in exercised]
    verdicts += (_unexercised(book, subject) for book in idle)
    return [*verdicts, *_review(waivers, judged)]


def load_snapshot_into(
    worker: Worker, snapshot: Snapshot, foreign: Sequence[ForeignDocument] = ()
) -> None:
    """Give the worker all documents of a snapshot in their order, and their references."""
    worker.load(
        [document.value for document in snapshot.documents.values()],
        ((str(use.source), str(use.target)) for use in snapshot.references),
        [document.value for document in foreign],
    )


def _want_foreign(books: Sequence[Rulebook], subject: Subject) -> bool:
    return any(Selection(book.policy.spec.match, subject).wants_foreign for book in books)


def _verdict(judged: Judged, waivers: Waivers) -> Verdict:
    answer, subject = judged.answer, judged.candidate.subject
    if answer.absent is not None:
        reason = f"the rule asks for {answer.absent!r}, which is not there"
        return Verdict(judged.judge, subject, Finding.NOT_EXERCISED, (reason,))
    if answer.error is None and not judged.is_broken:
        return Verdict(judged.judge, subject, Finding.PASS)
    waiver = waivers.find(judged.rulebook.policy.address, judged.rule.id, subject)
    if waiver is not None and answer.error is None:
        spec = waiver.spec
        reason = f"waived by {waiver.address} until {spec.expires}: {spec.reason}"
        return Verdict(judged.judge, subject, Finding.PASS, (reason,))
    fault = _error(judged) if answer.error is not None else _denial(judged)
    finding = Finding.FAIL if fault.severity is Severity.ERROR else Finding.PASS
    return Verdict(judged.judge, subject, finding, (fault.message,), (fault,))


def _denial(judged: Judged) -> Diagnostic:
    subject = judged.candidate.subject
    return Diagnostic(
        "policy-denied",
        f"{judged.judge}: {judged.message}",
        _place(judged),
        f"change {subject}, or ask for a Waiver of this rule that ends",
        _SEVERITIES[judged.rule.action],
        subject,
        (Related(f"{judged.judge} asks for it here", _rule_place(judged)),),
    )


def _error(judged: Judged) -> Diagnostic:
    subject = judged.candidate.subject
    return Diagnostic(
        "policy-rule-error",
        f"{judged.judge} could not be judged and so refuses: {judged.answer.error}",
        _place(judged),
        "guard the expression with has(), or correct the document; an error never passes",
        Severity.ERROR,
        subject,
        (Related(f"{judged.judge} stands here", _rule_place(judged)),),
    )


def _place(judged: Judged) -> Place:
    """Return the narrowest place; what is deleted has none, so the rule stands for it."""
    candidate = judged.candidate
    expressions = [judged.rule.expression, *judged.rulebook.variables_in(judged.rule)]
    route = narrowest(" ".join(expressions), candidate.value)
    return candidate.at(*route) or _rule_place(judged)


def _rule_place(judged: Judged) -> Place:
    return judged.rulebook.policy.at("spec", "rules", judged.number, "expression")


def _unexercised(book: Rulebook, subject: Subject) -> Verdict:
    """Return the verdict of a policy that judged nothing: faulty, dormant or about nothing here."""
    name = str(book.policy.address)
    if book.faults:
        reasons = tuple(fault.message for fault in book.faults)
        return Verdict(name, name, Finding.FAIL, reasons, book.faults)
    if _is_dormant(book, subject):
        reason = "it stands in a dormant layer, for which nothing acts"
    elif book.policy.spec.match.changes and subject.changes is None:
        reason = "it is about changes, and nothing was compared"
    else:
        reason = "it matched nothing"
    return Verdict(name, name, Finding.NOT_EXERCISED, (reason,))


def _is_dormant(book: Rulebook, subject: Subject) -> bool:
    return is_dormant(subject.placed(book.policy.address))


def _review(waivers: Waivers, judged: Sequence[Judged]) -> Iterator[Verdict]:
    """Look at the waivers in the light of what was found."""
    if not waivers:
        return iter(())
    kept = {
        (str(one.rulebook.policy.address), one.rule.id, one.candidate.subject)
        for one in judged
        if one.answer.value is True
    }
    return waivers.review(kept.__contains__)

"""Running a policy's own cases, both ways.

A case is a small snapshot, judged by the same code as the real one. What was expected and did not
come fails, and so does what came and nobody expected; a rule that errs is never what was expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from chimera.context import Context
from chimera.kinds import Document, Snapshot
from chimera.model import Diagnostic, Finding, Verdict
from chimera.policy.candidates import candidates_of
from chimera.policy.judge import load_snapshot_into
from chimera.policy.kinds import PolicyCase, PolicySpec
from chimera.policy.rulebook import Judged, Rulebook, compile_policies, judge_candidates
from chimera.policy.soundness import missing_case
from chimera.policy.staging import Staged, stage
from chimera.policy.worker import Bounds, Worker


def run_cases(
    snapshot: Snapshot,
    context: Context,
    bounds: Bounds = Bounds(),  # noqa: B008 - an immutable value
) -> list[Verdict]:
    """Return one verdict for each case of every policy.

    A policy with faults of its own gets one failing verdict instead, and each rule that no case
    shows to hold gets one besides.
    """
    policies = snapshot.of_model(PolicySpec)
    verdicts: list[Verdict] = []
    with Worker(context.processes, bounds) as worker:
        for book in compile_policies(worker, policies):
            verdicts += _run_policy(worker, book, snapshot, context)
    return verdicts


def _run_policy(
    worker: Worker, book: Rulebook, snapshot: Snapshot, context: Context
) -> Iterator[Verdict]:
    name = str(book.policy.address)
    if book.faults:
        reasons = tuple(fault.message for fault in book.faults)
        yield Verdict(name, name, Finding.FAIL, reasons, book.faults)
        return
    kept: set[int] = set()
    for number, case in enumerate(book.policy.spec.cases):
        staged = stage(book.policy, number, case, snapshot, context)
        judged = [] if staged.faults else _judge(worker, book, staged)
        kept |= {one.number for one in judged if one.answer.value is True}
        found = () if staged.faults else _mismatches(book.policy, number, case, judged)
        faults = tuple(replace(f, address=name) for f in (*staged.faults, *found))
        finding = Finding.FAIL if faults else Finding.PASS
        reasons = tuple(fault.message for fault in faults)
        yield Verdict(name, f"case {case.name}", finding, reasons, faults)
    for number in range(len(book.policy.spec.rules)):
        if number not in kept:
            fault = missing_case(book.policy, number, "passes: those that leave it out miss it")
            yield Verdict(name, name, Finding.FAIL, (fault.message,), (fault,))


def _judge(worker: Worker, book: Rulebook, staged: Staged) -> list[Judged]:
    """Return what the policy's rules say of the one thing that the case is about."""
    load_snapshot_into(worker, staged.subject.snapshot)
    candidates = candidates_of(staged.subject)
    judged = judge_candidates(worker, [book], staged.subject, candidates)
    return [one for one in judged if one.candidate.subject == str(staged.target)]


def _mismatches(
    policy: Document[PolicySpec], number: int, case: PolicyCase, judged: Iterable[Judged]
) -> Iterator[Diagnostic]:
    """Compare both ways what a case expects with what was found."""
    found = {one.rule.id: one for one in judged}
    for position, expected in enumerate(case.expect):
        one = found.get(expected)
        if one is None:
            why = "the policy does not match the case"
        elif one.answer.error is not None or one.is_broken:
            continue
        elif one.answer.absent is not None:
            why = f"it is inapplicable: it asks for {one.answer.absent!r}, which is not there"
        else:
            why = "it holds"
        message = f"case {case.name}: the rule {expected} was expected to find fault, and {why}"
        yield _fault(policy, message, number, "expect", position)
    for rule, one in found.items():
        if one.answer.error is not None:
            message = f"case {case.name}: the rule {rule} erred: {one.answer.error}"
            yield _fault(policy, message, number)
        elif one.is_broken and rule not in case.expect:
            message = f"case {case.name}: nobody expected the rule {rule} to say: {one.message}"
            yield _fault(policy, message, number, "expect")


def _fault(policy: Document[PolicySpec], message: str, *route: str | int) -> Diagnostic:
    return Diagnostic(
        "policy-case-failed",
        message,
        policy.at("spec", "cases", *route),
        "correct the rule or the case, whichever is wrong",
    )

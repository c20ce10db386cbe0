"""Running a policy's own cases, both ways.

A case is a small snapshot, judged by the same code as the real one. What was expected and did not
come fails, and so does what came and nobody expected; a rule that errs is never what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from chimera.context import Context
from chimera.kinds import Document, EnvironmentFacts, Snapshot
from chimera.model import Diagnostic, Finding, Verdict
from chimera.policy.candidates import candidates_of
from chimera.policy.coverage import Coverage, RuleCoverage
from chimera.policy.isolation import Bounds
from chimera.policy.kinds import PolicyCase, PolicySpec
from chimera.policy.parameters import values_in
from chimera.policy.rulebook import Rulebook, compile_policies
from chimera.policy.sitting import Judged, judge_candidates
from chimera.policy.soundness import missing_case
from chimera.policy.staging import Staged, stage
from chimera.policy.worker import Worker


@dataclass(frozen=True, slots=True)
class CasesReport:
    """A verdict for each case, and for each rule of a policy without faults how many show it."""

    verdicts: tuple[Verdict, ...]
    coverage: tuple[RuleCoverage, ...]


def run_cases(
    snapshot: Snapshot,
    context: Context,
    bounds: Bounds = Bounds(),  # noqa: B008 - an immutable value
    now: datetime | None = None,
) -> CasesReport:
    """Run the cases of every policy; those that say no time are judged as of `now`, if given.

    A policy with faults of its own gets one failing verdict instead, and each rule that no case
    shows to hold gets one besides.
    """
    verdicts: list[Verdict] = []
    coverage: list[RuleCoverage] = []
    with Worker(context.processes, bounds) as worker:
        for policy in snapshot.of_model(PolicySpec):
            trial = _Trial(worker, policy, partial(stage, policy, snapshot, context, now))
            verdicts += trial.run()
            coverage += trial.coverage()
    return CasesReport(tuple(verdicts), tuple(coverage))


class _Trial:
    """The cases of one policy."""

    def __init__(
        self,
        worker: Worker,
        policy: Document[PolicySpec],
        stage: Callable[[int, PolicyCase], Staged],
    ) -> None:
        self._worker = worker
        self._policy = policy
        self._stage = stage
        self._books: list[tuple[Mapping[str, Any], Rulebook]] = []
        self._book = self._compiled(EnvironmentFacts("local", protected=False), {})
        self._seen = Coverage()

    def run(self) -> Iterator[Verdict]:
        """Yield what the cases show."""
        name = str(self._policy.address)
        if self._book.faults:
            reasons = tuple(fault.message for fault in self._book.faults)
            yield Verdict(name, name, Finding.FAIL, reasons, self._book.faults)
            return
        for number, case in enumerate(self._policy.spec.cases):
            faults = tuple(replace(f, address=name) for f in self._faults(number, case))
            finding = Finding.FAIL if faults else Finding.PASS
            reasons = tuple(fault.message for fault in faults)
            yield Verdict(name, f"case {case.name}", finding, reasons, faults)
        for number in range(len(self._policy.spec.rules)):
            if not self._seen.holds[number]:
                what = "passes: those that leave it out miss it"
                fault = missing_case(self._policy, number, what)
                yield Verdict(name, name, Finding.FAIL, (fault.message,), (fault,))

    def coverage(self) -> Iterator[RuleCoverage]:
        """Yield how many cases show each rule, once they were run."""
        seen = self._seen
        for number, rule in enumerate(() if self._book.faults else self._book.rules):
            counts = (seen.holds[number], seen.fails[number], seen.inapplicable[number])
            yield RuleCoverage(self._book.judge_name(number), rule.action, *counts)

    def _faults(self, number: int, case: PolicyCase) -> Iterator[Diagnostic]:
        staged = self._stage(number, case)
        if staged.faults:
            yield from staged.faults
            return
        judged = self._judge(self._compiled(staged.subject.environment, case.parameters), staged)
        for one in judged:
            self._seen.add(one)
        yield from _mismatches(self._policy, number, case, judged)

    def _judge(self, book: Rulebook, staged: Staged) -> list[Judged]:
        """Return what the policy's rules say of the one thing that the case is about."""
        candidates = candidates_of(staged.subject, staged.foreign)
        judged = judge_candidates(self._worker, [book], staged.subject, candidates)
        return [one for one in judged if one.candidate.subject == staged.name]

    def _compiled(self, environment: EnvironmentFacts, given: Mapping[str, Any]) -> Rulebook:
        """Return the policy with the values that its parameters have there, compiled once each."""
        values = {**values_in(self._policy.spec, environment.name), **given}
        for known, book in self._books:
            if known == values:
                return book
        (book,) = compile_policies(self._worker, [self._policy], environment, given)
        self._books.append((values, book))
        return book


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

"""What the gate weighs, the ruling that it makes, and the permit that only it can give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field
from typing import Any

from chimera.gate.kinds import EnvironmentSpec
from chimera.kinds import Snapshot, Subject
from chimera.model import (
    Address,
    Diagnostic,
    Digest,
    Finding,
    GateError,
    Outcome,
    Verdict,
    has_errors,
)
from chimera.plan import Plan
from chimera.plugin import ask

ESSENTIAL_REVIEWERS = ("chimera.gate.plugin",)
"""Plugins without whose verdicts the gate stays shut."""


@dataclass(frozen=True)
class Weighing:
    """Everything that a ruling rests on: the plan, what judges said, and the standing of proofs.

    `verdicts` are the judges' and `diagnostics` all that checking found; `standing` tells for the
    address of a proof whether evidence fits the present content.
    """

    plan: Plan
    subject: Subject
    verdicts: tuple[Verdict, ...]
    diagnostics: tuple[Diagnostic, ...]
    standing: Callable[[Address], Verdict]


_MINT = object()


@dataclass(frozen=True)
class Ruling:
    """The gate's weighing of one plan: every verdict, passes too.

    One that `weigh` did not make gets no permit.
    """

    plan_digest: Digest
    environment: str
    verdicts: tuple[Verdict, ...]
    mint: object = field(default=None, repr=False, compare=False)

    @property
    def refusals(self) -> tuple[Verdict, ...]:
        """The verdicts that stop the plan."""
        return tuple(v for v in self.verdicts if v.finding is not Finding.PASS)

    @property
    def outcome(self) -> Outcome:
        """Passed, failed, or not exercised: nothing failed, but something owed was not shown."""
        findings = {verdict.finding for verdict in self.verdicts}
        if findings == {Finding.PASS}:
            return Outcome.PASSED
        unshown = Finding.NOT_EXERCISED in findings and Finding.FAIL not in findings
        return Outcome.NOT_EXERCISED if unshown else Outcome.FAILED


@dataclass(frozen=True, slots=True)
class Permit:
    """The gate's leave to apply exactly one plan; nothing but `permit` can make one."""

    plan_digest: Digest
    environment: str
    mint: InitVar[object] = None

    def __post_init__(self, mint: object) -> None:
        """Refuse to exist where `permit` did not ask for it."""
        if mint is not _MINT:
            raise GateError(
                "a permit cannot be made by hand", help="let the gate weigh the plan instead"
            )

    def admits(self, plan: Plan) -> bool:
        """Tell whether the permit is for this plan and no other."""
        return (self.plan_digest, self.environment) == (plan.digest, plan.environment)


def weigh(weighing: Weighing, plugins: Any) -> Ruling:
    """Ask every reviewer for its verdicts; a missing, silent or raising one fails the gate."""
    answers, silent = ask(plugins, "chimera_review_plan", weighing, ESSENTIAL_REVIEWERS)
    verdicts = (*map(_verdict, answers), *silent)
    ordered = sorted(verdicts, key=lambda v: (v.subject, v.judge, v.finding.value, v.reasons))
    return Ruling(weighing.plan.digest, weighing.plan.environment, tuple(ordered), _MINT)


def _verdict(answer: Any) -> Verdict:
    if isinstance(answer, Verdict) and isinstance(answer.finding, Finding):
        return answer
    return Verdict("gate", "gate", Finding.FAIL, (f"a reviewer gave no verdict but {answer!r}",))


def permit(ruling: Ruling) -> Permit:
    """Turn a ruling that passed into a permit; raises `GateError` with every refusal otherwise."""
    if ruling.outcome is not Outcome.PASSED:
        raise RefusedError(ruling)
    return Permit(ruling.plan_digest, ruling.environment, ruling.mint)


class RefusedError(GateError):
    """The gate weighed a plan and gave no permit; `ruling` says why."""

    def __init__(self, ruling: Ruling) -> None:
        count = len(ruling.refusals)
        super().__init__(
            f"the gate refuses this plan for {count} reason{'s' if count != 1 else ''}",
            help="`chimera plan` shows what is owed",
        )
        self.ruling = ruling
        self.outcome = ruling.outcome


def review_diagnostics(weighing: Weighing) -> Verdict:
    """Fail where checking found an error anywhere: what is not valid is not applied."""
    faults = tuple(d for d in weighing.diagnostics if has_errors((d,)))
    reasons = [f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"] if faults else []
    reasons += (
        f"{v.judge} fails {v.subject} and does not say why"
        for v in weighing.verdicts
        if v.is_unexplained
    )
    finding = Finding.FAIL if reasons else Finding.PASS
    return Verdict("check", "the repository", finding, tuple(reasons), faults)


def environments(snapshot: Snapshot) -> Mapping[str, bool]:
    """Return the environments of a snapshot: name to whether it is protected.

    `local` is there without a document, and unprotected.
    """
    found = {d.address.name: d.spec.protected for d in snapshot.of_model(EnvironmentSpec)}
    return {"local": False, **found}

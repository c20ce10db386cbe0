"""What the gate weighs, the ruling that it makes, and the permit that only it can give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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

    `diagnostics` are all that checking found; `standing` tells for the address of a proof whether
    evidence fits the present content.
    """

    plan: Plan
    subject: Subject
    diagnostics: tuple[Diagnostic, ...]
    standing: Callable[[Address], Verdict]


@dataclass(frozen=True)
class Ruling:
    """The gate's weighing of one plan: every verdict, passes too."""

    plan_digest: Digest
    environment: str
    verdicts: tuple[Verdict, ...]

    @property
    def refusals(self) -> tuple[Verdict, ...]:
        """The verdicts that stop the plan."""
        return tuple(v for v in self.verdicts if v.finding is not Finding.PASS)

    @property
    def outcome(self) -> Outcome:
        """Passed, failed, or not exercised: nothing failed, but something owed was not shown."""
        findings = {verdict.finding for verdict in self.verdicts}
        if Finding.FAIL in findings or not self.verdicts:
            return Outcome.FAILED
        return Outcome.NOT_EXERCISED if Finding.NOT_EXERCISED in findings else Outcome.PASSED


_MINT = object()


class Permit:
    """The gate's leave to apply exactly one plan; nothing but `permit` can make one."""

    __slots__ = ("environment", "plan_digest")

    def __init__(self, mint: object, plan_digest: Digest, environment: str) -> None:
        if mint is not _MINT:
            raise GateError(
                "a permit cannot be made by hand", help="let the gate weigh the plan instead"
            )
        self.plan_digest = plan_digest
        self.environment = environment

    def admits(self, plan: Plan) -> bool:
        """Tell whether the permit is for this plan and no other."""
        return (self.plan_digest, self.environment) == (plan.digest, plan.environment)


def weigh(weighing: Weighing, plugins: Any) -> Ruling:
    """Ask every reviewer for its verdicts; a missing, silent or raising one fails the gate."""
    answers, silent = ask(plugins, "chimera_review_plan", weighing, ESSENTIAL_REVIEWERS)
    ordered = sorted(
        (*answers, *silent), key=lambda v: (v.subject, v.judge, v.finding.value, v.reasons)
    )
    return Ruling(weighing.plan.digest, weighing.plan.environment, tuple(ordered))


def permit(ruling: Ruling) -> Permit:
    """Turn a ruling that passed into a permit; raises `GateError` with every refusal otherwise."""
    if ruling.outcome is not Outcome.PASSED:
        raise RefusedError(ruling)
    return Permit(_MINT, ruling.plan_digest, ruling.environment)


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
    if faults:
        return Verdict("check", "the repository", Finding.FAIL, (f"{len(faults)} faults",), faults)
    return Verdict("check", "the repository", Finding.PASS)


def environments(snapshot: Snapshot) -> Mapping[str, bool]:
    """Return the environments of a snapshot: name to whether it is protected.

    `local` is there without a document, and unprotected.
    """
    found = {d.address.name: d.spec.protected for d in snapshot.of_model(EnvironmentSpec)}
    return {"local": False, **found}

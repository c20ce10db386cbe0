"""The ruling that the gate makes, and the permit that only a ruling that passed can become.

What Python can defend: neither can be made, altered, copied with other content or unpickled into
being, since both carry a seal over what they say, by a key that this process made and no other has.
What it cannot: code that runs in this process and reads the key, or replaces these functions. Such
code is a plugin, and is trusted as far as whoever installed it.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NoReturn, get_args

from chimera.model import Digest, Finding, GateError, Outcome, Verdict
from chimera.plan import Plan

Stage = Literal["contract", "policy", "proof", "approval", "freeze", "guard"]
"""What is asked of a plan at the gate: one thing after another, and always all of them."""

STAGES: tuple[Stage, ...] = get_args(Stage)
"""The stages, in the order in which they are heard."""

_KEY = secrets.token_bytes(32)  # never leaves the process, so that no digest depends on it


def _seal(*content: object) -> str:
    return hmac.new(_KEY, json.dumps(content).encode(), "sha256").hexdigest()


def _is_seal(given: object, seal: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), seal.encode())


@dataclass(frozen=True, slots=True)
class StageRuling:
    """What was said at one stage."""

    stage: Stage
    verdicts: tuple[Verdict, ...]

    @property
    def outcome(self) -> Outcome:
        """Passed, failed, or not exercised; a stage at which nothing was said has failed."""
        findings = {verdict.finding for verdict in self.verdicts}
        if findings == {Finding.PASS}:
            return Outcome.PASSED
        unshown = Finding.NOT_EXERCISED in findings and Finding.FAIL not in findings
        return Outcome.NOT_EXERCISED if unshown else Outcome.FAILED


@dataclass(frozen=True)
class Ruling:
    """The gate's weighing of one plan: every verdict of every stage, passes too.

    `approvals` are the digests of those that let a target through. One that the gate did not make,
    or that says something else than what it made, gets no permit.
    """

    plan_digest: Digest
    environment: str
    stages: tuple[StageRuling, ...]
    approvals: Mapping[str, tuple[Digest, ...]] = field(default_factory=dict)
    seal: str = field(default="", repr=False, compare=False)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What was said, stage by stage."""
        return tuple(verdict for stage in self.stages for verdict in stage.verdicts)

    @property
    def refusals(self) -> tuple[Verdict, ...]:
        """The verdicts that stop the plan."""
        return tuple(v for v in self.verdicts if v.finding is not Finding.PASS)

    @property
    def outcome(self) -> Outcome:
        """Passed where every stage was heard, in order, and passed; else the worst of them."""
        if tuple(stage.stage for stage in self.stages) != STAGES:
            return Outcome.FAILED
        outcomes = {stage.outcome for stage in self.stages}
        if outcomes == {Outcome.PASSED}:
            return Outcome.PASSED
        return Outcome.FAILED if Outcome.FAILED in outcomes else Outcome.NOT_EXERCISED


def seal_of(ruling: Ruling) -> str:
    """Return the seal over what a ruling says: for the gate, which alone puts it on one."""
    said = [
        [s.stage, v.judge, v.subject, v.finding.value, *v.reasons, [*v.rests_on]]
        for s in ruling.stages
        for v in s.verdicts
    ]
    return _seal("ruling", ruling.plan_digest, ruling.environment, said, _listed(ruling.approvals))


def _listed(approvals: Mapping[str, tuple[Digest, ...]]) -> list[list[object]]:
    return [[target, [*digests]] for target, digests in sorted(approvals.items())]


@dataclass(frozen=True, slots=True)
class Permit:
    """The gate's leave to apply exactly one plan; nothing but `permit` can make one.

    `approvals` are the digests of the approvals that each target was let through by: applying the
    target spends them.
    """

    plan_digest: Digest
    environment: str
    approvals: Mapping[str, tuple[Digest, ...]] = field(default_factory=dict)
    seal: str = field(default="", repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse to exist where `permit` did not ask for it."""
        if not self._is_sealed():
            raise GateError(
                "a permit cannot be made by hand", help="let the gate weigh the plan instead"
            )
        object.__setattr__(self, "approvals", MappingProxyType(dict(self.approvals)))

    def __reduce__(self) -> NoReturn:
        """Refuse to be kept, sent or copied: what holds now is not what holds then."""
        raise GateError(
            "a permit cannot be kept or copied", help="let the gate weigh the plan again"
        )

    def admits(self, plan: Plan) -> bool:
        """Tell whether the permit is for this plan and no other, and still says what it said."""
        fits = (self.plan_digest, self.environment) == (plan.digest, plan.environment)
        return fits and self._is_sealed()

    def _is_sealed(self) -> bool:
        return _is_seal(self.seal, _permit_seal(self.plan_digest, self.environment, self.approvals))


def _permit_seal(
    plan: Digest, environment: str, approvals: Mapping[str, tuple[Digest, ...]]
) -> str:
    return _seal("permit", plan, environment, _listed(approvals))


def permit(ruling: Ruling) -> Permit:
    """Turn a ruling that passed into a permit; raises `GateError` with every refusal otherwise."""
    if ruling.outcome is not Outcome.PASSED:
        raise RefusedError(ruling)
    if not _is_seal(ruling.seal, seal_of(ruling)):
        raise GateError(
            "a ruling cannot be made by hand", help="let the gate weigh the plan instead"
        )
    about = (ruling.plan_digest, ruling.environment, ruling.approvals)
    return Permit(*about, _permit_seal(*about))


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

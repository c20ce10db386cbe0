"""Hearing a plan, stage by stage, by an object that cannot be called out of order.

Each stage is heard once and after the one before it, and no ruling is made until all are. Each has
reviewers that must speak: one that is missing, is blocked, wraps the hook, raises, says nothing or
says what is no verdict fails the stage, with the reason. Everybody else can add refusals, and take
none away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from chimera.documents import locate_each
from chimera.gate.ruling import STAGES, Ruling, Stage, StageRuling, seal_of
from chimera.gate.signed import approval_digest
from chimera.gate.weighing import Weighing
from chimera.model import ChimeraError, Diagnostic, Digest, Finding, Verdict
from chimera.plugin import ask_each

ESSENTIAL_REVIEWERS: Mapping[Stage, tuple[str, ...]] = {
    "contract": ("chimera.contract.plugin", "chimera.gate.plugin"),
    "policy": ("chimera.policy.plugin",),
    "proof": ("chimera.gate.plugin",),
    "approval": ("chimera.gate.plugin",),
    "freeze": ("chimera.builtin.records.plugin",),
    "guard": ("chimera.builtin.guards.plugin",),
}
"""Plugins without whose verdicts a stage fails."""


class HearingError(ChimeraError):
    """The gate was used out of order, which is a fault of the code that used it."""


class Hearing:
    """One plan being weighed. It hears every stage, in order; then, and only then, it rules."""

    def __init__(self, weighing: Weighing) -> None:
        self._weighing = weighing
        self._heard: list[StageRuling] = []

    @property
    def awaited(self) -> Stage | None:
        """The stage that is to be heard next; none when all have been."""
        return STAGES[len(self._heard)] if len(self._heard) < len(STAGES) else None

    def hear(self, stage: Stage, plugins: Any) -> StageRuling:
        """Ask every reviewer what it says at `stage`; raises `HearingError` out of order."""
        if stage != self.awaited:
            raise HearingError(
                f"the gate cannot hear {stage!r}"
                + (f" before {self.awaited}" if self.awaited else ": all has been heard"),
                help=f"hear each stage once, in this order: {', '.join(STAGES)}",
            )
        heard = StageRuling(stage, tuple(sorted(self._ask(stage, plugins), key=_order)))
        self._heard.append(heard)
        return heard

    def rule(self) -> Ruling:
        """Return the ruling; raises `HearingError` while a stage has not been heard."""
        if self.awaited is not None:
            raise HearingError(
                f"the gate cannot rule before it has heard {self.awaited}",
                help=f"hear each stage once, in this order: {', '.join(STAGES)}",
            )
        plan = self._weighing.plan
        stages = self._located()
        ruling = Ruling(plan.digest, plan.environment, stages, self._approvals())
        return replace(ruling, seal=seal_of(ruling))

    def _ask(self, stage: Stage, plugins: Any) -> Iterable[Verdict]:
        essential = ESSENTIAL_REVIEWERS[stage]
        answers, silent = ask_each(
            plugins, "chimera_review_plan", essential, stage=stage, weighing=self._weighing
        )
        yield from silent
        for name, said in answers.items():
            yield from (_verdict(name, answer) for answer in said)
            if name in essential and not said:
                reason = f"the plugin {name} said nothing about {stage}, and must"
                yield Verdict(name, "gate", Finding.FAIL, (reason,))

    def _located(self) -> tuple[StageRuling, ...]:
        """Return what was heard with the diagnostics at lines and columns."""
        faults = [d for stage in self._heard for v in stage.verdicts for d in v.diagnostics]
        found = locate_each(faults, self._weighing.subject.snapshot.tree)

        def located(verdict: Verdict) -> Verdict:
            if not verdict.diagnostics:
                return verdict
            return replace(verdict, diagnostics=tuple(islice(found, len(verdict.diagnostics))))

        return tuple(
            StageRuling(stage.stage, tuple(map(located, stage.verdicts))) for stage in self._heard
        )

    def _approvals(self) -> dict[str, tuple[Digest, ...]]:
        """Return by which approvals each target passes the stage that is about them."""
        known = set(map(approval_digest, self._weighing.approvals))
        found: dict[str, set[Digest]] = {}
        for stage in self._heard:
            for verdict in stage.verdicts if stage.stage == "approval" else ():
                if verdict.finding is Finding.PASS and (used := known & {*verdict.rests_on}):
                    found.setdefault(verdict.subject, set()).update(used)
        return {target: tuple(sorted(digests)) for target, digests in sorted(found.items())}


def weigh(weighing: Weighing, plugins: Any) -> Ruling:
    """Hear every stage and rule; a missing, silent or raising reviewer fails the gate."""
    hearing = Hearing(weighing)
    for stage in STAGES:
        hearing.hear(stage, plugins)
    return hearing.rule()


def _verdict(name: str, answer: Any) -> Verdict:
    """Return an answer that is a verdict in every part, and a refusal in place of any other."""
    if type(answer) is Verdict and _is_sound(answer):
        return answer
    reason = f"the plugin {name} gave no verdict but {answer!r}"
    return Verdict(name, "gate", Finding.FAIL, (reason,))


def _is_sound(verdict: Verdict) -> bool:
    tuples = (verdict.reasons, verdict.rests_on, verdict.diagnostics)
    if not isinstance(verdict.finding, Finding) or not all(isinstance(t, tuple) for t in tuples):
        return False
    texts = (verdict.judge, verdict.subject, *verdict.reasons, *verdict.rests_on)
    return all(isinstance(text, str) for text in texts) and all(
        isinstance(fault, Diagnostic) for fault in verdict.diagnostics
    )


def _order(verdict: Verdict) -> tuple[str, str, str, tuple[str, ...]]:
    return verdict.subject, verdict.judge, verdict.finding.value, verdict.reasons

"""Whether the repository is valid at all: what is not is not applied, whoever found it out."""

from __future__ import annotations

from chimera.gate.weighing import Weighing
from chimera.model import Diagnostic, Finding, Verdict, has_errors

_TOLD_ELSEWHERE = ("LayerContract/", "Policy/", "Schema/", "Waiver/")
"""Judges whose refusals are heard at a stage of their own."""


def review_repository(weighing: Weighing) -> Verdict:
    """Fail where checking found an error that no refusal of contracts or policies tells of."""
    told = {
        _key(fault)
        for verdict in weighing.verdicts
        if verdict.finding is Finding.FAIL and verdict.judge.startswith(_TOLD_ELSEWHERE)
        for fault in verdict.diagnostics
    }
    errors = (d for d in weighing.diagnostics if has_errors((d,)))
    faults = tuple(d for d in errors if _key(d) not in told)
    reasons = [f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"] if faults else []
    reasons += (
        f"{v.judge} fails {v.subject} and does not say why"
        for v in weighing.verdicts
        if v.is_unexplained and not v.judge.startswith(_TOLD_ELSEWHERE)
    )
    finding = Finding.FAIL if reasons else Finding.PASS
    said = tuple(reasons) or ("its documents are valid",)
    return Verdict("check", "the repository", finding, said, faults)


def _key(fault: Diagnostic) -> tuple[str, str | None, str]:
    """Tell faults apart whether or not they have been located."""
    return fault.rule, fault.address, fault.message

"""Verdicts on what a plan owes: that it is there, or where it is asked for and what to do.

Refuses to find out which.
"""

from __future__ import annotations

from chimera.gate.weighing import Weighing
from chimera.model import Address, Diagnostic, Digest, Finding, Obligation, Related, Verdict

_ASKED_IN = {"Gate": "requires", "Proof": "covers", "LayerContract": "layers"}
"""The field by which a document asks, for the place that a refusal cites."""


def judge_of(obligation: Obligation) -> str:
    """Return what a verdict on an obligation is called: who owes what."""
    return f"{obligation.source} owes {obligation.kind} {obligation.subject}"


def met(
    obligation: Obligation, reasons: tuple[str, ...], rests_on: tuple[Digest, ...] = ()
) -> Verdict:
    """Return that what is owed is there: by what, and the digests of that."""
    target = str(obligation.target)
    return Verdict(judge_of(obligation), target, Finding.PASS, reasons, rests_on=rests_on)


def unmet(
    obligation: Obligation,
    weighing: Weighing,
    finding: Finding,
    reasons: tuple[str, ...],
    because: tuple[Diagnostic, ...] = (),
) -> Verdict:
    """Return the refusal of what is owed, citing the document and line that asks.

    The first reason says what is missing, the last what to do.
    """
    snapshot = weighing.subject.snapshot
    source = snapshot.get(obligation.source)
    if source is None:  # a gate that was there only before: nothing left to cite
        return Verdict(judge_of(obligation), str(obligation.target), finding, reasons, because)
    target = obligation.target
    changed = snapshot.get(target) if isinstance(target, Address) else None
    diagnostic = Diagnostic(
        f"gate-{obligation.kind}-owed",
        f"{target} owes {obligation.subject}: {reasons[0]}",
        source.at("spec", _ASKED_IN.get(obligation.source.kind, ""), on_key=True),
        reasons[-1],
        address=str(obligation.source),
        related=(Related("the change is here", changed.place),) if changed else (),
    )
    return Verdict(judge_of(obligation), str(target), finding, reasons, (diagnostic, *because))

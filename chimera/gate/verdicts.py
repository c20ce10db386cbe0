"""Verdicts that several reviewers give, in one form.

On what a plan owes: that it is there, or where it is asked for and what to do. And on what could
stop the plan and cannot be read. Refuses to find out which of these is so.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.documents import locate
from chimera.gate.weighing import Weighing
from chimera.model import Address, Diagnostic, Digest, Finding, Obligation, Related, Verdict

_ASKED_IN = {
    "Gate": "requires",
    "Proof": "covers",
    "LayerContract": "layers",
    "Environment": "production",
    "Rollback": "answers",
}
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


def unread(weighing: Weighing, *kinds: str) -> Iterator[Verdict]:
    """Yield a refusal for each place with a document that cannot be read and may be of `kinds`."""
    meant = tuple(f"{kind}/" for kind in kinds)
    for side in weighing.sides:
        faults = tuple(f for f in side.faults if not f.address or f.address.startswith(meant))
        if faults:
            reason = f"{side.name} has a document that cannot be read: {faults[0].message}"
            located = locate(faults, side.snapshot.tree)
            yield Verdict(kinds[0].lower(), side.name, Finding.FAIL, (reason,), located)

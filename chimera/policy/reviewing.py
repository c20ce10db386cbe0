"""What policies and Schemas say of a plan at the gate: what is denied, and what is waived."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chimera.model import Finding, Verdict

if TYPE_CHECKING:
    from chimera.gate import Weighing

_MINE = ("Policy/", "Schema/", "Waiver/")


def review(weighing: Weighing) -> Iterator[Verdict]:
    """Yield every denial, each rule that passes only by a waiver, and how much holds."""
    mine = [v for v in weighing.verdicts if v.judge.startswith(_MINE)]
    holding = sum(v.count for v in mine if v.finding is Finding.PASS)
    snapshot = weighing.subject.snapshot
    waivers = {str(d.address): d.digest for d in snapshot.desired if d.address.kind == "Waiver"}
    for verdict in mine:
        if verdict.finding is Finding.FAIL:
            yield verdict
        elif verdict.waiver is not None:
            reasons = (f"waived by {verdict.waiver}", *verdict.reasons)
            by = (waivers[verdict.waiver],) if verdict.waiver in waivers else ()
            yield Verdict(verdict.judge, verdict.subject, Finding.PASS, reasons, rests_on=by)
    reason = f"{holding} judged, and hold" if holding else "none is about anything here"
    yield Verdict("policy", "policies", Finding.PASS, (reason,))

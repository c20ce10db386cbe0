"""What the contracts say of a plan at the gate: which of them it breaks, and which hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chimera.model import Finding, Verdict

if TYPE_CHECKING:
    from chimera.gate import Weighing


def review(weighing: Weighing) -> Iterator[Verdict]:
    """Yield every breach of a contract, and each contract that nothing breaks."""
    mine = [v for v in weighing.verdicts if v.judge.startswith("LayerContract/")]
    failing = {v for v in mine if v.finding is Finding.FAIL}
    told = {fault for v in failing if v.subject != v.judge for fault in v.diagnostics}
    for verdict in mine:
        # A contract's own verdict repeats the faults of its documents.
        repeats = verdict.subject == verdict.judge and told.issuperset(verdict.diagnostics)
        if verdict in failing and not (repeats and verdict.diagnostics):
            yield verdict
        elif verdict.finding is Finding.PASS and verdict.subject == verdict.judge:
            yield Verdict(verdict.judge, verdict.subject, Finding.PASS, verdict.reasons)
    if not mine:
        yield Verdict("contract", "the repository", Finding.PASS, ("it has no layer contract",))

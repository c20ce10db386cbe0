"""What policies say of resources that were named on the spot."""

from __future__ import annotations

from typing import Any

from chimera.model import Finding, Outcome, Result, Verdict
from chimera.render.diagnostics import (
    FINDING_STYLES,
    diagnostic_json,
    diagnostic_lines,
    verdict_json,
    verdict_text,
)
from chimera.render.paint import Paint, count, plain

_NOT_TOLD = {
    Outcome.NOT_EXERCISED: "not every policy was exercised: the lines above say which, and why",
}


def evaluation_text(result: Result[tuple[Verdict, ...]], paint: Paint = plain) -> str:
    """Return what is wrong with the files, every verdict, and how many there are of each."""
    lines = diagnostic_lines(result.diagnostics, paint)
    lines += (verdict_text(verdict, paint) for verdict in result.value)
    parts = []
    for finding in Finding:
        number = sum(v.count for v in result.value if v.finding is finding)
        if number:
            parts.append(
                paint(f"{count(number, 'verdict')} {finding.value}", FINDING_STYLES[finding])
            )
    lines.append(", ".join(parts) or "no verdict")
    if result.outcome in _NOT_TOLD:
        lines.append(paint(_NOT_TOLD[result.outcome], "warn"))
    return "\n".join(lines)


def evaluation_json(result: Result[tuple[Verdict, ...]]) -> dict[str, Any]:
    """Return every verdict as JSON."""
    return {
        "format": "chimera-policy-eval/1",
        "outcome": result.outcome.value,
        "verdicts": [verdict_json(verdict) for verdict in result.value],
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }

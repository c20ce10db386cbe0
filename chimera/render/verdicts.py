"""A list of verdicts, passes named as well as failures."""

from __future__ import annotations

from typing import Any

from chimera.model import Finding, Result, Verdict
from chimera.render.diagnostics import (
    FINDING_STYLES,
    diagnostic_json,
    diagnostic_lines,
    verdict_json,
    verdict_text,
)
from chimera.render.paint import Paint, count, plain


def verdicts_text(result: Result[tuple[Verdict, ...]], noun: str, paint: Paint = plain) -> str:
    """Return what is wrong with the documents, every verdict, and how many there are of each."""
    lines = diagnostic_lines(result.diagnostics, paint)
    lines += (verdict_text(verdict, paint) for verdict in result.value)
    parts = []
    for finding in Finding:
        number = sum(verdict.finding is finding for verdict in result.value)
        if number:
            parts.append(paint(f"{count(number, noun)} {finding.value}", FINDING_STYLES[finding]))
    lines.append(", ".join(parts) or f"no {noun} to try")
    return "\n".join(lines)


def verdicts_json(result: Result[tuple[Verdict, ...]], format: str) -> dict[str, Any]:
    """Return every verdict as JSON."""
    return {
        "format": format,
        "outcome": result.outcome.value,
        "verdicts": [verdict_json(verdict) for verdict in result.value],
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }

"""The result of a check."""

from __future__ import annotations

from typing import Any

from chimera.model import Result
from chimera.render.changes import check_change_json, check_change_text, not_exercised_json
from chimera.render.diagnostics import (
    diagnostic_json,
    diagnostic_lines,
    severities_text,
    verdict_text,
)
from chimera.render.paint import Paint, count, plain
from chimera.workspace import CheckReport


def check_text(result: Result[CheckReport], paint: Paint = plain, *, notes: bool = False) -> str:
    """Return every diagnostic, then what was looked at and how many faults were found.

    Of a tree that was compared with a base, what changes comes before that.
    """
    report = result.value
    lines = [*check_change_text(report, paint)]
    lines += diagnostic_lines(result.diagnostics, paint, notes=notes)
    unexplained = [v for v in report.judgement.verdicts if v.is_unexplained]
    lines += (verdict_text(verdict, paint) for verdict in unexplained)
    kinds = ", ".join(f"{number} {kind}" for kind, number in report.documents.items())
    total = sum(report.documents.values())
    lines.append(f"checked {count(total, 'document')}" + (f": {kinds}" if kinds else ""))
    passed, failed, idle = report.findings.values()
    lines.append(f"{count(passed, 'verdict')} passed, {failed} failed, {idle} not exercised")
    if report.foreign:
        lines.append(f"left aside {count(report.foreign, 'document')} of other systems")
    if not unexplained:
        lines.append(severities_text(result.diagnostics, paint))
    return "\n".join(lines)


def check_json(result: Result[CheckReport]) -> dict[str, Any]:
    """Return the result of a check as JSON."""
    return {
        "format": "chimera-check/1",
        "outcome": result.outcome.value,
        "documents": result.value.documents,
        "verdicts": result.value.findings,
        "foreign": result.value.foreign,
        "notExercised": not_exercised_json(result.value.judgement.not_exercised),
        "change": check_change_json(result.value),
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }

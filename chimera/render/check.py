"""The result of a check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from chimera.model import Finding, Result, Verdict
from chimera.policy import unexercised
from chimera.render.changes import check_change_json, check_change_text, not_exercised_json
from chimera.render.diagnostics import (
    FINDING_STYLES,
    diagnostic_json,
    diagnostic_lines,
    severities_text,
    verdict_text,
)
from chimera.render.paint import Paint, count, plain
from chimera.render.plan import some_of

if TYPE_CHECKING:
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
    lines += (verdict_text(v, paint) for v in report.judgement.verdicts if v.waiver)
    if report.planned is None:
        lines += _unexercised_lines(report.judgement.verdicts, paint)
    lines.append(checked_text(report))
    passed, failed, idle = report.findings.values()
    lines.append(f"{count(passed, 'verdict')} passed, {failed} failed, {idle} not exercised")
    if report.left_aside:
        lines.append(f"left aside {count(report.left_aside, 'document')} of other systems")
    if not unexplained:
        lines.append(severities_text(result.diagnostics, paint))
    return "\n".join(lines)


def checked_text(report: CheckReport) -> str:
    """Return what was looked at, such as `checked 2 documents: 1 Gate, 1 Role`."""
    kinds = ", ".join(f"{number} {kind}" for kind, number in report.documents.items())
    total = count(sum(report.documents.values()), "document")
    files = f", and {count(report.foreign, 'file')} of other systems" if report.foreign else ""
    return f"checked {total}" + (f": {kinds}" if kinds else "") + files


def _unexercised_lines(verdicts: Iterable[Verdict], paint: Paint) -> Iterator[str]:
    """Yield the rules of policies that met nothing, those with one reason together."""
    found: dict[tuple[str, ...], list[str]] = {}
    for rule in unexercised(verdicts):
        found.setdefault(rule.reasons, []).append(rule.rule)
    for reasons, rules in found.items():
        word = paint("not-exercised", FINDING_STYLES[Finding.NOT_EXERCISED])
        yield f"{word}  {some_of(rules)}: {'; '.join(reasons)}"


def _waived_json(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    return [
        {"rule": v.judge, "subject": v.subject, "waiver": v.waiver, "reasons": list(v.reasons)}
        for v in verdicts
        if v.waiver
    ]


def _unexercised_json(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    return [
        {"rule": rule.rule, "action": rule.action, "reasons": list(rule.reasons)}
        for rule in unexercised(verdicts)
    ]


def check_json(result: Result[CheckReport]) -> dict[str, Any]:
    """Return the result of a check as JSON."""
    verdicts = result.value.judgement.verdicts
    return {
        "format": "chimera-check/1",
        "outcome": result.outcome.value,
        "documents": result.value.documents,
        "verdicts": result.value.findings,
        "foreign": result.value.foreign,
        "leftAside": result.value.left_aside,
        "notExercised": not_exercised_json(result.value.judgement.not_exercised),
        "unexercisedRules": _unexercised_json(verdicts),
        "waived": _waived_json(verdicts),
        "change": check_change_json(result.value),
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }

"""Diagnostics and verdicts as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from chimera.model import Diagnostic, Finding, Place, Severity, Span, Verdict
from chimera.render.paint import Paint, Style, count, plain, unbroken

_STYLES: dict[Severity, Style] = {
    Severity.ERROR: "bad",
    Severity.WARNING: "warn",
    Severity.INFO: "dim",
}
FINDING_STYLES: dict[Finding, Style] = {
    Finding.PASS: "good",
    Finding.FAIL: "bad",
    Finding.NOT_EXERCISED: "warn",
}


def diagnostic_text(diagnostic: Diagnostic, paint: Paint = plain) -> str:
    """Return `path:line:column: severity[rule]: message`, then help and related places."""
    level = paint(f"{diagnostic.severity.value}[{diagnostic.rule}]", _STYLES[diagnostic.severity])
    where = paint(unbroken(diagnostic.span), "bold")
    lines = [f"{where}: {level}: {_indent(diagnostic.message)}"]
    lines.append(f"    {paint('help:', 'accent')} {_indent(diagnostic.help)}")
    for related in diagnostic.related:
        where = unbroken(span_of(related.where))
        lines.append(f"    {paint('note:', 'accent')} {where}: {_indent(related.message)}")
    return "\n".join(lines)


def _indent(text: str) -> str:
    """Keep a message that came in several lines inside its diagnostic; drop control characters."""
    clean = "".join(c for c in text if c.isprintable() or c == "\n")
    return clean.replace("\n", "\n          ")


def span_of(where: Place | Span) -> Span:
    """Return a located place, or the first line of the file of one that is not."""
    return where if isinstance(where, Span) else Span(where.path)


def diagnostic_lines(
    diagnostics: Sequence[Diagnostic], paint: Paint = plain, *, notes: bool = False
) -> list[str]:
    """Return the errors and warnings as text; with `notes`, what is merely noted too."""
    shown = (d for d in diagnostics if notes or d.severity is not Severity.INFO)
    return [diagnostic_text(diagnostic, paint) for diagnostic in shown]


def severities_text(diagnostics: Iterable[Diagnostic], paint: Paint = plain) -> str:
    """Return `2 errors, 1 warning`, or `no faults`."""
    found = Counter(diagnostic.severity for diagnostic in diagnostics)
    words = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    parts = [paint(count(found[s], words[s]), _STYLES[s]) for s in Severity if found[s]]
    return ", ".join(parts) or paint("no faults", "good")


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return one diagnostic as JSON."""
    return {
        "rule": diagnostic.rule,
        "severity": diagnostic.severity.value,
        **span_json(diagnostic.span),
        "message": diagnostic.message,
        "help": diagnostic.help,
        "address": diagnostic.address,
        "related": [
            {"message": r.message, **span_json(span_of(r.where))} for r in diagnostic.related
        ],
    }


def span_json(span: Span) -> dict[str, Any]:
    """Return a place as JSON; lines and columns count from one."""
    return {
        "path": span.path,
        "line": span.line,
        "column": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def verdict_text(verdict: Verdict, paint: Paint = plain) -> str:
    """Return one verdict with the diagnostics that explain it, or else its reasons."""
    plainly = verdict.label == verdict.finding.value
    word = paint(verdict.label, FINDING_STYLES[verdict.finding] if plainly else "warn")
    judge = f": {verdict.judge}" if verdict.judge != verdict.subject else ""
    lines = [f"{word}  {unbroken(f'{verdict.subject}{judge}')}"]
    if verdict.finding is not Finding.PASS or not plainly:
        shown = [diagnostic_text(diagnostic, paint) for diagnostic in verdict.diagnostics]
        explained = "\n".join(shown) or "\n".join(map(_indent, verdict.reasons))
        lines += (f"      {line}" for line in explained.splitlines())
    return "\n".join(lines)


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """Return one verdict as JSON."""
    return {
        "judge": verdict.judge,
        "subject": verdict.subject,
        "finding": verdict.finding.value,
        "label": verdict.label,
        "action": verdict.action,
        "waiver": verdict.waiver,
        "count": verdict.count,
        "reasons": list(verdict.reasons),
        "diagnostics": [diagnostic_json(d) for d in verdict.diagnostics],
    }

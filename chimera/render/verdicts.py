"""How the cases of policies came out, and how well they show the rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chimera.model import Finding, Result
from chimera.policy import CasesReport, RuleCoverage
from chimera.render.diagnostics import (
    FINDING_STYLES,
    diagnostic_json,
    diagnostic_lines,
    verdict_json,
    verdict_text,
)
from chimera.render.paint import Paint, count, plain


def cases_text(result: Result[CasesReport], paint: Paint = plain) -> str:
    """Return what is wrong with the documents, every case, every rule and how many there are."""
    report = result.value
    lines = diagnostic_lines(result.diagnostics, paint)
    lines += (verdict_text(verdict, paint) for verdict in report.verdicts)
    lines += _coverage_lines(report.coverage, paint)
    parts = []
    for finding in Finding:
        number = sum(verdict.finding is finding for verdict in report.verdicts)
        if number:
            parts.append(paint(f"{count(number, 'case')} {finding.value}", FINDING_STYLES[finding]))
    lines.append(", ".join(parts) or "no case to try")
    return "\n".join(lines)


def _coverage_lines(coverage: tuple[RuleCoverage, ...], paint: Paint) -> Iterator[str]:
    if coverage:
        shown = sum(rule.is_shown for rule in coverage)
        yield paint("cases by rule, that show it to hold and to find fault:", "bold")
        yield from (_rule_text(rule, paint) for rule in coverage)
        total = f"{shown} of {count(len(coverage), 'rule')} shown to do both"
        yield paint(total, "good" if shown == len(coverage) else "bad")


def _rule_text(rule: RuleCoverage, paint: Paint) -> str:
    also = f", {rule.inapplicable} where it is inapplicable" if rule.inapplicable else ""
    what = f"{rule.holds} to hold, {rule.fails} to find fault{also}"
    action = "" if rule.action == "deny" else f" ({rule.action})"
    return f"  {rule.rule}{action}: {what if rule.is_shown else paint(what, 'bad')}"


def cases_json(result: Result[CasesReport]) -> dict[str, Any]:
    """Return every case and every rule as JSON."""
    return {
        "format": "chimera-policy-test/1",
        "outcome": result.outcome.value,
        "verdicts": [verdict_json(verdict) for verdict in result.value.verdicts],
        "coverage": [
            {
                "rule": rule.rule,
                "action": rule.action,
                "holds": rule.holds,
                "fails": rule.fails,
                "inapplicable": rule.inapplicable,
            }
            for rule in result.value.coverage
        ],
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }

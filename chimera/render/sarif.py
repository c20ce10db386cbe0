"""SARIF 2.1.0: what code scanning and editors read (https://docs.oasis-open.org/sarif/sarif/v2.1.0).

Faults are results; what was not exercised is a notification, since GitHub makes an alert of every
result. Keeps to GitHub's limits, worst first, and says how many were left out.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from chimera.model import Diagnostic, Outcome, Severity, Span, Verdict, digest_json
from chimera.render.diagnostics import span_of
from chimera.render.paint import count, harmless
from chimera.render.report import Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"
# https://docs.github.com/code-security/reference/code-scanning/sarif-support-for-code-scanning
MOST_RESULTS = 25_000
MOST_BYTES = 10_000_000
"""Of the file after gzip."""
MOST_NOTIFICATIONS = 1_000
MOST_RELATED = 100
MOST_CHARACTERS = 8_000
"""Of one message."""
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_RAN = {Outcome.INTERRUPTED, Outcome.INTERNAL, Outcome.USAGE}

Json = dict[str, Any]


def sarif(report: Report) -> str:
    """Return a SARIF log of one run, small enough for GitHub."""
    results = [*_faults(report), *_waived(report)]
    kept = results[:MOST_RESULTS]
    while True:
        text = _log(report, kept, len(results) - len(kept))
        if len(gzip.compress(text.encode(), 1, mtime=0)) <= MOST_BYTES or not kept:
            return text
        kept = kept[: len(kept) * 3 // 4]


def _log(report: Report, results: Sequence[Json], left_out: int) -> str:
    rules = list(dict.fromkeys(result["ruleId"] for result in results))
    index = {rule: number for number, rule in enumerate(rules)}
    driver = {"name": "chimera", "version": report.version, "rules": [_rule(id) for id in rules]}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"chimera/{report.command.replace(' ', '-')}/"},
        "invocations": [_invocation(report, left_out)],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "results": [{**result, "ruleIndex": index[result["ruleId"]]} for result in results],
        "properties": {"outcome": report.outcome.value, "verdicts": _findings(report)},
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return harmless(json.dumps(log, indent=2, ensure_ascii=False))


def _findings(report: Report) -> dict[str, int]:
    return {finding.value: number for finding, number in report.findings.items()}


def _rule(id: str) -> Json:
    name = id if "/" in id else id.replace("-", " ")
    help = "Each result says what to do about it."
    return {
        "id": id,
        "shortDescription": {"text": name},
        "fullDescription": {"text": name},
        "help": {"text": help},
    }


def _invocation(report: Report, left_out: int) -> Json:
    notes = [_notification(text, "note") for text in report.notes]
    if left_out:
        notes.append(_notification(f"and {count(left_out, 'more result')}, left out", "warning"))
    notes += _bounded(report.unexplained, lambda v: _verdict(v, report, "error"))
    notes += _bounded(report.idle, lambda v: _verdict(v, report, "note"))
    return {
        "executionSuccessful": report.outcome not in _RAN,
        "exitCode": report.exit_code,
        "exitCodeDescription": report.outcome.value,
        "toolExecutionNotifications": notes,
    }


def _bounded(verdicts: Sequence[Verdict], write: Callable[[Verdict], Json]) -> Iterator[Json]:
    yield from map(write, verdicts[:MOST_NOTIFICATIONS])
    if len(verdicts) > MOST_NOTIFICATIONS:
        more = count(len(verdicts) - MOST_NOTIFICATIONS, "more verdict")
        yield _notification(f"and {more} {verdicts[0].finding.value}", "note")


def _notification(text: str, level: str) -> Json:
    return {"level": level, "message": {"text": _text(text)}}


def _verdict(verdict: Verdict, report: Report, level: str) -> Json:
    """Return a verdict for which no diagnostic stands."""
    span = report.span_of(verdict.subject) or report.span_of(verdict.judge)
    where = {"locations": [{"physicalLocation": _physical(span)}]} if span else {}
    return {**_notification(said(verdict), level), **where}


def said(verdict: Verdict) -> str:
    """Return `fail: Policy/p#rule, of Thing/t: reasons`."""
    judge = f"{verdict.judge}, of " if verdict.judge != verdict.subject else ""
    reasons = f": {'; '.join(verdict.reasons)}" if verdict.reasons else ""
    return f"{verdict.finding.value}: {judge}{verdict.subject}{reasons}"


def _faults(report: Report) -> Iterator[Json]:
    judges = {d: verdict.judge for verdict in report.verdicts for d in verdict.diagnostics}
    seen: dict[str, int] = {}
    for diagnostic in report.worst_first:
        same = _same(diagnostic)
        seen[same] = seen.get(same, 0) + 1
        result = _result(diagnostic, f"{same}:{seen[same]}")
        if diagnostic in judges:
            result["properties"] = {"judge": judges[diagnostic]}
        yield result


def _same(diagnostic: Diagnostic) -> str:
    """Return what stays where lines are put above a fault: its file, what is wrong and with what.

    The same fault twice in a file is told apart by its number, counted from the top.
    """
    parts = (diagnostic.rule, diagnostic.span.path, diagnostic.address, diagnostic.message)
    return digest_json([harmless(part or "") for part in parts]).removeprefix("sha256:")


def _result(diagnostic: Diagnostic, fingerprint: str) -> Json:
    result: Json = {
        "ruleId": diagnostic.rule,
        "kind": "fail",
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": _text(f"{diagnostic.message}\nhelp: {diagnostic.help}")},
        "locations": [_location(diagnostic.span, diagnostic.address)],
        "partialFingerprints": {"chimera/v1": fingerprint},
    }
    if diagnostic.related:
        result["relatedLocations"] = list(_related(diagnostic))
    return result


def _related(diagnostic: Diagnostic) -> Iterator[Json]:
    for number, related in enumerate(diagnostic.related[:MOST_RELATED]):
        yield {
            "id": number,
            "message": {"text": _text(related.message)},
            "physicalLocation": _physical(span_of(related.where)),
        }


def _waived(report: Report) -> Iterable[Json]:
    """Yield what a waiver silences, as the suppressed results that they are."""
    for verdict in report.waived:
        span = report.span_of(verdict.subject)
        if span is None:
            continue  # GitHub refuses a result without a location; the verdicts are counted
        why = _text("; ".join(verdict.reasons))
        yield {
            "ruleId": verdict.judge,
            "kind": "fail",
            "level": "note",
            "message": {"text": _text(f"{verdict.judge} does not hold of {verdict.subject}")},
            "locations": [_location(span, verdict.subject)],
            "partialFingerprints": {
                "chimera/v1": _same(
                    Diagnostic(verdict.judge, "", span, "", address=verdict.subject)
                )
            },
            "suppressions": [{"kind": "external", "status": "accepted", "justification": why}],
        }


def _location(span: Span, address: str | None) -> Json:
    location: Json = {"physicalLocation": _physical(span)}
    if address:
        location["logicalLocations"] = [{"fullyQualifiedName": address, "kind": "object"}]
    return location


def _physical(span: Span) -> Json:
    region: Json = {"startLine": span.line, "startColumn": span.column}
    if span.end_line is not None:
        region["endLine"] = span.end_line
    if span.end_column is not None:
        region["endColumn"] = span.end_column
    uri = quote(span.path.encode("utf-8", "surrogateescape"), safe="/")
    return {"artifactLocation": {"uri": uri, "uriBaseId": ROOT}, "region": region}


def _text(text: str) -> str:
    """Return a message as SARIF wants it: not empty, of bounded length."""
    if len(text) > MOST_CHARACTERS:
        text = f"{text[: MOST_CHARACTERS - 1]}…"
    return text or "-"

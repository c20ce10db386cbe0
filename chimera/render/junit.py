"""JUnit XML: what CI servers read as test results.

A suite for the documents, one for each judge, and one that says how the command ended, so that the
file is red whenever the command was not green. Without times: two equal runs write equal files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal
from xml.etree import ElementTree as Xml

from chimera.model import Diagnostic, Finding, Outcome, Severity, Verdict
from chimera.render.diagnostics import diagnostic_text
from chimera.render.paint import count, harmless
from chimera.render.report import Report

DOCUMENTS = "documents"
OUTCOME = "outcome"
Ended = Literal["passed", "failure", "skipped"]
_GREEN = {Outcome.PASSED, Outcome.CHANGED}
_MOST_IN_ATTRIBUTE = 500


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case: how it ended, in a line and in full, and what else there is to say."""

    suite: str
    classname: str
    name: str
    ended: Ended = "passed"
    type: str = ""
    message: str = ""
    text: str = ""
    remark: str = ""


def junit(report: Report) -> str:
    """Return all verdicts and the documents' faults as JUnit XML."""
    suites: dict[str, list[_Case]] = {}
    for case in (*_documents(report), *map(_judged, report.verdicts), _outcome(report)):
        suites.setdefault(case.suite, []).append(case)
    every = [case for cases in suites.values() for case in cases]
    name = f"chimera {report.command}"
    root = Xml.Element("testsuites", {"name": name, **_counts(every)})
    for suite, cases in suites.items():
        element = Xml.SubElement(root, "testsuite", {"name": _short(suite), **_counts(cases)})
        for case in cases:
            _write(element, case)
    Xml.indent(root)
    body = Xml.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'


def _counts(cases: Iterable[_Case]) -> dict[str, str]:
    ended = [case.ended for case in cases]
    return {
        "tests": str(len(ended)),
        "failures": str(ended.count("failure")),
        "errors": "0",
        "skipped": str(ended.count("skipped")),
    }


def _write(suite: Xml.Element, case: _Case) -> None:
    element = Xml.SubElement(
        suite, "testcase", {"classname": _short(case.classname), "name": _short(case.name)}
    )
    if case.ended == "failure":
        attributes = {"message": _short(case.message), "type": _short(case.type)}
        Xml.SubElement(element, "failure", attributes).text = harmless(case.text)
    elif case.ended == "skipped":
        Xml.SubElement(element, "skipped", {"message": _short(case.message)})
    if case.remark:
        Xml.SubElement(element, "system-out").text = harmless(case.remark)


def _documents(report: Report) -> Iterator[_Case]:
    """Yield a case for each file, with the faults that no judge brought."""
    carried = {diagnostic for verdict in report.verdicts for diagnostic in verdict.diagnostics}
    found: dict[str, list[Diagnostic]] = {path: [] for path in report.list_files()}
    for diagnostic in report.diagnostics:
        if diagnostic not in carried:
            found.setdefault(diagnostic.span.path, []).append(diagnostic)
    for path, diagnostics in sorted(found.items()):
        yield _explained(_Case(DOCUMENTS, DOCUMENTS, path), diagnostics)


def _judged(verdict: Verdict) -> _Case:
    case = _Case(verdict.judge.partition("#")[0], verdict.judge, verdict.subject)
    reasons = "\n".join(verdict.reasons)
    if verdict.finding is Finding.NOT_EXERCISED:
        remark = "\n".join(map(diagnostic_text, verdict.diagnostics))
        return replace(case, ended="skipped", message=reasons or "not exercised", remark=remark)
    if verdict.is_unexplained:
        return replace(case, ended="failure", type="fail", message=reasons, text=reasons)
    if verdict.diagnostics:
        return _explained(case, verdict.diagnostics)
    return replace(case, remark=reasons)


def _explained(case: _Case, diagnostics: Iterable[Diagnostic]) -> _Case:
    """Return a case that fails by its errors and remarks the rest."""
    errors = [d for d in diagnostics if d.severity is Severity.ERROR]
    rest = "\n".join(diagnostic_text(d) for d in diagnostics if d.severity is not Severity.ERROR)
    if not errors:
        return replace(case, remark=rest)
    text = "\n".join(map(diagnostic_text, errors))
    more = f" (and {count(len(errors) - 1, 'more error')})" if len(errors) > 1 else ""
    first = errors[0]
    message = f"{first.message}{more}"
    return replace(case, ended="failure", type=first.rule, message=message, text=text, remark=rest)


def _outcome(report: Report) -> _Case:
    case = _Case(OUTCOME, "chimera", report.command)
    counted = (count(n, severity.value) for severity, n in report.severities.items() if n)
    message = f"{report.outcome.value}: {', '.join(counted) or 'no faults'}"
    remark = "\n".join(report.notes)
    if report.outcome in _GREEN:
        return replace(case, remark=remark)
    ended: Ended = "skipped" if report.outcome is Outcome.NOT_EXERCISED else "failure"
    return replace(
        case,
        ended=ended,
        type=report.outcome.value,
        message=message,
        text=message,
        remark=remark,
    )


def _short(text: str) -> str:
    """Return what an attribute can hold: one line of bounded length."""
    line = " ".join(harmless(text).split())
    return f"{line[: _MOST_IN_ATTRIBUTE - 1]}…" if len(line) > _MOST_IN_ATTRIBUTE else line

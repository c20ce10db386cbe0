"""Annotations: workflow commands that GitHub shows in the diff, one a line.

Worst first within GitHub's limits; what is left out is counted. Refuses to let a message end its
line, which would let a document give the runner commands of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chimera.model import Diagnostic, Finding, Severity, Span, Verdict
from chimera.render.diagnostics import span_of
from chimera.render.paint import count, harmless
from chimera.render.report import Report
from chimera.render.sarif import said

# Ten of each level a step, fifty a job: https://github.com/actions/toolkit/pull/734
MOST_OF_A_LEVEL = 10
MOST_CHARACTERS = 4_000
_MOST_NAMES = 20
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_NOUNS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def github(report: Report) -> str:
    """Return one workflow command a line; the last says how the command ended."""
    lines: list[str] = []
    left_out: list[str] = []
    closing = [*_idle(report.idle)]
    for severity, command in _COMMANDS.items():
        found = [*_annotations(report, severity, command)]
        room = MOST_OF_A_LEVEL
        if severity is Severity.INFO:
            room -= len(closing) + 1  # the one that says how the command ended
        lines += found[:room]
        if len(found) > room:
            left_out.append(count(len(found) - room, f"more {_NOUNS[severity]}"))
    return "\n".join((*lines, *closing, _ending(report, left_out)))


def _annotations(report: Report, severity: Severity, command: str) -> Iterator[str]:
    """Yield the faults of a severity, those in files that differ first: the diff shows them.

    What is merely noted is shown nowhere else.
    """
    changed = report.changed
    found = [d for d in report.diagnostics if d.severity is severity]
    if changed is not None:
        found.sort(key=lambda d: d.span.path not in changed)
        if severity is Severity.INFO:
            found = [d for d in found if d.span.path in changed]
    yield from (_fault(diagnostic, command) for diagnostic in found)
    if severity is Severity.ERROR:
        for verdict in report.unexplained:
            span = report.span_of(verdict.subject) or report.span_of(verdict.judge)
            yield _line(command, said(verdict), verdict.judge, span)


def _fault(diagnostic: Diagnostic, command: str) -> str:
    text = [diagnostic.message, f"help: {diagnostic.help}"]
    text += (f"note: {span_of(r.where)}: {r.message}" for r in diagnostic.related)
    return _line(command, "\n".join(text), diagnostic.rule, diagnostic.span)


def _idle(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield one notice about all that was not exercised."""
    if verdicts:
        names = list(dict.fromkeys(verdict.judge for verdict in verdicts))
        more = len(names) - _MOST_NAMES
        named = ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
        text = f"{count(len(verdicts), 'verdict')} not exercised: {named}"
        yield _line("notice", text, Finding.NOT_EXERCISED.value, None)


def _ending(report: Report, left_out: Iterable[str]) -> str:
    more = ", ".join(left_out)
    counted = (count(n, _NOUNS[severity]) for severity, n in report.severities.items() if n)
    text = ", ".join(counted) or "no faults"
    if report.waived:
        text += f", {len(report.waived)} waived"
    if report.owed:
        text += f", {count(report.owed, 'obligation')} before it may be applied"
    if more:
        text += f"; and {more}, which GitHub has no room for here"
    return _line("notice", f"{report.outcome.value}: {text}", f"chimera {report.command}", None)


def _line(command: str, message: str, title: str, span: Span | None) -> str:
    properties = {} if span is None else _where(span)
    properties["title"] = title
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    if len(message) > MOST_CHARACTERS:
        message = f"{message[: MOST_CHARACTERS - 1]}…"
    return f"::{command} {written}::{_data(message)}"


def _where(span: Span) -> dict[str, str]:
    """Return a place as GitHub counts it: with columns only inside one line, the last included."""
    found = {"file": span.path, "line": str(span.line)}
    end = span.end_line or span.line
    if end != span.line:
        return {**found, "endLine": str(end)}
    found["col"] = str(span.column)
    if span.end_column is not None:
        found["endColumn"] = str(max(span.column, span.end_column - 1))
    return {**found, "endLine": str(end)}


def _data(text: str) -> str:
    """Escape a message as the runner undoes it (Runner.Common/ActionCommand.cs)."""
    return harmless(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

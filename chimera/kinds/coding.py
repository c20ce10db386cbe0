"""Diagnostics, verdicts and marks as JSON and back, so that they can be kept between runs.

What comes back equals what went in. Refuses what has no JSON form.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from chimera.kinds.fields import (
    Expression,
    Governs,
    KindReference,
    LayerReference,
    Mark,
    Marked,
    Plays,
    Reference,
    Role,
)
from chimera.model import Diagnostic, Finding, Place, Related, Severity, Span, Verdict

_PLAIN: dict[str, Mark] = {
    "layer": LayerReference(),
    "kind": KindReference(),
    "governs": Governs(),
    "expression": Expression(),
    **{role.value: Plays(role) for role in Role},
}
_NAMES = {mark: name for name, mark in _PLAIN.items()}
_PLAIN_TYPES = frozenset((str, bool, int, float))
_SEVERITIES = {severity.value: severity for severity in Severity}
_FINDINGS = {finding.value: finding for finding in Finding}


def place_json(where: Place | Span) -> list[Any]:
    """Return a place or span as JSON; they differ in length."""
    if isinstance(where, Place):
        return [where.path, where.index, list(where.route), where.on]
    return [where.path, where.line, where.column, where.end_line, where.end_column]


def read_place(data: list[Any]) -> Place | Span:
    """Read what `place_json` wrote."""
    if len(data) == 4:
        return Place(data[0], data[1], tuple(data[2]), data[3])
    return Span(*data)


def diagnostic_json(fault: Diagnostic) -> list[Any]:
    """Return a diagnostic as JSON."""
    return [
        fault.rule,
        fault.message,
        place_json(fault.where),
        fault.help,
        fault.severity.value,
        fault.address,
        [[related.message, place_json(related.where)] for related in fault.related],
        fault.stops,
    ]


def read_diagnostic(data: list[Any]) -> Diagnostic:
    """Read what `diagnostic_json` wrote."""
    rule, message, where, help, severity, address, related, stops = data
    return Diagnostic(
        rule,
        message,
        read_place(where),
        help,
        _SEVERITIES[severity],
        address,
        tuple(Related(said, read_place(there)) for said, there in related),
        stops,
    )


def verdict_json(verdict: Verdict) -> list[Any]:
    """Return a verdict as JSON."""
    return [
        verdict.judge,
        verdict.subject,
        verdict.finding.value,
        list(verdict.reasons),
        list(map(diagnostic_json, verdict.diagnostics)),
    ]


def read_verdict(data: list[Any]) -> Verdict:
    """Read what `verdict_json` wrote."""
    judge, subject, finding, reasons, faults = data
    return Verdict(
        judge, subject, _FINDINGS[finding], tuple(reasons), tuple(map(read_diagnostic, faults))
    )


def marks_text(marks: Iterable[Marked]) -> str | None:
    """Return marked values as JSON; `None` where a mark or a value has no such form."""
    found: list[Any] = []
    for one in marks:
        mark, value = one.mark, one.value
        if type(value) not in _PLAIN_TYPES:
            return None
        if type(mark) is Reference:
            name: Any = [mark.kinds, mark.cites]
        else:
            name = _NAMES.get(mark)
            if name is None:
                return None
        found.append([name, value, one.route])
    return json.dumps(found, separators=(",", ":"))


def read_marks(text: str) -> tuple[Marked, ...]:
    """Read what `marks_text` wrote."""
    return tuple(
        Marked(
            _PLAIN[name] if type(name) is str else _reference(tuple(name[0]), cites=name[1]),
            value,
            tuple(route),
        )
        for name, value, route in json.loads(text)
    )


@cache
def _reference(kinds: tuple[str, ...], *, cites: bool) -> Mark:
    return Reference(*kinds, cites=cites)

"""Text that means something in every language that a report is written in."""

from __future__ import annotations

from datetime import timedelta

from chimera.builtin.reporting.gathering import Report
from chimera.builtin.reporting.periods import Asked, period_of
from chimera.model.chart import BarChart, Chart, Line
from chimera.runtime.reporting import (
    Column,
    Figure,
    Missing,
    ReportKind,
    Section,
    Table,
    Tone,
)
from tests.builtin.reporting.journal import NOON

HOSTILE = (
    "</style></title></svg>--><script>alert(1)</script><img src=http://evil.example/x onerror=1>"
    '\'" onload="alert(2) | `x` [l](http://evil.example) @octocat #1 '
    "\x1b[31m\u202eabc \x00 ]]> &amp;"
)
"""Ends what surrounds it in HTML, SVG, Markdown and a terminal."""


def hostile_report(kind: ReportKind = ReportKind.COMPLIANCE, text: str = HOSTILE) -> Report:
    """Return a report whose every text is hostile."""
    columns = (Column("code", text, is_code=True), Column("prose", text), Column("n", "n", text))
    line = Line(text, [(NOON.timestamp() + 60 * n, n) for n in range(5)])
    section = Section(
        "hostile",
        text,
        text,
        (Figure("f", text, text, text, text, Tone.BAD, is_key=True), Figure("g", text, None)),
        (
            Table("t", text, columns, [(text, text, 1.5), (None, NOON, 2)], note=text),
            Table("empty", text, columns, [], empty=text),
            Table("wide", text, (columns[0], Column("missing", text)) * 6, [(text, text) * 6]),
        ),
        (
            Chart(
                text, text, text, (line, line), description=text, is_time=True, limits=((text, 2),)
            ),
            BarChart(text, text, (text, text), [(text, (1, 2)), (text, (0, 1))], text),
        ),
        (Missing(text, text, text, text),),
        (text, f"# {text}", f"- {text}", f"1. {text}"),
    )
    period = period_of(kind, Asked(), NOON)
    return Report(kind, period, NOON + timedelta(hours=1), (text, "local"), (section,))

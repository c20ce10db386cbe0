"""A report as Markdown, as GitHub shows it.

Whatever came with a document stands in a code span or is escaped: it makes no tag, no link and
calls nobody. Plots are tables of their numbers where there are few, and left to the page otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from chimera.builtin.reporting.gathering import Report
from chimera.builtin.reporting.rendering.wording import (
    as_of,
    as_shown,
    figure_text,
    is_number,
    missing_title,
    span_of,
    title_of,
    worded,
)
from chimera.model.chart import BarChart
from chimera.render.markdown import code_span, prose
from chimera.runtime.reporting import Cell, Column, Figure, ReportKind, Section, Table, Tone

_SIGNS = {Tone.GOOD: "✅ ", Tone.WARNING: "⚠️ ", Tone.BAD: "❌ ", Tone.PLAIN: ""}
_MOST_BARS = 40
_OPENING = re.compile(r"^[#+=0-9-]")


def report_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    return "\n".join(_lines(report)).rstrip("\n")


def _lines(report: Report) -> Iterator[str]:
    yield f"# {title_of(report)} {report.period.name}"
    yield ""
    names = ", ".join(map(code_span, report.environments))
    yield f"{prose(span_of(report))}, {as_of(report)}. Environments: {names}."
    yield ""
    keys = [
        replace(figure, name=f"{section.title}: {figure.name}")
        for section in report.sections
        for figure in section.figures
        if figure.is_key
    ]
    if keys:
        yield from _figures(keys, report)
    yield from _missing(report)
    for section in report.sections:
        yield from _section(section, report)


def _missing(report: Report) -> Iterator[str]:
    if not report.missing and report.kind is not ReportKind.COMPLIANCE:
        return
    sign = _SIGNS[Tone.BAD if report.missing else Tone.GOOD]
    yield f"## {sign}{missing_title(report.missing)}"
    yield ""
    for missing in report.missing:
        help = f" {prose(missing.help)}" if missing.help else ""
        subject = code_span(missing.subject)
        yield f"- {subject}: {prose(missing.message)} ({code_span(missing.rule)}).{help}"
    if report.missing:
        yield ""


def _section(section: Section, report: Report) -> Iterator[str]:
    yield f"## {prose(section.title)}"
    yield ""
    if section.summary:
        yield _paragraph(section.summary)
        yield ""
    if section.figures:
        yield from _figures(section.figures, report)
    for table in section.tables:
        yield from _table(as_shown(table, report), report)
    for chart in section.charts:
        if isinstance(chart, BarChart) and 0 < len(chart.bars) <= _MOST_BARS:
            yield from _table(_as_table(chart), report)
    for note in section.notes:
        yield f"> {_paragraph(note)}"
        yield ""


def _as_table(chart: BarChart) -> Table:
    """Return the bars that are not all zero, as rows."""
    columns = [Column("label", "")]
    columns += [Column(f"series-{n}", name, chart.unit) for n, name in enumerate(chart.series)]
    rows: list[tuple[Cell, ...]] = [(label, *parts) for label, parts in chart.bars if any(parts)]
    return Table("chart", chart.title, columns, rows, empty="nothing to show")


def _figures(figures: Sequence[Figure], report: Report) -> Iterator[str]:
    yield "| | | |"
    yield "|---|---:|---|"
    for figure in figures:
        text = _SIGNS[figure.tone] + prose(figure_text(figure, report.period.zone))
        yield f"| {prose(figure.name)} | {text} | {prose(figure.note)} |"
    yield ""


def _table(table: Table, report: Report) -> Iterator[str]:
    yield f"### {prose(table.title)}"
    yield ""
    if not table.rows:
        yield f"_{prose(table.empty)}_"
        yield ""
        return
    right = [any(is_number(row[i]) for row in table.rows) for i in range(len(table.columns))]
    yield f"| {' | '.join(prose(column.name) for column in table.columns)} |"
    yield f"|{'|'.join('---:' if each else '---' for each in right)}|"
    for row in table.rows:
        cells = zip(row, table.columns, strict=True)
        yield f"| {' | '.join(_cell(cell, column, report) for cell, column in cells)} |"
    yield ""
    if table.note:
        yield _paragraph(table.note)
        yield ""


def _cell(cell: Cell, column: Column, report: Report) -> str:
    text = worded(cell, column.unit, report.period.zone)
    # A bar ends a cell, inside of a code span too, whatever stands before it.
    is_code = column.is_code and isinstance(cell, str) and cell and "|" not in cell
    return code_span(text) if is_code else prose(text)


def _paragraph(text: str) -> str:
    """Return prose that begins a line, and begins neither a heading nor a list with it."""
    escaped = prose(text)
    return _OPENING.sub(lambda found: f"&#{ord(found[0])};", escaped)

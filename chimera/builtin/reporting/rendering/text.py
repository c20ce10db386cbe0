"""A report for a terminal: figures and tables; plots are in the page."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.reporting.gathering import Report
from chimera.builtin.reporting.rendering.wording import (
    LACKS,
    MANY,
    as_of,
    as_shown,
    figure_text,
    is_number,
    missing_title,
    span_of,
    title_of,
    worded,
)
from chimera.render.paint import Paint, Style, unbroken
from chimera.runtime.reporting import Figure, ReportKind, Section, Table, Tone

_TONES: dict[Tone, Style] = {Tone.GOOD: "good", Tone.WARNING: "warn", Tone.BAD: "bad"}


def report_text(report: Report, paint: Paint) -> str:
    """Return the report as lines."""
    return "\n".join(_lines(report, paint)).rstrip("\n")


def _lines(report: Report, paint: Paint) -> Iterator[str]:
    yield paint(f"{title_of(report)} {report.period.name}", "bold")
    yield paint(f"{span_of(report)}, {as_of(report)}", "dim")
    yield paint(f"of {', '.join(map(unbroken, report.environments))}", "dim")
    for section in report.sections:
        yield ""
        yield paint(unbroken(section.title), "accent")
        yield from _section(section, report, paint)
    yield ""
    yield from _missing(report, paint)


def _section(section: Section, report: Report, paint: Paint) -> Iterator[str]:
    if section.summary:
        yield f"  {unbroken(section.summary)}"
    width = max((len(figure.name) for figure in section.figures), default=0)
    for figure in section.figures:
        yield _figure(figure, width, report, paint)
    for table in section.tables:
        yield from _table(as_shown(table, report), report, paint)
    for note in section.notes:
        yield paint(f"  {unbroken(note)}", "dim")


def _figure(figure: Figure, width: int, report: Report, paint: Paint) -> str:
    text = unbroken(figure_text(figure, report.period.zone))
    style = _TONES.get(figure.tone)
    note = f"  {paint(unbroken(figure.note), 'dim')}" if figure.note else ""
    name = unbroken(figure.name).ljust(width)
    return f"  {name}  {paint(text, style) if style else text}{note}"


def _table(table: Table, report: Report, paint: Paint) -> Iterator[str]:
    yield ""
    yield f"  {paint(unbroken(table.title), 'bold')}"
    if not table.rows:
        yield paint(f"  {unbroken(table.empty)}", "dim")
        return
    if len(table.columns) >= MANY:
        yield from _entries(table, report, paint)
    else:
        yield from _rows(table, report, paint)
    if table.note:
        yield paint(f"  {unbroken(table.note)}", "dim")


def _rows(table: Table, report: Report, paint: Paint) -> Iterator[str]:
    heads = [unbroken(column.name) for column in table.columns]
    rows = [
        [
            unbroken(worded(cell, column.unit, report.period.zone))
            for cell, column in zip(row, table.columns, strict=True)
        ]
        for row in table.rows
    ]
    right = [any(is_number(row[i]) for row in table.rows) for i in range(len(heads))]
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]

    def aligned(row: list[str]) -> str:
        cells = zip(row, widths, right, strict=True)
        return "  ".join(t.rjust(w) if r else t.ljust(w) for t, w, r in cells).rstrip()

    yield f"  {paint(aligned(heads), 'dim')}"
    yield from (f"  {aligned(row)}" for row in rows)


def _entries(table: Table, report: Report, paint: Paint) -> Iterator[str]:
    """Yield rows of so many columns that no line could hold one: a line for each cell."""
    width = max(len(column.name) for column in table.columns)
    for row in table.rows:
        mark = "-"
        for cell, column in zip(row, table.columns, strict=True):
            text = unbroken(worded(cell, column.unit, report.period.zone))
            lacks = column.id == LACKS and cell is not None
            name = paint(unbroken(column.name).ljust(width), "dim")
            yield f"  {mark} {name}  {paint(text, 'bad') if lacks else text}"
            mark = " "


def _missing(report: Report, paint: Paint) -> Iterator[str]:
    if not report.missing and report.kind is not ReportKind.COMPLIANCE:
        return
    yield paint(missing_title(report.missing), "bad" if report.missing else "good")
    for missing in report.missing:
        yield f"  {unbroken(missing.subject)}: {unbroken(missing.message)} [{missing.rule}]"
        if missing.help:
            yield paint(f"    {unbroken(missing.help)}", "dim")

"""A report as one HTML page that asks nothing of the network and runs no script.

An overview with the few figures that matter, what is missing in the open, then the sections. Its
policy lets in the page's own styles, told by their digest, and nothing else: no text of a document
can become markup, style or code.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files

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
from chimera.model.chart import BarChart, Chart
from chimera.render.charts.drawing import inline
from chimera.render.charts.style import STYLE
from chimera.render.paint import harmless
from chimera.runtime.reporting import (
    Cell,
    Column,
    Figure,
    Missing,
    ReportKind,
    Section,
    Table,
    Tone,
)

_SIGNS = {Tone.GOOD: "\N{CHECK MARK}", Tone.WARNING: "!", Tone.BAD: "\N{BALLOT X}"}
_SENTENCE, _NAME = 40, 36
"""Characters from which on a text needs room, and up to which a name stays in one line."""
_TYPED = re.compile("`([^`]+)`")
_SHORT = 12
"""Characters of a value that stays in one line, such as a date."""
_SAID = {Tone.GOOD: "good", Tone.WARNING: "to be watched", Tone.BAD: "bad"}


def report_html(report: Report) -> str:
    """Return the report as a page."""
    style = files("chimera.builtin.reporting.rendering").joinpath("page.css").read_text("utf-8")
    style = f"{style}{STYLE}"
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    title = f"{title_of(report)} {report.period.name}"
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            # Without an icon of its own, a browser asks the server for one.
            '<link rel="icon" href="data:,">',
            f"<title>{_text(title)}</title>",
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            *_body(report),
            "</body>",
            "</html>",
        )
    )


def _body(report: Report) -> Iterator[str]:
    yield '<header class="top">'
    yield f'<p class="kind">{_text(title_of(report))}</p>'
    yield f"<h1>{_text(report.period.name)}</h1>"
    yield f'<p class="when">{_text(span_of(report))} <span>{_text(as_of(report))}</span></p>'
    names = "".join(f"<li>{_text(name)}</li>" for name in report.environments)
    yield f'<ul class="environments" aria-label="Environments">{names}</ul>'
    yield "</header>"
    yield '<div class="columns">'
    yield from _contents(report)
    yield "<main>"
    yield from _overview(report)
    for section in report.sections:
        yield from _section(section, report)
    yield "</main>"
    yield "</div>"


def _contents(report: Report) -> Iterator[str]:
    yield '<nav aria-label="Sections"><ol>'
    for section in report.sections:
        lacks = f' <b class="lacks">{len(section.missing)}</b>' if section.missing else ""
        yield f'<li><a href="#{_text(section.id)}">{_text(section.title)}</a>{lacks}</li>'
    yield "</ol></nav>"


def _overview(report: Report) -> Iterator[str]:
    keys = [(f, section) for section in report.sections for f in section.figures if f.is_key]
    if keys:
        yield '<section class="overview" aria-label="Overview"><dl class="cards">'
        for figure, section in keys:
            link = f'<a href="#{_text(section.id)}">{_text(section.title)}</a>'
            yield _figure(figure, report, f'<span class="of">{link}</span>')
        yield "</dl></section>"
    if report.missing:
        yield '<section class="missing" aria-labelledby="missing">'
        yield f'<h2 id="missing">{_text(missing_title(report.missing))}</h2>'
        yield from _missing(report.missing)
        yield "</section>"
    elif report.kind is ReportKind.COMPLIANCE:
        yield '<section class="complete"><h2>Nothing is missing</h2></section>'


def _missing(missing: Sequence[Missing]) -> Iterator[str]:
    yield "<ul>"
    for each in missing:
        help = f'<span class="help">{_prose(each.help)}</span>' if each.help else ""
        yield (
            f"<li><code>{_broken(each.subject)}</code> {_text(each.message)} "
            f'<span class="rule">{_text(each.rule)}</span>{help}</li>'
        )
    yield "</ul>"


def _section(section: Section, report: Report) -> Iterator[str]:
    id = _text(section.id)
    yield f'<section id="{id}" aria-labelledby="{id}-title">'
    yield f'<h2 id="{id}-title">{_text(section.title)}</h2>'
    if section.summary:
        yield f'<p class="summary">{_prose(section.summary)}</p>'
    if section.figures:
        yield from _figures(section.figures, report)
    yield '<div class="parts">'
    for number, chart in enumerate(section.charts):
        yield from _chart(chart, f"{id}-chart-{number}", report)
    for table in (as_shown(table, report) for table in section.tables):
        yield f'<div class="{"part whole" if len(table.columns) >= MANY else "part"}">'
        yield from _table(table, f"{id}-{_text(table.id)}", report)
        yield "</div>"
    yield "</div>"
    if section.notes:
        yield '<ul class="notes">'
        yield from (f"<li>{_prose(note)}</li>" for note in section.notes)
        yield "</ul>"
    yield "</section>"


def _figures(figures: Sequence[Figure], report: Report) -> Iterator[str]:
    yield '<dl class="figures">'
    yield from (_figure(figure, report) for figure in figures)
    yield "</dl>"


def _figure(figure: Figure, report: Report, of: str = "") -> str:
    """Return a figure: what it is of, its value, and what is to be said of it."""
    value = _text(figure_text(figure, report.period.zone))
    classes = [figure.tone.value, *(["absent"] if figure.value is None else [])]
    short = " short" if len(value) <= _SHORT else ""
    sign = _SIGNS.get(figure.tone)
    said = _SAID.get(figure.tone)
    told = f'<span class="sign" role="img" aria-label="{said}">{sign}</span>' if sign else ""
    note = f'<dd class="note">{_text(figure.note)}</dd>' if figure.note else ""
    return (
        f'<div class="{" ".join(classes)}"><dt>{of}{told}{_text(figure.name)}</dt>'
        f'<dd class="value{short}">{value}</dd>{note}</div>'
    )


def _chart(chart: Chart | BarChart, id: str, report: Report) -> Iterator[str]:
    yield "<figure>"
    yield f"<figcaption>{_text(chart.title)}</figcaption>"
    yield inline(chart, id, report.period.zone)
    if chart.description:
        yield f'<p class="said">{_text(chart.description)}</p>'
    yield "</figure>"


def _table(table: Table, id: str, report: Report) -> Iterator[str]:
    yield f'<h3 id="{id}">{_text(table.title)}</h3>'
    if not table.rows:
        yield f'<p class="empty">{_text(table.empty)}</p>'
        return
    yield from _rows(table, id, report) if len(table.columns) < MANY else _entries(table, report)
    if table.note:
        yield f'<p class="note">{_prose(table.note)}</p>'


def _rows(table: Table, id: str, report: Report) -> Iterator[str]:
    classes = [_class(table, number) for number in range(len(table.columns))]
    # A wide table is scrolled by itself, by keyboard, too.
    yield f'<div class="wide" role="region" tabindex="0" aria-labelledby="{id}"><table>'
    heads = "".join(
        f'<th scope="col"{each}>{_text(column.name)}</th>'
        for column, each in zip(table.columns, classes, strict=True)
    )
    yield f"<thead><tr>{heads}</tr></thead>"
    yield "<tbody>"
    for row in table.rows:
        cells = zip(row, table.columns, classes, strict=True)
        told = "".join(f"<td{each}>{_cell(c, column, report)}</td>" for c, column, each in cells)
        yield f"<tr>{told}</tr>"
    yield "</tbody></table></div>"


def _entries(table: Table, report: Report) -> Iterator[str]:
    """Yield rows of so many columns that nobody could follow a line: each as a list of its own."""
    yield '<ol class="entries">'
    for row in table.rows:
        cells = zip(row, table.columns, strict=True)
        told = (
            f"<div><dt>{_text(column.name)}</dt><dd>{_cell(cell, column, report)}</dd></div>"
            for cell, column in cells
        )
        yield f"<li><dl>{''.join(told)}</dl></li>"
    yield "</ol>"


def _class(table: Table, number: int) -> str:
    """Return how a column is set: numbers to the right, and sentences not too narrow."""
    cells = [row[number] for row in table.rows]
    if any(map(is_number, cells)):
        return ' class="number"'
    is_prose = not table.columns[number].is_code and any(
        isinstance(cell, str) and len(cell) > _SENTENCE for cell in cells
    )
    return ' class="prose"' if is_prose else ""


def _cell(cell: Cell, column: Column, report: Report) -> str:
    text = _text(worded(cell, column.unit, report.period.zone))
    if isinstance(cell, datetime):
        return f'<time datetime="{cell.astimezone(UTC).isoformat()}">{text}</time>'
    if column.id == LACKS and cell is not None:
        return f'<strong class="lack">{text}</strong>'
    if isinstance(cell, str) and column.is_code:
        if len(cell) <= _NAME:
            return f'<code class="short">{text}</code>'
        return f"<code>{_broken(cell)}</code>"
    return text


def _prose(text: str) -> str:
    """Return a sentence in which what stands between backticks is typed."""
    return _TYPED.sub(r"<code>\1</code>", _text(text))


def _text(text: str) -> str:
    return escape(harmless(text))


def _broken(text: str) -> str:
    """Return a name that may be broken after its slashes, where a line has no more room."""
    return _text(text).replace("/", "/<wbr>")

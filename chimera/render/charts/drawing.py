"""Charts as SVG: self-contained, the same bytes for the same numbers.

Series are told apart by colour and by how they are dashed, and named in the chart, so that colour
is never all that tells. The picture follows the reader's light or dark scheme. Refuses scripts,
fonts and anything else that lies elsewhere; text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo

from chimera.model.chart import BarChart, Chart
from chimera.render.charts import bars, legend, lines
from chimera.render.charts.frame import COMPACT, WIDE, Size
from chimera.render.charts.style import STYLE
from chimera.render.charts.words import word


def figure(title: str, charts: Sequence[Chart | BarChart]) -> str:
    """Return charts below one another as an SVG document of its own."""
    parts: list[str] = []
    top = 0.0
    for chart in charts:
        parts += [f'<g transform="translate(0 {top:g})">', *_titled(chart), "</g>"]
        top += height_of(chart, WIDE)
    return "\n".join(
        (
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE.width} {top:g}" '
                f'width="{WIDE.width}" height="{top:g}" class="chart" role="img" '
                f'aria-label="{word(title)}">'
            ),
            f"<title>{word(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDE.width}" height="{top:g}"/>',
            *parts,
            "</svg>",
            "",
        )
    )


def inline(chart: Chart | BarChart, id: str, zone: tzinfo = UTC) -> str:
    """Return a chart for a page that has `STYLE`, as SVG with a title and a description.

    `id` is unique in the page: it is what a screen reader finds the two by. The title is not drawn.
    """
    size = COMPACT
    height = height_of(chart, size)
    return "\n".join(
        (
            (
                f'<svg viewBox="0 0 {size.width} {height:g}" class="chart" role="img" '
                f'aria-labelledby="{id}-title" aria-describedby="{id}-text">'
            ),
            f'<title id="{id}-title">{word(chart.title)}</title>',
            f'<desc id="{id}-text">{word(chart.description)}</desc>',
            *_drawn(chart, size, zone),
            "</svg>",
        )
    )


def height_of(chart: Chart | BarChart, size: Size) -> float:
    """Return how high a chart is with its legend."""
    rows = len(legend.rows_of(_names(chart), size))
    return size.height + (12 if rows else 0) + legend.ROW * rows


def _titled(chart: Chart | BarChart) -> Iterator[str]:
    yield f'<text class="title" x="{WIDE.left}" y="22">{word(chart.title)}</text>'
    yield from _drawn(chart, WIDE, UTC)


def _drawn(chart: Chart | BarChart, size: Size, zone: tzinfo) -> Iterator[str]:
    if isinstance(chart, BarChart):
        yield from bars.draw(chart, size)
    else:
        yield from lines.draw(chart, size, zone)
    yield from legend.draw(_names(chart), size, filled=isinstance(chart, BarChart))


def _names(chart: Chart | BarChart) -> list[str]:
    if isinstance(chart, BarChart):
        return list(chart.series)
    return [line.name for line in chart.lines]

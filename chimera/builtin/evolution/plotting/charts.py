"""Charts of lines as one SVG: self-contained, the same bytes for the same numbers.

Lines are told apart by colour and by how they are dashed, and named in the chart, so that colour is
never all that tells. The picture follows the reader's light or dark scheme. Refuses scripts, fonts
and anything else that lies elsewhere; text is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from chimera.builtin.evolution.plotting.scales import Scale, label, scale_of

WIDTH = 720
_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 250, 40, 44, 84, 20
_LINE_ROOM = 20
_MOST_POINTS = 1_000
"""Points of one line that a chart this wide can show."""

# Okabe and Ito, Color universal design (2008): told apart by those who see colours otherwise.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "12 4", "4 2")

_STYLE = """\
text{font:12px system-ui,sans-serif;fill:#333}
.title{font-size:14px;font-weight:600}
.grid{stroke:#ddd}
.edge{stroke:#888}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}
.paper{fill:#fff}
@media (prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}.paper{fill:#16181c}}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """Points in order of x; where a y is `None` or not finite the line is broken."""

    name: str
    points: Sequence[tuple[float, float | None]]
    steps: bool = False
    """Whether a value holds until the next one, rather than on a straight way to it."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Some lines over one pair of axes."""

    title: str
    across: str
    upward: str
    lines: Sequence[Line]
    is_log: bool = False
    is_log_across: bool = False


def figure(title: str, charts: Sequence[Chart]) -> str:
    """Return charts below one another as an SVG document."""
    parts, top = [], 0.0
    for chart in charts:
        height = _HEIGHT + 12 + _LINE_ROOM * _rows(chart)
        parts += [f'<g transform="translate(0 {top:g})">', *_chart(chart), "</g>"]
        top += height
    return "\n".join(
        (
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:g}" '
                f'width="{WIDTH}" height="{top:g}" role="img" aria-label="{escape(title)}">'
            ),
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{top:g}"/>',
            *parts,
            "</svg>",
            "",
        )
    )


def _rows(chart: Chart) -> int:
    return len(_legend(chart.lines))


def _legend(lines: Sequence[Line]) -> list[list[tuple[int, float]]]:
    """Return, row by row, which line is named at which x."""
    rows: list[list[tuple[int, float]]] = [[]]
    x = float(_LEFT)
    for number, line in enumerate(lines):
        width = 44 + 7.2 * len(line.name)
        if rows[-1] and x + width > WIDTH - _RIGHT:
            rows.append([])
            x = float(_LEFT)
        rows[-1].append((number, x))
        x += width
    return rows


class _Frame:
    """The axes of a chart, and where a point lies between them."""

    def __init__(self, chart: Chart) -> None:
        xs = [x for line in chart.lines for x, y in line.points if _is_there(y)]
        ys = [y for line in chart.lines for _, y in line.points if y is not None and _is_there(y)]
        self.across: Scale = scale_of(xs, is_log=chart.is_log_across, ticks=6)
        self.upward: Scale = scale_of(ys, is_log=chart.is_log)
        self.bottom = _HEIGHT - _BOTTOM

    def x(self, value: float) -> float:
        return _LEFT + self.across.place(value) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return self.bottom - self.upward.place(value) * (self.bottom - _TOP)


def _is_there(y: float | None) -> bool:
    return y is not None and math.isfinite(y)


def _chart(chart: Chart) -> Iterator[str]:
    frame = _Frame(chart)
    yield f'<text class="title" x="{_LEFT}" y="22">{escape(chart.title)}</text>'
    yield from _axes(chart, frame)
    for number, line in enumerate(chart.lines):
        path = _path(line, frame)
        if path:
            yield (
                f'<path class="line" stroke="{_colour(number)}"{_dash(number)} d="{path}">'
                f"<title>{escape(line.name)}</title></path>"
            )
    for row, names in enumerate(_legend(chart.lines)):
        y = _HEIGHT + row * _LINE_ROOM + 12
        for number, x in names:
            yield (
                f'<path class="line" stroke="{_colour(number)}"{_dash(number)} '
                f'd="M{x:g} {y - 4:g}h26"/>'
            )
            yield f'<text x="{x + 32:g}" y="{y:g}">{escape(chart.lines[number].name)}</text>'


def _axes(chart: Chart, frame: _Frame) -> Iterator[str]:
    right, middle = WIDTH - _RIGHT, (_TOP + frame.bottom) / 2
    for tick in frame.upward.ticks:
        y = frame.y(tick)
        yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label(tick)}</text>'
    for tick in frame.across.ticks:
        x = frame.x(tick)
        yield f'<path class="edge" d="M{x:.1f} {frame.bottom}v4"/>'
        yield f'<text x="{x:.1f}" y="{frame.bottom + 18}" text-anchor="middle">{label(tick)}</text>'
    yield f'<path class="edge" d="M{_LEFT} {frame.bottom}H{right}"/>'
    yield (
        f'<text x="{(_LEFT + right) / 2:g}" y="{frame.bottom + 36}" text-anchor="middle">'
        f"{escape(chart.across)}</text>"
    )
    yield (
        f'<text transform="translate(16 {middle:g}) rotate(-90)" text-anchor="middle">'
        f"{escape(chart.upward)}</text>"
    )


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _dash(number: int) -> str:
    dash = _DASHES[number % len(_DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""


def _path(line: Line, frame: _Frame) -> str:
    """Return the line as SVG draws it, with no more points than can be seen."""
    pieces: list[str] = []
    is_drawing = False
    for x, y in _thinned(line.points):
        if y is None or not math.isfinite(y):
            is_drawing = False
            continue
        across, upward = f"{frame.x(x):.1f}", f"{frame.y(y):.1f}"
        if not is_drawing:
            pieces.append(f"M{across} {upward}")
        elif line.steps:
            pieces.append(f"H{across}V{upward}")
        else:
            pieces.append(f"L{across} {upward}")
        is_drawing = True
    return "".join(pieces)


def _thinned(points: Sequence[tuple[float, float | None]]) -> Sequence[tuple[float, float | None]]:
    """Return every nth point and the last one."""
    every = -(-len(points) // _MOST_POINTS)
    if every <= 1:
        return points
    return [*points[::every], *points[-1:]]

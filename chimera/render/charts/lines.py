"""Lines over a pair of axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from chimera.model.chart import Chart, Line
from chimera.render.charts.frame import Frame, Size, is_there
from chimera.render.charts.style import dash, hue
from chimera.render.charts.times import moment
from chimera.render.charts.words import word
from chimera.render.units import shown

_MOST_POINTS = 1_000
"""Points of one line that a chart this wide can show."""
_MOST_DOTS = 40
"""Points of one line that are shown as dots, too, each with its value."""


def draw(chart: Chart, size: Size, zone: tzinfo) -> Iterator[str]:
    """Yield the axes, the limits and the lines of a chart."""
    frame = Frame(chart, size, zone)
    yield from frame.draw()
    for name, limit in chart.limits:
        y = frame.y(limit)
        yield f'<path class="limit" d="M{size.left} {y:.1f}H{frame.right}"/>'
        yield f'<text x="{frame.right}" y="{y - 4:.1f}" text-anchor="end">{word(name)}</text>'
    for number, line in enumerate(chart.lines):
        path = _path(line, frame)
        if path:
            yield (
                f'<path class="line {hue(number)}"{dash(number)} d="{path}">'
                f"<title>{word(line.name)}</title></path>"
            )
        if size.compact:
            yield from _dots(line, number, frame)


def _dots(line: Line, number: int, frame: Frame) -> Iterator[str]:
    points = [(x, y) for x, y in line.points if y is not None and is_there(y)]
    if len(points) > _MOST_DOTS:
        return
    chart = frame.chart
    for x, y in points:
        is_time = isinstance(chart, Chart) and chart.is_time
        where = moment(x, frame.zone) if is_time else shown(x)
        said = word(f"{line.name}, {where}: {shown(y, chart.unit)}")
        yield (
            f'<circle class="fill {hue(number)}" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" '
            f'r="2.5"><title>{said}</title></circle>'
        )


def _path(line: Line, frame: Frame) -> str:
    """Return the line as SVG draws it, with no more points than can be seen."""
    pieces: list[str] = []
    is_drawing = False
    for x, y in _thinned(line.points):
        if y is None or not is_there(y):
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

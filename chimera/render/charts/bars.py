"""Bars beside one another, each of parts upon one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chimera.model.chart import BarChart
from chimera.render.charts.frame import Frame, Size
from chimera.render.charts.style import hue
from chimera.render.charts.words import word
from chimera.render.units import shown

_SHARE = 0.72
"""How much of a bar's room is the bar."""
_CHARACTER = 7.2


def draw(chart: BarChart, size: Size) -> Iterator[str]:
    """Yield the axes and the bars of a chart."""
    frame = Frame(chart, size)
    yield from frame.draw()
    room = (frame.right - size.left) / max(1, len(chart.bars))
    for index, (label, parts) in enumerate(chart.bars):
        left = size.left + room * (index + (1 - _SHARE) / 2)
        yield from _bar(chart, frame, label, parts, (left, room * _SHARE))
    yield from _labels(chart, frame, room)


def _bar(
    chart: BarChart, frame: Frame, label: str, parts: Sequence[float], place: tuple[float, float]
) -> Iterator[str]:
    left, width = place
    below = 0.0
    for number, (name, part) in enumerate(zip(chart.series, parts, strict=True)):
        if part <= 0:
            continue
        top, bottom = frame.y(below + part), frame.y(below)
        said = word(f"{label}, {name}: {shown(part, chart.unit)}")
        yield (
            f'<rect class="fill {hue(number)}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
            f'height="{bottom - top:.1f}"><title>{said}</title></rect>'
        )
        below += part


def _labels(chart: BarChart, frame: Frame, room: float) -> Iterator[str]:
    """Yield the labels of as many bars as have room for one."""
    longest = max((len(label) for label, _ in chart.bars), default=1)
    every = max(1, -int(-(longest * _CHARACTER + 6) // room))
    for index, (label, _) in enumerate(chart.bars):
        x = frame.size.left + room * (index + 0.5)
        if index % every or x + len(label) * _CHARACTER / 2 > frame.size.width:
            continue
        yield (
            f'<text x="{x:.1f}" y="{frame.bottom + 18}" text-anchor="middle">{word(label)}</text>'
        )

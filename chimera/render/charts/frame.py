"""The axes of a chart: how large it is, where a point lies, and what stands beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from chimera.model.chart import BarChart, Chart
from chimera.render.charts.scales import Scale, label, scale_of
from chimera.render.charts.times import time_label, time_scale
from chimera.render.charts.words import word
from chimera.render.units import shown

_YEARS = 300 * 86_400


@dataclass(frozen=True, slots=True)
class Size:
    """The room of a chart without its legend, and its margins.

    A `compact` one is read on a narrow screen too: its title stands outside of it, what goes upward
    above its axis, and one series alone has no legend.
    """

    width: int = 720
    height: int = 250
    top: int = 40
    bottom: int = 44
    left: int = 84
    right: int = 20
    compact: bool = False


WIDE = Size()
COMPACT = Size(width=420, height=210, top=28, bottom=26, left=58, right=12, compact=True)


def is_there(y: float | None) -> bool:
    """Tell whether there is a value to draw."""
    return y is not None and math.isfinite(y)


class Frame:
    """The axes of a chart, and where a point lies between them."""

    def __init__(self, chart: Chart | BarChart, size: Size, zone: tzinfo = UTC) -> None:
        self.chart, self.size, self.zone = chart, size, zone
        self.bottom = size.height - size.bottom
        self.right = size.width - size.right
        self.upward = _upward(chart)
        self.across = None if isinstance(chart, BarChart) else _across(chart, size, zone)

    def x(self, value: float) -> float:
        """Return where a value lies across."""
        assert self.across is not None
        return self.size.left + self.across.place(value) * (self.right - self.size.left)

    def y(self, value: float) -> float:
        """Return where a value lies upward."""
        return self.bottom - self.upward.place(value) * (self.bottom - self.size.top)

    def draw(self) -> Iterator[str]:
        """Yield the grid, the edge and what stands beside them."""
        size, chart = self.size, self.chart
        for tick in self.upward.ticks:
            y = self.y(tick)
            text = shown(tick, chart.unit) if chart.unit else label(tick)
            yield f'<path class="grid" d="M{size.left} {y:.1f}H{self.right}"/>'
            yield f'<text x="{size.left - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
        yield from self._marks()
        yield f'<path class="edge" d="M{size.left} {self.bottom}H{self.right}"/>'
        yield from self._names()

    def _marks(self) -> Iterator[str]:
        if self.across is None:
            return
        assert isinstance(self.chart, Chart)
        for tick in self.across.ticks:
            x = self.x(tick)
            is_time = self.chart.is_time
            text = time_label(tick, self.across, self.zone) if is_time else label(tick)
            yield f'<path class="edge" d="M{x:.1f} {self.bottom}v4"/>'
            # What stands at the very edge would be cut off by it.
            anchor = "end" if x >= self.right - 1 and is_time else "middle"
            yield f'<text x="{x:.1f}" y="{self.bottom + 18}" text-anchor="{anchor}">{text}</text>'

    def _names(self) -> Iterator[str]:
        size, upward = self.size, word(self.chart.upward)
        if size.compact:
            yield f'<text x="{size.left}" y="14">{upward}</text>'
            return
        middle = (size.top + self.bottom) / 2
        if isinstance(self.chart, Chart):
            yield (
                f'<text x="{(size.left + self.right) / 2:g}" y="{self.bottom + 36}" '
                f'text-anchor="middle">{word(self.chart.across)}</text>'
            )
        yield (
            f'<text transform="translate(16 {middle:g}) rotate(-90)" text-anchor="middle">'
            f"{upward}</text>"
        )


def _across(chart: Chart, size: Size, zone: tzinfo) -> Scale:
    found = [x for line in chart.lines for x, y in line.points if is_there(y)]
    xs = [*found, *(chart.span or ())]
    ticks = 4 if size.compact else 6
    if not chart.is_time:
        return scale_of(xs, is_log=chart.is_log_across, ticks=ticks)
    low, high = min(xs, default=0.0), max(xs, default=0.0)
    # A date with its year takes twice the room of an hour or of a day.
    return time_scale(low, high, zone, ticks if high - low > _YEARS else 6)


def _upward(chart: Chart | BarChart) -> Scale:
    if isinstance(chart, BarChart):
        highest = max((_total(parts) for _, parts in chart.bars), default=0.0)
        is_counted = all(part == int(part) for _, parts in chart.bars for part in parts)
        # Of things that are counted there is no half.
        return scale_of([0.0, max(highest, 4.0) if is_counted else highest], ticks=4)
    ys = [y for line in chart.lines for _, y in line.points if y is not None and is_there(y)]
    ys += [limit for _, limit in chart.limits]
    least = [0.0] if chart.is_from_zero else []
    return scale_of([*ys, *least], is_log=chart.is_log)


def _total(parts: Sequence[float]) -> float:
    return math.fsum(parts)

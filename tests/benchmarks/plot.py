"""A picture of cost against documents, drawn by hand: two logarithmic axes, a line a program."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 440, 64, 220, 36, 48
HALO = 'stroke="white" stroke-width="5" paint-order="stroke"'
"""Keeps a name readable where another line passes behind it."""
COLOURS = ("#0b6e4f", "#1f77b4", "#7b3fa0", "#c0392b", "#d68910", "#566573")
Series = Mapping[str, Mapping[int, float]]


def svg(title: str, series: Series) -> str:
    """Return a picture of seconds by number of documents, for each named series."""
    counts = sorted({count for points in series.values() for count in points})
    times = [took for points in series.values() for took in points.values()]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    span = math.log10(counts[-1] / counts[0]) or 1.0

    def x(count: int) -> float:
        return LEFT + math.log10(count / counts[0]) / span * (WIDTH - LEFT - RIGHT)

    def y(took: float) -> float:
        return HEIGHT - BOTTOM - (math.log10(took) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="12" fill="#222">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>',
    ]
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts += [
            f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>',
            f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>',
        ]
    for count in counts:
        parts.append(
            f'<text x="{x(count):.1f}" y="{HEIGHT - BOTTOM + 18}" '
            f'text-anchor="middle">{count:,}</text>'
        )
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 10}">documents</text>')
    labels: dict[str, float] = {}
    for count in counts:
        ending = {name: y(p[count]) for name, p in series.items() if max(p) == count}
        labels |= _apart(ending)
    for colour, (name, points) in zip(COLOURS, series.items(), strict=False):
        line = " ".join(f"{x(n):.1f},{y(took):.1f}" for n, took in sorted(points.items()))
        last = x(max(points))
        parts += [
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>',
            *(
                f'<circle cx="{x(n):.1f}" cy="{y(took):.1f}" r="3" fill="{colour}"/>'
                for n, took in points.items()
            ),
            (
                f'<text x="{last + 8:.1f}" y="{labels[name] + 4:.1f}" fill="{colour}" {HALO}>'
                f"{escape(name)}</text>"
            ),
        ]
    return "\n".join([*parts, "</svg>", ""])


def _apart(heights: Mapping[str, float]) -> dict[str, float]:
    """Move labels down where they would lie on one another."""
    found: dict[str, float] = {}
    last = -math.inf
    for name, height in sorted(heights.items(), key=lambda item: item[1]):
        last = max(height, last + 15)
        found[name] = last
    return found

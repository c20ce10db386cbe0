"""What the series of a chart are called, in rows below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chimera.render.charts.frame import Size
from chimera.render.charts.style import dash, hue
from chimera.render.charts.words import word

ROW = 20
_CHARACTER = 7.2
_SAMPLE = 32


def rows_of(names: Sequence[str], size: Size) -> list[list[tuple[int, float]]]:
    """Return, row by row, which series is named at which x."""
    if size.compact and len(names) < 2:
        return []
    rows: list[list[tuple[int, float]]] = [[]]
    x = float(size.left)
    for number, name in enumerate(names):
        width = _SAMPLE + 12 + _CHARACTER * len(name)
        if rows[-1] and x + width > size.width - size.right:
            rows.append([])
            x = float(size.left)
        rows[-1].append((number, x))
        x += width
    return rows


def draw(names: Sequence[str], size: Size, *, filled: bool) -> Iterator[str]:
    """Yield a sample of each series, as a line or filled, and its name."""
    for row, places in enumerate(rows_of(names, size)):
        y = size.height + row * ROW + 12
        for number, x in places:
            yield (
                f'<rect class="fill {hue(number)}" x="{x + 14:g}" y="{y - 10:g}" '
                'width="12" height="12"/>'
                if filled
                else f'<path class="line {hue(number)}"{dash(number)} d="M{x:g} {y - 4:g}h26"/>'
            )
            name = _short(names[number], size)
            yield f'<text x="{x + _SAMPLE:g}" y="{y:g}">{word(name)}</text>'


def _short(name: str, size: Size) -> str:
    """Return as much of a name as there is room for."""
    room = int((size.width - size.left - size.right - _SAMPLE) / _CHARACTER)
    return name if len(name) <= room else f"{name[: room - 1]}\N{HORIZONTAL ELLIPSIS}"

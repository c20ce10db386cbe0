"""How text asks for colour without knowing whether anybody can see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

Style = Literal["good", "bad", "warn", "dim", "bold", "accent"]
Paint = Callable[[str, Style], str]


def plain(text: str, style: Style) -> str:
    """Return `text` as it is: what a pipe gets."""
    return text


def count(number: int, noun: str) -> str:
    """Return `1 error`, `2 errors`."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{number} {plural}"


def table(rows: Iterable[Sequence[str]], header: Sequence[str], paint: Paint) -> str:
    """Return rows under a header in aligned columns; nothing is cut."""
    body = [list(row) for row in rows]
    widths = [max(len(row[i]) for row in (*body, list(header))) for i in range(len(header))]
    lines = [_row(header, widths, lambda text: paint(text, "bold"))]
    lines += (_row(row, widths, str) for row in body)
    return "\n".join(lines)


def _row(cells: Sequence[str], widths: Sequence[int], dress: Callable[[str], str]) -> str:
    padded = [
        dress(cell) + " " * (width - len(cell)) for cell, width in zip(cells, widths, strict=True)
    ]
    return "  ".join(padded).rstrip()

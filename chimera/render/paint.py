"""How text asks for colour without knowing whether anybody can see it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

# How styles look once they are written; what else a terminal obeys came from somebody's document.
_STYLED = re.compile(r"(\x1b\[(?:0|1|2|3[0-7])m)")
_UNUSUAL = re.compile(r"[^ -~\n\t]")

Style = Literal["good", "bad", "warn", "dim", "bold", "accent"]
Paint = Callable[[str, Style], str]


def plain(text: str, style: Style) -> str:
    """Return `text` as it is: what a pipe gets."""
    return text


def harmless(text: str) -> str:
    """Return `text` with every character that a terminal obeys or hides written out, as JSON
    writes it: names, paths and what programs said are not to move the cursor or turn text around.
    """
    pieces = _STYLED.split(text)
    pieces[::2] = (_UNUSUAL.sub(_written_out, piece) for piece in pieces[::2])
    return "".join(pieces)


def _written_out(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable() or unicodedata.category(character) == "Zs":  # a kind of space
        return character
    return json.dumps(character)[1:-1]


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

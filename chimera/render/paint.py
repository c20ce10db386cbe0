"""How text asks for colour without knowing whether anybody can see it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

_UNUSUAL = re.compile(r"[^ -~\n\t]")
_COMMAND = re.compile(r"^([^\S\n]*):(?=:)|(##)\[", re.MULTILINE)
_MARK = re.compile("\0([0-9]{1,9})\0")

Style = Literal["good", "bad", "warn", "dim", "bold", "accent"]
Paint = Callable[[str, Style], str]


def plain(text: str, style: Style) -> str:
    """Return `text` as it is: what a pipe gets."""
    return text


def harmless(text: str) -> str:
    """Return `text` with every character that a terminal obeys or hides written out, as JSON
    writes it: names, paths and what programs said are not to move the cursor or turn text around.
    """
    return _UNUSUAL.sub(_written_out, text)


def unbroken(name: object) -> str:
    """Return the name of a path, or of what stands in one, in one line: it forges no other."""
    return str(name).replace("\n", "\\n")


def muted(text: str) -> str:
    """Return `text` with all that GitHub's runner takes for a command in a job's log written out.

    That is `::` at the beginning of a line, and `##[` anywhere (Runner.Common/ActionCommand.cs).
    JSON means the same afterwards.
    """
    return _COMMAND.sub(lambda m: f"{m[2]}\\u005b" if m[2] else f"{m[1]}\\u003a", text)


def _written_out(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable() or unicodedata.category(character) == "Zs":  # a kind of space
        return character
    return json.dumps(character)[1:-1]


class Brush:
    """Paints for a terminal so that what was painted is all that has colour.

    Painted text is held back behind a mark until `finish`, which makes the rest harmless first:
    colours that came with somebody's document are written out like all else.
    """

    def __init__(self, dress: Paint) -> None:
        self._dress = dress
        self._painted: list[str] = []

    def __call__(self, text: str, style: Style) -> str:
        """Return the mark that stands for `text` in `style`."""
        self._painted.append(self._dress(harmless(text), style))
        return f"\0{len(self._painted) - 1}\0"

    def finish(self, text: str) -> str:
        """Return `text` as a terminal may get it."""
        pieces = _MARK.split(text)
        pieces[::2] = map(harmless, pieces[::2])
        pieces[1::2] = map(self._uncover, pieces[1::2])
        return "".join(pieces)

    def _uncover(self, mark: str) -> str:
        """Return what was painted; a mark that came with a document covers nothing."""
        number = int(mark)
        return self._painted[number] if number < len(self._painted) else harmless(f"\0{mark}\0")


def count(number: int, noun: str) -> str:
    """Return `1 error`, `2 errors`."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{number} {plural}"


Cell = str | tuple[str, Style]
"""What stands in a table: a text, or one with the style that it is to have."""


def table(rows: Iterable[Sequence[Cell]], header: Sequence[str], paint: Paint) -> str:
    """Return rows under a header in aligned columns; nothing is cut."""
    heads: list[tuple[str, Style | None]] = [(name, "bold") for name in header]
    lines = [heads]
    lines += ([cell if isinstance(cell, tuple) else (cell, None) for cell in row] for row in rows)
    widths = [max(len(line[i][0]) for line in lines) for i in range(len(header))]
    return "\n".join(_row(line, widths, paint) for line in lines)


def _row(cells: Sequence[tuple[str, Style | None]], widths: Sequence[int], paint: Paint) -> str:
    padded = [
        (paint(text, style) if style else text) + " " * (width - len(text))
        for (text, style), width in zip(cells, widths, strict=True)
    ]
    return "  ".join(padded).rstrip()

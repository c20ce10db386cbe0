"""How much room text takes, without a font to ask.

Everything is set in a fixed-width face: those that people have advance 0.55 to 0.602 of the size
for a narrow character, so `ADVANCE` bounds them all, and no label is wider than its box.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

ADVANCE = 0.61
"""Width of one cell as a part of the font's size."""
LEADING = 1.3
"""Height of a line as a part of the font's size."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels, its corner at the left top."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """Half its height down."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Label:
    """One line of text on its baseline; `style` names what it is, not how it looks."""

    text: str
    x: float
    y: float
    size: float
    style: str

    @property
    def box(self) -> Box:
        """The room that the text takes at most."""
        return Box(
            self.x, self.y - self.size, cells(self.text) * self.size * ADVANCE, self.size * LEADING
        )


def cells(text: str) -> int:
    """Return how many cells `text` takes: two for each wide character."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shortened(text: str, most: int) -> str:
    """Return `text` in at most `most` cells, its middle left out where it is longer.

    Both ends of a name tell it apart: what it is about and, as often, its last word.
    """
    if cells(text) <= most:
        return text
    head = list(text)
    tail: list[str] = []
    half = most // 2
    while cells("".join(head)) > most - 1 - half:
        head.pop()
    for character in reversed(text):
        if cells("".join(tail)) + cells(character) > half:
            break
        tail.append(character)
    return f"{''.join(head)}…{''.join(reversed(tail))}"


def wrapped(text: str, most: int, lines: int) -> list[str]:
    """Return `text` broken at blanks into at most `lines` lines of `most` cells each."""
    found = [""]
    for word in text.split():
        candidate = f"{found[-1]} {word}".strip()
        if found[-1] and cells(candidate) > most:
            found.append(word)
        else:
            found[-1] = candidate
    if len(found) > lines:
        found = [*found[: lines - 1], f"{found[lines - 1]} …"]
    return [shortened(line, most) for line in found]

"""Indentation, line by line: two columns a level, `- ` under its key, everything else untouched.

Works on tokens, so that words, quotes and line breaks stay the author's. Refuses nothing: what it
cannot place moves with what it belongs to, and the caller reads the result back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chimera.documents.scan import neutral

_STEP = 2


@dataclass(slots=True)
class _Level:
    """An open block collection: the column that it has and the one that it gets."""

    kind: str
    old: int
    new: int


class _Layout:
    """The columns that the lines of one text get, found by following its tokens."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.columns: dict[int, int] = {}  # by line, for lines that begin with a token
        self.shifts: dict[int, int] = {}  # by line, for lines inside something
        self.gaps: list[tuple[int, int, int]] = []  # line, end of '-', start of what follows
        self._levels: list[_Level] = []
        self._flow = 0
        self._dash: Any = None

    def take(self, token: Any) -> None:
        """Take the next token."""
        name = type(token).__name__
        mark = token.start_mark
        if name in ("KeyToken", "ValueToken") and self._top("indentless") and not self._flow:
            self._levels.pop()
        if name == "BlockEndToken":
            self._close()
        elif name in ("BlockMappingStartToken", "BlockSequenceStartToken"):
            self._close_gap(mark)
            self._open("mapping" if "Mapping" in name else "sequence", mark)
        elif name not in ("StreamStartToken", "StreamEndToken", "DocumentStartToken"):
            if name == "BlockEntryToken" and (not self._levels or self._top("mapping")):
                self._open("indentless", mark)
            self._close_gap(mark)
            self._place(name, mark)
            self._inside(token)
        if name == "BlockEntryToken":
            self._dash = token.end_mark
        self._flow += name in ("FlowMappingStartToken", "FlowSequenceStartToken")
        self._flow -= name in ("FlowMappingEndToken", "FlowSequenceEndToken")

    def _top(self, kind: str) -> bool:
        return bool(self._levels) and self._levels[-1].kind == kind

    def _open(self, kind: str, mark: Any) -> None:
        new = self._levels[-1].new + _STEP if self._levels else 0
        self._levels.append(_Level(kind, mark.column, new))

    def _close(self) -> None:
        if self._top("indentless"):
            self._levels.pop()
        if self._levels:
            self._levels.pop()

    def _close_gap(self, mark: Any) -> None:
        """Note the blanks between a dash and what follows it in the same line."""
        if self._dash is not None and self._dash.line == mark.line:
            self.gaps.append((mark.line, self._dash.column, mark.column))
        self._dash = None

    def _delta(self) -> int:
        return self._levels[-1].new - self._levels[-1].old if self._levels else 0

    def _place(self, name: str, mark: Any) -> None:
        """Give the token's line its column, where the token is the first of the line."""
        line = mark.line
        if line in self.columns or line in self.shifts or not self._begins(mark):
            return
        if self._flow or not self._levels:
            self.shifts[line] = self._delta()
        elif name in ("BlockEntryToken", "KeyToken", "ValueToken"):
            self.columns[line] = self._levels[-1].new
        else:
            self.columns[line] = self._levels[-1].new + _STEP

    def _begins(self, mark: Any) -> bool:
        return not self.lines[mark.line][: mark.column].strip(" ")

    def _inside(self, token: Any) -> None:
        """Move the further lines of a scalar with it."""
        first, last = token.start_mark.line + 1, token.end_mark.line
        style = getattr(token, "style", None)
        if style not in ("|", ">"):
            for line in range(first, last + 1):
                self.shifts[line] = self._delta()
            return
        content = range(first, last if token.end_mark.column == 0 else last + 1)
        shift = self._block_shift(token, content)
        for line in content:
            self.shifts[line] = shift

    def _block_shift(self, token: Any, content: range) -> int:
        header = self.lines[token.start_mark.line][token.start_mark.column :].split("#")[0]
        if any(character.isdigit() for character in header) or not self._levels:
            return self._delta()  # its indentation is written out, relative to the level
        filled = [line for line in content if self.lines[line].strip(" ")]
        if not filled:
            return 0
        text = self.lines[filled[0]]
        return self._levels[-1].new + _STEP - (len(text) - len(text.lstrip(" ")))

    def result(self) -> str:
        """Return the text with every line in its column."""
        for line, start, end in self.gaps:
            text = self.lines[line]
            self.lines[line] = text[:start] + " " + text[end:]
        placed = [line for line in range(len(self.lines)) if line in self.columns]
        following = iter([*placed, None])
        after = next(following)
        seen: dict[int, int] = {}  # columns of the lines above: the old one to the new
        result = []
        for number, text in enumerate(self.lines):
            bare, old = text.lstrip(" "), _indent(text)
            if number in self.columns:
                new = seen[old] = self.columns[number]
                after = next(following)
            elif number in self.shifts:
                new = max(0, old + self.shifts[number])
            elif bare.startswith("#"):
                new = self._comment_column(old, after, seen)
            else:
                new = old
            result.append(" " * new + bare)
        return "\n".join(result)

    def _comment_column(self, old: int, after: int | None, seen: dict[int, int]) -> int:
        """Return the column of a comment line: that of the next line, or of one above like it."""
        if after is None:
            return seen.get(old, old)
        next_old = _indent(self.lines[after])
        if next_old == old:
            return self.columns[after]
        return seen.get(old, max(0, old + self.columns[after] - next_old))


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def reindented(text: str) -> str:
    """Return `text` with every block collection at its canonical column."""
    import yaml

    layout = _Layout(text)
    for token in yaml.scan(neutral(text), Loader=yaml.CSafeLoader):
        layout.take(token)
    return layout.result()

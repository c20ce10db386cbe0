"""The parts of a Markdown file by line: front matter, headings, list items, and tables.

Reads what postmortems are made of, line by line, and no more of Markdown. Comments and what is
fenced are no headings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_ITEM = re.compile(r"([ \t]*)(?:[-*+]|\d{1,9}[.)])[ \t]+(.*)$")
_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
DASHES = "\u2014\u2013-"
"""Em dash, en dash and hyphen, for a class of characters."""
_MARKS = re.compile(r"\*\*|__|`")


class Line(NamedTuple):
    """One line of a file and its number, from one."""

    number: int
    text: str


@dataclass(frozen=True)
class Section:
    """A heading and the lines below it, up to the next one."""

    title: str
    number: int
    lines: tuple[Line, ...]
    level: int = 0
    """1 for the heading of a page; 0 for what stands above the first one."""

    @property
    def said(self) -> tuple[Line, ...]:
        """Its lines that are not blank."""
        return tuple(line for line in self.lines if line.text.strip())

    @property
    def text(self) -> str:
        """Its lines as they are, without blank ones around them."""
        return "\n".join(line.text.rstrip() for line in self.lines).strip("\n").strip()


@dataclass(frozen=True)
class Table:
    """Rows of cells by the names of their columns, small and without marks."""

    rows: tuple[tuple[int, Mapping[str, str]], ...] = field(default=())


def sections(lines: Sequence[Line]) -> tuple[Section, ...]:
    """Return the sections of a file; what stands above the first heading has no title."""
    found: list[tuple[str, int, list[Line], int]] = [("", lines[0].number if lines else 1, [], 0)]
    fence: str | None = None
    for line in _without_comments(lines):
        opening = _FENCE.match(line.text)
        if opening is not None and (fence is None or opening[1].startswith(fence)):
            fence = opening[1] if fence is None else None
        heading = _HEADING.match(line.text) if fence is None else None
        above = found[-1][2]
        if heading is not None:
            found.append((heading[2].strip(), line.number, [], len(heading[1])))
        elif fence is None and _underlines(line, above):
            title = above.pop()
            level = 1 if "=" in line.text else 2
            found.append((title.text.strip(), title.number, [], level))
        else:
            above.append(line)
    return tuple(Section(title, number, tuple(body), level) for title, number, body, level in found)


def _underlines(line: Line, above: Sequence[Line]) -> bool:
    """Tell whether a line makes the one above it, which begins a paragraph, a heading."""
    if not _UNDERLINE.match(line.text) or not above or not above[-1].text.strip():
        return False
    is_first = len(above) == 1 or not above[-2].text.strip()
    return is_first and not _ITEM.match(above[-1].text) and "|" not in above[-1].text


def _without_comments(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines without `<!-- comments -->`, which may take several."""
    is_open = False
    for number, text in lines:
        kept, rest = "", text
        while rest:
            mark = "-->" if is_open else "<!--"
            before, found, after = rest.partition(mark)
            kept += "" if is_open else before
            rest, is_open = (after, not is_open) if found else ("", is_open)
        yield Line(number, kept)


def items(lines: Sequence[Line]) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Return the items of a list, with lines that go on below them, and all lines of none."""
    found: list[Line] = []
    others: list[Line] = []
    goes_on = False
    for line in lines:
        item = _ITEM.match(line.text)
        if item is not None:
            found.append(Line(line.number, item[2].strip()))
            goes_on = True
        elif not line.text.strip():
            goes_on = False
        elif goes_on and line.text[:1] in " \t":
            found[-1] = Line(found[-1].number, f"{found[-1].text} {line.text.strip()}")
        else:
            others.append(line)
    return tuple(found), tuple(others)


def table(lines: Sequence[Line]) -> Table | None:
    """Return the table that some lines are, if their first two are its head."""
    said = [line for line in lines if line.text.strip()]
    if len(said) < 2 or "|" not in said[0].text or not _RULE.match(said[1].text):
        return None
    columns = [plain(cell).casefold() for cell in _cells(said[0].text)]
    rows = [
        (line.number, dict(zip(columns, map(plain, _cells(line.text)), strict=False)))
        for line in said[2:]
        if "|" in line.text
    ]
    return Table(tuple(rows))


def _cells(text: str) -> list[str]:
    inner = text.strip().removeprefix("|").removesuffix("|")
    return [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", inner)]


def plain(text: str) -> str:
    """Return a text without marks of emphasis and code around its words."""
    return _MARKS.sub("", text).strip()


def pair(text: str) -> tuple[str, str] | None:
    """Return the name and the value of `**Name:** value`, if a line is one."""
    name, colon, value = plain(text).partition(":")
    return (name.strip(), value.strip()) if colon and value.strip() and len(name) < 40 else None

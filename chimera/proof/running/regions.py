"""The first region in which two contents differ, shown as a diff.

Text is shown as lines, the characters that differ marked below them; bytes as rows of hex with
their offsets. Refuses to look at more than is shown: contents may be large and hostile.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_CONTEXT = 2  # lines before and after
_MOST_LINES = 6  # of each content, in one region
_LOOKED_AT = 40  # lines, in which the end of the region is searched
_WIDEST = 160  # characters of a line
_MOST_BYTES = 4 * _WIDEST  # of a line, on the average
_BEFORE = 60  # characters of a longer line that are shown before the difference
_ROW = 16  # bytes
_ROWS = 4
_NO_END = "\\ no newline at the end"


@dataclass(frozen=True, slots=True)
class Region:
    """Where two contents first differ, and what stands there.

    `offset` counts bytes from zero, `line` and `column` characters from one; content that is no
    text has neither. The lines of `diff` begin with a blank, `-`, `+` or, below a line whose
    characters it marks, `?`.
    """

    offset: int
    diff: tuple[str, ...]
    line: int | None = None
    column: int | None = None


def region_of(first: bytes, second: bytes) -> Region:
    """Return the first region in which two different contents differ."""
    at = first_difference(first, second)
    try:
        return _text_region(first, second, at)
    except UnicodeDecodeError:
        return Region(at, tuple(_hex_diff(first, second, at)))


def first_difference(first: bytes, second: bytes) -> int:
    """Return the first index at which the two differ, by halving: slices compare at full speed."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _text_region(first: bytes, second: bytes, at: int) -> Region:
    """Return the region as text; raises `UnicodeDecodeError` where it is none."""
    start = first.rfind(b"\n", 0, at) + 1
    before = _lines_before(first, start)
    ours, theirs = _lines_after(first, start), _lines_after(second, start)
    line = first.count(b"\n", 0, at) + 1
    column = _common(ours[0] if ours else "", theirs[0] if theirs else "") + 1
    if max(map(len, (ours or [""])[:1] + (theirs or [""])[:1])) > _WIDEST:
        window = slice(max(0, column - 1 - _BEFORE), column - 1 + _BEFORE)
        before, ours, theirs = [], _windowed(ours, window), _windowed(theirs, window)
    return Region(at, tuple(_text_diff(before, ours, theirs)), line, column)


def _lines_before(data: bytes, start: int) -> list[str]:
    """Return the last lines before `start`, which is the beginning of one."""
    begin = start
    for _ in range(_CONTEXT):
        begin = data.rfind(b"\n", 0, max(begin - 1, 0)) + 1
    return _decoded(data[begin:start]) if start - begin <= _CONTEXT * _MOST_BYTES else []


def _lines_after(data: bytes, start: int) -> list[str]:
    """Return the next lines from `start`, as many as are looked at."""
    end, bound = start, start + _LOOKED_AT * _MOST_BYTES
    for _ in range(_LOOKED_AT):
        found = data.find(b"\n", end, bound)
        if found < 0:
            # A line that is cut counts only where there is no other.
            end = len(data) if len(data) <= bound else bound if end == start else end
            break
        end = found + 1
    return _decoded(data[start:end], is_cut=end == bound)


def _decoded(data: bytes, *, is_cut: bool = False) -> list[str]:
    """Return the lines of a text, with their ends; half of a character that was cut is left out."""
    if b"\0" in data:
        raise UnicodeDecodeError("utf-8", data, 0, 1, "text holds no such byte")
    text = codecs.getincrementaldecoder("utf-8")().decode(data, final=not is_cut)
    # Not splitlines: that takes a carriage return, which a diff has to show, for a line's end.
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + [line for line in lines[-1:] if line]


def _common(first: str, second: str) -> int:
    """Return how many characters two lines begin with in common."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(first), len(second)))


def _windowed(lines: list[str], window: slice) -> list[str]:
    """Return what of the first line stands in a window; the rest has no room."""
    if not lines:
        return []
    line = lines[0].rstrip("\n")
    left = "…" if window.start else ""
    right = "…" if len(line) > window.stop else ""
    return [f"{left}{line[window]}{right}\n"]


def _text_diff(before: list[str], ours: list[str], theirs: list[str]) -> Iterator[str]:
    """Yield the context, then the first lines that were replaced, deleted or inserted."""
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    for tag, from_, to, other_from, other_to in matcher.get_opcodes():
        if tag == "equal":
            continue
        context = before + ours[:from_]
        yield from (f" {_shown(line)}" for line in context[-_CONTEXT:])
        gone, come = ours[from_:to], theirs[other_from:other_to]
        yield from _changed(gone[:_MOST_LINES], come[:_MOST_LINES])
        if max(len(gone), len(come)) <= _MOST_LINES:
            yield from (f" {_shown(line)}" for line in ours[to : to + _CONTEXT])
        return


def _changed(gone: Sequence[str], come: Sequence[str]) -> Iterator[str]:
    """Yield lines with their signs; where one stands for one, what differs in it is marked."""
    if len(gone) != len(come):
        yield from _signed("-", gone)
        yield from _signed("+", come)
        return
    marks = [_marks(_shown(old), _shown(new)) for old, new in zip(gone, come, strict=True)]
    for sign, lines, side in (("-", gone, 0), ("+", come, 1)):
        for line, mark in zip(lines, marks, strict=True):
            yield f"{sign}{_shown(line)}"
            if mark[side]:
                yield f"?{mark[side]}"
            if not line.endswith("\n"):
                yield _NO_END


def _signed(sign: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield f"{sign}{_shown(line)}"
        if not line.endswith("\n"):
            yield _NO_END


def _marks(first: str, second: str) -> tuple[str, str]:
    """Return what to write below two lines to mark the characters that differ."""
    ours, theirs = [" "] * len(first), [" "] * len(second)
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    for tag, from_, to, other_from, other_to in matcher.get_opcodes():
        if tag != "equal":
            ours[from_:to] = "^" * (to - from_)
            theirs[other_from:other_to] = "^" * (other_to - other_from)
    return "".join(ours).rstrip(), "".join(theirs).rstrip()


def _shown(line: str) -> str:
    """Return a line without its end, cut, with what cannot be seen written out."""
    text = line.removesuffix("\n")
    if len(text) > _WIDEST:
        text = f"{text[:_WIDEST]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _hex_diff(first: bytes, second: bytes, at: int) -> Iterator[str]:
    """Yield rows of hex around the first byte that differs."""
    row = at - at % _ROW
    if row:
        yield f" {_hex_row(first, row - _ROW)}"
    end = row + _ROWS * _ROW
    rows = range(row, min(max(len(first), len(second)), end), _ROW)
    differing = [r for r in rows if first[r : r + _ROW] != second[r : r + _ROW]]
    yield from (f"-{_hex_row(first, r)}" for r in differing if r < len(first))
    yield from (f"+{_hex_row(second, r)}" for r in differing if r < len(second))


def _hex_row(data: bytes, start: int) -> str:
    row = data[start : start + _ROW]
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
    return f"{start:08x}  {row.hex(' '):<{_ROW * 3 - 1}}  {text}"

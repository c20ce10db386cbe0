"""Unified diffs: read, and applied to the content of files.

What `git diff` and `diff -u` write, without what carries no text (renames, modes, binary files).
A hunk is applied where it says or, moved, at the nearest place that reads the same. Refuses a
hunk whose lines are not there: nothing is applied by half.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from chimera.model import ChimeraError

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_NOTHING = "/dev/null"
_CARRIES_NO_TEXT = ("GIT binary patch", "Binary files ", "rename ", "copy ", "old mode ")


class PatchError(ChimeraError):
    """A patch that is none, or that does not fit."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines, with their ends, from line `at` (counted from one) on, and what becomes of them."""

    at: int
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What becomes of one file."""

    path: str
    creates: bool
    deletes: bool
    hunks: tuple[Hunk, ...]


def parse_patch(text: str) -> tuple[FilePatch, ...]:
    """Return what a unified diff does to each file; raises `PatchError` for what is none."""
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    found: list[FilePatch] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        if line.startswith(_CARRIES_NO_TEXT):
            raise PatchError(f"line {number + 1}: only changes of text are patched, not {line!r}")
        if line.startswith("--- ") and lines[number + 1 : number + 2]:
            patch, number = _file(lines, number)
            found.append(patch)
        elif line.startswith(("@@", "+", "-", " ")):
            raise PatchError(f"line {number + 1}: no file is named before {line!r}")
        else:
            number += 1
    if not found:
        raise PatchError("there is no change in it: a file begins with --- and +++")
    if len({patch.path for patch in found}) < len(found):
        raise PatchError("it changes a file twice")
    return tuple(found)


def apply_patch(patch: FilePatch, content: bytes | None) -> bytes | None:
    """Return what becomes of a file's content (`None`: no file); raises `PatchError`."""
    if patch.creates:
        if content is not None:
            raise PatchError(f"{patch.path} is there already")
        lines: list[str] = []
    elif content is None:
        raise PatchError(f"there is no {patch.path}")
    else:
        lines = _lines(content.decode("utf-8", "surrogateescape"))
    shift = 0
    for hunk in patch.hunks:
        at = _place(lines, hunk, hunk.at - 1 + shift if hunk.before else hunk.at + shift, patch)
        lines[at : at + len(hunk.before)] = hunk.after
        shift = at + len(hunk.after) - (hunk.at - 1 + len(hunk.before))
    if patch.deletes:
        if lines:
            raise PatchError(f"{patch.path} would be deleted with lines that the patch has not")
        return None
    return "".join(lines).encode("utf-8", "surrogateescape")


def unified(before: bytes, after: bytes) -> tuple[str, ...]:
    """Return the hunks of a unified diff of two contents, without the names of files."""
    old, new = (_lines(content.decode("utf-8", "replace")) for content in (before, after))
    hunks = list(difflib.unified_diff(old, new, n=2))[2:]
    return tuple(line.removesuffix("\n") for line in hunks)


def _lines(text: str) -> list[str]:
    parts = text.split("\n")
    return [f"{line}\n" for line in parts[:-1]] + [line for line in parts[-1:] if line]


def _place(lines: list[str], hunk: Hunk, expected: int, patch: FilePatch) -> int:
    """Return the index of the first line of a hunk: the nearest to where it is expected."""
    size = len(hunk.before)
    if size == 0:
        return min(max(expected, 0), len(lines))
    fitting = (
        at for at in range(len(lines) - size + 1) if tuple(lines[at : at + size]) == hunk.before
    )
    nearest = min(fitting, key=lambda at: abs(at - expected), default=None)
    if nearest is None:
        raise PatchError(f"the lines from line {hunk.at} on are not in {patch.path}")
    return nearest


def _file(lines: list[str], number: int) -> tuple[FilePatch, int]:
    old, new = (_name(lines, number + step, sign) for step, sign in enumerate(("--- ", "+++ ")))
    path = old if new == _NOTHING else new
    if path == _NOTHING:
        raise PatchError(f"line {number + 1}: it names no file")
    if old not in (_NOTHING, path):
        raise PatchError(f"line {number + 1}: it renames {old} to {path}")
    number += 2
    hunks = []
    while number < len(lines) and (head := _HUNK.match(lines[number])):
        hunk, number = _hunk(lines, number, head)
        hunks.append(hunk)
    if not hunks:
        raise PatchError(f"line {number + 1}: there is no hunk for {path}")
    return FilePatch(path, old == _NOTHING, new == _NOTHING, tuple(hunks)), number


def _name(lines: list[str], number: int, sign: str) -> str:
    line = lines[number]
    if not line.startswith(sign):
        raise PatchError(f"line {number + 1}: {sign.strip()} and a name must stand here")
    name = line.removeprefix(sign).partition("\t")[0].strip()
    prefix = "a/" if sign.startswith("-") else "b/"
    return name if name == _NOTHING else name.removeprefix(prefix)


def _hunk(lines: list[str], number: int, head: re.Match[str]) -> tuple[Hunk, int]:
    missing = [1 if head[group] is None else int(head[group]) for group in (2, 4)]
    sides: tuple[list[str], list[str]] = ([], [])
    number += 1
    while any(missing) or lines[number : number + 1] == ["\\ No newline at end of file"]:
        if number >= len(lines):
            raise PatchError(f"line {number}: the hunk ends too early")
        sign, line = lines[number][:1] or " ", lines[number][1:]
        if sign == "\\":
            _take_line_end(sides, lines[number - 1][:1])
        else:
            for side in _sides(sign, number):
                sides[side].append(f"{line}\n")
                missing[side] -= 1
        if min(missing) < 0:
            raise PatchError(f"line {number + 1}: the hunk has more lines than it says")
        number += 1
    return Hunk(int(head[1]), tuple(sides[0]), tuple(sides[1])), number


def _sides(sign: str, number: int) -> tuple[int, ...]:
    """Return which sides of a hunk a line belongs to: before, after, or both."""
    found = {" ": (0, 1), "-": (0,), "+": (1,)}.get(sign)
    if found is None:
        raise PatchError(f"line {number + 1}: a line of a hunk begins with a blank, - or +")
    return found


def _take_line_end(sides: tuple[list[str], list[str]], sign: str) -> None:
    for side in {"-": (0,), "+": (1,)}.get(sign, (0, 1)):
        if sides[side]:
            sides[side][-1] = sides[side][-1].removesuffix("\n")

"""`chimera fmt`: one way to lay a document out.

Two columns a level, `- ` indented under its key, no trailing blanks, at most one empty line in a
row, LF at every line's end. Words, quotes, order and line breaks stay the author's. Refuses to
lose anything: values and comments are read back, and a step that would change one is not taken.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from chimera.documents.edit import read_values, same_values
from chimera.documents.reindent import reindented
from chimera.documents.scan import neutral
from chimera.model import ChimeraError

_STEPS: tuple[Callable[[str], str], ...]
_NOWHERE = (sys.maxsize, sys.maxsize)


def format_text(text: str) -> str:
    """Return `text` in canonical form; raises `ChimeraError` where it does not parse."""
    values = read_values(text)
    remarks = comments(text)
    for step in _STEPS:
        result = step(text)
        if result != text and _is_faithful(result, values, remarks) and step(result) == result:
            text = result
    return text


def _is_faithful(result: str, values: list[dict[str, Any]], remarks: list[str]) -> bool:
    try:
        return same_values(read_values(result), values) and comments(result) == remarks
    except ChimeraError:
        return False


def _with_plain_line_ends(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


def comments(text: str) -> list[str]:
    """Return the comments of `text` in order, without the blanks at their ends."""
    found = []
    position = 0
    for start, end, is_block in (*_tokens(text), (len(text), len(text), False)):
        found += _comments_between(text[position:start])
        if is_block:
            header = text[start:end].splitlines()[0]
            found += _comments_between(header.lstrip("|>+-0123456789"))
        position = max(position, end)
    return found


def _comments_between(gap: str) -> list[str]:
    return [line[line.index("#") :].rstrip() for line in gap.splitlines() if "#" in line]


def _tokens(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield start, end and whether it is a block scalar, for every token that has an extent."""
    import yaml

    try:
        for token in yaml.scan(neutral(text), Loader=yaml.CSafeLoader):
            start, end = token.start_mark.index, token.end_mark.index
            if end > start:
                yield start, end, getattr(token, "style", None) in ("|", ">")
    except yaml.YAMLError as error:
        raise ChimeraError(
            "this text cannot be formatted: YAML 1.1 tools do not read it",
            help="write it more plainly",
        ) from error


def _without_needless_blanks(text: str) -> str:
    """Return `text` without blanks at line ends and without repeated empty lines.

    A line that ends inside a scalar is the scalar's own and stays.
    """
    inside = iter([(start, end) for start, end, _ in _tokens(text) if "\n" in text[start:end]])
    start, last = next(inside, _NOWHERE)
    kept: list[str] = []
    position = 0
    after_empty = True
    for line in text.split("\n")[:-1]:
        end = position + len(line)
        while last <= end:
            start, last = next(inside, _NOWHERE)
        if start <= end:
            kept.append(line)
            after_empty = False
        else:
            clean = line.rstrip(" \t")
            if clean or not after_empty:
                kept.append(clean)
            after_empty = not clean
        position = end + 1
    if after_empty and kept:
        kept.pop()
    return "".join(line + "\n" for line in kept)


_STEPS = (_with_plain_line_ends, reindented, _without_needless_blanks)

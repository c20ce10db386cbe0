"""Changes of files that are neither Python nor YAML: lines deleted, numbers one more or less."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chimera.proof.mutation.change import Replacement

_LINE = re.compile(rb"[^\n]*\S[^\n]*\n?")
_NUMBER = re.compile(rb"(?<![\w.])\d{1,15}(?![\w.])")


def changes(content: bytes) -> Iterator[Replacement]:
    """Yield every change of a text; none of what is no text."""
    if b"\0" in content:
        return
    for line in _LINE.finditer(content):
        yield Replacement(line.start(), line.end(), b"", "the line is deleted")
    for number in _NUMBER.finditer(content):
        value = int(number[0])
        more, less = b"%d" % (value + 1), b"%d" % (value - 1)
        yield Replacement(number.start(), number.end(), more, "the number is one more")
        if value:
            yield Replacement(number.start(), number.end(), less, "the number is one less")

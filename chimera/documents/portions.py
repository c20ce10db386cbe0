"""Which part of a file is YAML, with every line and column where it was.

Says by the suffix alone how a file is read, so that whoever shows a place in it agrees with whoever
read it. Refuses to parse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import PurePosixPath

from chimera.documents.trees import YAML_SUFFIXES, is_below, is_root, root_names

MARKUP_SUFFIXES = frozenset({".adoc", ".htm", ".html", ".markdown", ".md", ".mdx", ".rst", ".txt"})
"""Files of prose, in which front matter can stand at the top."""

_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?---[ \t]*\r?\n")
_CLOSING = re.compile(rb"^(?:---|\.\.\.)[ \t]*\r?$", re.MULTILINE)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def is_document(path: str, roots: Iterable[str]) -> bool:
    """Tell whether the file at `path` is one of those that `roots` are read for."""
    names = _names(tuple(roots))
    return path.endswith(YAML_SUFFIXES) and any(is_below(path, name) for name in names)


@cache
def _names(roots: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(root_names(filter(is_root, roots)))


def is_json(path: str) -> bool:
    """Tell whether the file at `path` is read as JSON."""
    return PurePosixPath(path).suffix.lower() == ".json"


def is_markup(path: str) -> bool:
    """Tell whether of the file at `path` only the front matter is read."""
    return PurePosixPath(path).suffix.lower() in MARKUP_SUFFIXES


def front_matter(data: bytes) -> bytes | None:
    """Return a file up to the line that closes its front matter.

    Empty where there is none, `None` where nothing closes it.
    """
    opening = _OPENING.match(data)
    if opening is None:
        return b""
    closing = _CLOSING.search(data, opening.end())
    return None if closing is None else data[: closing.start()]


def yaml_part(path: str, data: bytes) -> bytes:
    """Return what of a file can be composed as YAML; its own result is left as it is.

    Of JSON, what YAML 1.1 lacks is made blanks of the same width: tabs, which stand between values
    only, and escapes of surrogates.
    """
    if is_json(path):
        return _SURROGATE.sub(b"      ", data.replace(b"\t", b" "))
    if is_markup(path):
        part = front_matter(data)
        return data if part is None else part
    return data

"""The first line by which an editor finds a document's schema, for yaml-language-server.

Owns where that line stands and what it says; every other byte of a file stays its author's.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from chimera.kinds import Registry

_MODELINE = re.compile(r"#\s*yaml-language-server:\s*\$schema=\S*")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")


def with_modeline(text: str, schema: str) -> str:
    """Return `text` with a modeline for `schema` as its first line, and no other above the YAML."""
    lines = _LINE.findall(text)
    head = []
    while lines and (lines[0].startswith("#") or not lines[0].strip(" \t\r\n")) and lines[0]:
        head.append(lines.pop(0))
    kept = [line for line in head if not _MODELINE.match(line)]
    ending = _ending(text)
    return f"# yaml-language-server: $schema={schema}{ending}{''.join(kept)}{''.join(lines)}"


def _ending(text: str) -> str:
    """Return how the first line ends, as the line before it has to."""
    found = re.search(r"\r\n|\r|\n", text)
    return found[0] if found else "\n"


def schema_for(path: str, kinds: Iterable[object], registry: Registry, folder: str) -> str:
    """Return the way from the file `path` to its schema in `folder`, both below the root.

    A file of several kinds, or of one that is not known, takes the schema for any kind.
    """
    named = set(kinds)
    kind = named.pop() if len(named) == 1 else None
    name = kind if isinstance(kind, str) and kind in registry.kinds else "chimera"
    return posixpath.relpath(f"{folder}/{name}.json", posixpath.dirname(path) or ".")

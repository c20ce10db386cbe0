"""A Markdown file opened: its fields with their lines, its sections, and what was not read of it.

Refuses files that are no text, or larger than a document may be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from chimera.builtin.records.importing.markdown import Line, Section, sections
from chimera.documents import MAX_BYTES, parse_foreign
from chimera.model import Span, UsageError, has_errors

_WORD = re.compile(r"[^a-z0-9]+")


OF_INCIDENT = frozenset(
    (
        *("title", "severity", "sev", "level", "environment", "env", "start", "started"),
        *("startedat", "opened", "openedat", "end", "ended", "endedat", "resolved", "resolvedat"),
        *("commander", "incidentcommander", "ic", "acknowledged", "acknowledgedat", "mitigated"),
        *("mitigatedat", "reportedby", "openedby", "reporter", "services", "service", "date"),
    )
)
"""Fields, by their words, that say what the record of an incident says."""
IN_SUMMARY = OF_INCIDENT | {"id", "incident", "incidentid", "duration", "timezone"}
"""Fields that a summary can say in lines of its own, as front matter does."""


class Unread(NamedTuple):
    """What could not be read: its line, what stands there, and why."""

    line: int
    text: str
    why: str


class Given(NamedTuple):
    """The value of a field, and its line."""

    line: int
    value: Any

    @property
    def text(self) -> str:
        """The value as one text; empty where it is a list or mapping."""
        return "" if isinstance(self.value, list | dict | None) else str(self.value).strip()


@dataclass
class Page:
    """One file: `fields` are those that nobody took yet, by their words alone."""

    path: str
    fields: dict[str, Given]
    sections: tuple[Section, ...]
    unread: list[Unread] = field(default_factory=list)
    zone: str | None = None
    """The zone of times that state none, where the file states one."""

    def take(self, *names: str) -> Given | None:
        """Take a field by one of its names, as it is written in any way; `None` for none."""
        for name in names:
            found = self.fields.pop(word(name), None)
            if found is not None and found.value is not None and found.value != "":
                return found
        return None

    def miss(self, line: int, text: str, why: str) -> None:
        """Tell of something that could not be read."""
        self.unread.append(Unread(line, " ".join(text.split())[:120], why))


def word(name: str) -> str:
    """Return a name as it is compared: `Root Cause(s)` is `rootcauses`."""
    return _WORD.sub("", name.casefold())


def open_page(path: Path, shown: str) -> Page:
    """Read a file; raises `UsageError` where it cannot be one."""
    data = _read(path, shown)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{shown}:{number} is not UTF-8", help="save it as UTF-8") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = [Line(number, line) for number, line in enumerate(text.split("\n"), 1)]
    for line in lines:
        if not line.text.replace("\t", "").isprintable():
            raise UsageError(
                f"{shown}:{line.number} has a character that cannot be shown", help="remove it"
            )
    head = _head(lines)
    fields = _fields(shown, "\n".join(line.text for line in lines[:head]) + "\n") if head else {}
    return Page(shown, fields, sections(lines[head:]))


def _read(path: Path, shown: str) -> bytes:
    if path.exists() and not path.is_file():
        raise UsageError(f"{shown} is no file", help="name a Markdown file")
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"{shown} cannot be read: {(error.strerror or str(error)).lower()}",
            help="name a Markdown file",
        ) from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"{shown} is larger than {MAX_BYTES >> 20} MiB", help="split it")
    return data


def _head(lines: list[Line]) -> int:
    """Return how many lines the front matter takes, its fences too; 0 where there is none."""
    if lines[0].text.rstrip() != "---":
        return 0
    ends = (i for i, line in enumerate(lines[1:], 2) if line.text.rstrip() in ("---", "..."))
    return next(ends, 0)


def _fields(shown: str, head: str) -> dict[str, Given]:
    """Return the fields of front matter by their words; raises `UsageError` for what is no YAML."""
    values, faults = parse_foreign("front-matter.md", head.encode())
    faults = [fault for fault in faults if has_errors((fault,))]
    if faults or not values or not isinstance(values[0][1], dict):
        where = faults[0].where if faults else None
        line = where.line if isinstance(where, Span) else 1
        why = faults[0].message if faults else "it is no mapping"
        raise UsageError(
            f"{shown}:{line} has front matter that cannot be read: {why}",
            help="write it as name: value, one on a line",
        )
    value: Mapping[str, Any] = values[0][1]
    at = _key_lines(head)
    return {word(name): Given(at.get(name, 1), value[name]) for name in value}


def _key_lines(head: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, line in enumerate(head.split("\n"), 1):
        name, colon, _ = line.partition(":")
        if colon and name and not name[0].isspace():
            found.setdefault(name.strip().strip("\"'"), number)
    return found

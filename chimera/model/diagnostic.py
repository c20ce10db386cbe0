"""Diagnostics: what is wrong, where, and what to do, as values that accumulate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

Segment = str | int
Route = tuple[Segment, ...]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file; lines and columns count from one, columns in characters."""

    path: str
    line: int = 1
    column: int = 1
    end_line: int | None = None
    end_column: int | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Place:
    """A symbolic place, turned into a `Span` only when it is shown.

    `index` counts the YAML documents of the file from zero; `route` leads from the document's
    root to a value, by mapping keys and list positions; `on` says whether the mapping key or the
    value at the route's end is meant. A route that the file lacks means its nearest ancestor.
    """

    path: str
    index: int = 0
    route: Route = ()
    on: Literal["key", "value"] = "value"

    def at(self, *segments: Segment, on: Literal["key", "value"] = "value") -> Place:
        """Return the place further down along `segments`."""
        return Place(self.path, self.index, self.route + segments, on)


class Severity(Enum):
    """How much a diagnostic weighs: only an error, and every error, fails a check."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that explains a diagnostic, such as the contract's line that forbids it."""

    message: str
    where: Place | Span


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault: a stable rule id, a severity, a place, what is wrong and what to do about it.

    `address` is the document that it is about, as text, where there is one. `where` is symbolic
    until `documents` has located it. An error that does not `stop` fails a check and nothing else:
    somebody is late with what they owe, and what is applied meanwhile is none the worse for it.
    """

    rule: str
    message: str
    where: Place | Span
    help: str
    severity: Severity = Severity.ERROR
    address: str | None = None
    related: tuple[Related, ...] = ()
    stops: bool = True

    @property
    def span(self) -> Span:
        """The place in the file; before it has been located, the file's first line."""
        return self.where if isinstance(self.where, Span) else Span(self.where.path)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether any diagnostic is an error that stops what is asked for."""
    return any(d.stops and d.severity is Severity.ERROR for d in diagnostics)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return located diagnostics without repetitions, by file, line, column and rule.

    The order is the same whatever order they came in.
    """
    return tuple(sorted(dict.fromkeys(diagnostics), key=_order))


def _order(diagnostic: Diagnostic) -> tuple[str, int, int, str, str, str, str]:
    span = diagnostic.span
    return (
        span.path,
        span.line,
        span.column,
        diagnostic.rule,
        diagnostic.message,
        diagnostic.help,
        diagnostic.address or "",
    )

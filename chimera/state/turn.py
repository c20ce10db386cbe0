"""What one transaction writes for all runs of a process: rows, as the database has them.

Filled by the engine a hundred thousand times a second, and so made of tuples. Refuses to mask or
encode anything: texts come from `StateWriter.stored` and times are written already.
"""

from __future__ import annotations

from dataclasses import dataclass, field

EventRow = tuple[int, str, str, int, str, str | None, str | None, str | None, int]
"""Number of the run, kind, step, attempt, time, data, due, flag, epoch."""

LogRow = tuple[int, str, int, str, str]
"""Number of the run, step, attempt, time, text."""

RunRow = tuple[str | None, int, int, int, str | None]
"""Status, or `None` where it stays; total, done, failed; due."""

ItemKey = tuple[str, str, str]
"""Environment, collection, id."""


@dataclass(slots=True)
class Turn:
    """All that happened since the last commit. An item of `None` is deleted."""

    events: list[EventRow] = field(default_factory=list)
    log: list[LogRow] = field(default_factory=list)
    runs: dict[int, RunRow] = field(default_factory=dict)
    items: dict[ItemKey, str | None] = field(default_factory=dict)
    cached: dict[str, str | None] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing happened."""
        return not (self.events or self.log or self.runs or self.items or self.cached)

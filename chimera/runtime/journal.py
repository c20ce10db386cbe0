"""The end of a run's journal that is not on disk yet, and when it has to be.

One commit writes all that happened in a turn. Refuses to decide what is written.
"""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime

from chimera.context import Clock
from chimera.state import Event, EventKind, Json, LogLine, RunStatus, StateWriter

AHEAD_SECONDS = 0.005
AHEAD_EVENTS = 512
"""How far steps without effects may run ahead of the disk."""


class Journal:
    """Gathers the events and log lines of one run and commits them together."""

    def __init__(self, state: StateWriter, run: str, clock: Clock) -> None:
        self._state = state
        self._run = run
        self._clock = clock
        self._events: list[Event] = []
        self._log: deque[LogLine] = deque()  # appended to by the threads of the steps
        self._oldest = 0.0

    def note(
        self,
        kind: EventKind,
        step: str = "",
        attempt: int = 0,
        *,
        data: Json = None,
        due: datetime | None = None,
    ) -> None:
        """Add an event, to be committed later."""
        if not self._events:
            self._oldest = time.monotonic()
        self._events.append(Event(kind, step, attempt, self._clock.now(), data, due))

    def log(self, step: str, attempt: int, text: str) -> None:
        """Add a log line, to be committed later; any thread may."""
        self._log.append(LogLine(step, attempt, self._clock.now(), text))

    @property
    def is_empty(self) -> bool:
        """Tell whether everything is on disk."""
        return not self._events and not self._log

    @property
    def is_too_far_ahead(self) -> bool:
        """Tell whether even a step without effects has to wait for a commit."""
        return bool(self._events) and (
            len(self._events) >= AHEAD_EVENTS or time.monotonic() - self._oldest > AHEAD_SECONDS
        )

    def commit(self, status: RunStatus | None = None) -> None:
        """Put everything on disk, in one transaction; or raise `StateError`."""
        lines = [self._log.popleft() for _ in range(len(self._log))]
        if self._events or lines or status is not None:
            self._state.record(self._run, self._events, log=lines, status=status)
        self._events.clear()

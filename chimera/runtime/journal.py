"""The end of the journal that is not on disk yet, and when it has to be.

One commit writes all that happened in a turn, for all runs. Refuses to decide what is written.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from chimera.context import Context
from chimera.runtime.settings import RunSettings
from chimera.state import EventKind, EventRow, Json, LogRow, Run, RunStatus, StateWriter, Turn

if TYPE_CHECKING:
    import asyncio

    from chimera.runtime.course import Course
    from chimera.runtime.frontier import Node

START = EventKind.START.value
DONE = EventKind.DONE.value

AHEAD_SECONDS, AHEAD_EVENTS = 0.005, 512
"""How long, and how many events, steps without effects run before the disk at most."""


class Journal:
    """Gathers what happens to the runs of one process and commits it together.

    All that happens in a turn happens at one time, `now`.
    """

    def __init__(
        self,
        state: StateWriter,
        context: Context,
        loop: asyncio.AbstractEventLoop,
        settings: RunSettings,
    ) -> None:
        self.turn = Turn()
        self.max_log_lines = settings.max_log_lines
        self._state = state
        self._context = context
        self._loop = loop
        self._bus = settings.bus
        self._narrate = settings.narrate
        self._log: deque[LogRow] = deque()  # appended to by the threads of the steps
        self._changed: dict[Course, RunStatus | None] = {}
        self._published: list[tuple[str, Json]] = []
        self._stories: list[tuple[dict[int, Run], list[EventRow]]] = []
        self._told: dict[Course, RunStatus | None] = {}
        self._oldest = 0.0
        self._epoch = state.epoch
        self.tick()

    def tick(self) -> None:
        """Begin a turn."""
        self.now = self._context.clock.now()
        self.at = self.now.isoformat()

    def note(
        self,
        node: Node,
        kind: str,
        text: str | None = None,
        *,
        due: str | None = None,
        flag: str | None = None,
    ) -> None:
        """Add what happened to a step, to be committed later; `text` is what `stored` gave."""
        course, events = node.course, self.turn.events
        if not events:
            self._oldest = self._loop.time()
        events.append(
            (course.number, kind, node.id, node.attempt, self.at, text, due, flag, self._epoch)
        )
        if course not in self._changed:
            self._changed[course] = None

    def note_run(self, course: Course, kind: EventKind, data: Json = None) -> None:
        """Add what happened to a run, to be committed later."""
        text = self.text(data)
        if not self.turn.events:
            self._oldest = self._loop.time()
        row = (course.number, kind.value, "", 0, self.at, text, None, None, self._epoch)
        self.turn.events.append(row)
        self._changed.setdefault(course, None)

    def text(self, value: Json) -> str | None:
        """Return what stands in the database for a value of the engine's own."""
        return self._state.kept(self._state.stored(value)[1])

    def set_status(self, course: Course, status: RunStatus) -> None:
        """Have the run stand so, from the next commit on."""
        self._changed[course] = status

    def log(self, run: int, step: str, attempt: int, text: str) -> None:
        """Add a log line, to be committed later; any thread may."""
        self._log.append((run, step, attempt, self._context.clock.now().isoformat(), text))

    def publish(self, message: tuple[str, Json]) -> None:
        """Have the bus hear a message once what is gathered now is on disk."""
        if self._bus is not None:
            self._published.append(message)

    @property
    def is_empty(self) -> bool:
        """Tell whether everything is on disk."""
        return not self._changed and not self._log and self.turn.is_empty

    @property
    def is_too_far_ahead(self) -> bool:
        """Tell whether even a step without effects has to wait for a commit."""
        events = self.turn.events
        return bool(events) and (
            len(events) >= AHEAD_EVENTS or self._loop.time() - self._oldest > AHEAD_SECONDS
        )

    def commit(self) -> None:
        """Put everything on disk, in one transaction; or raise `StateError`."""
        if self.is_empty:
            return
        turn = self.turn
        mask = self._context.secrets.mask if self._context.secrets.are_known else None
        for _ in range(len(self._log)):
            row = self._log.popleft()
            text = mask(row[4]) if mask else row[4]
            turn.log.append((*row[:4], text.encode(errors="replace").decode()))
        for course, status in self._changed.items():
            turn.runs[course.number] = course.row(status)
        self._state.write(turn)
        if self._narrate is not None:
            runs = {course.number: course.run for course in self._changed}
            self._stories.append((runs, turn.events))
        self._told.update(self._changed)
        self._changed.clear()
        self.turn = Turn()

    def deliver(self) -> tuple[Course, ...]:
        """Tell the bus what was published; return the runs to which something happened."""
        if self._published:
            assert self._bus is not None
            published, self._published = self._published, []
            self._bus(published)
        stories, self._stories = self._stories, []
        for runs, events in stories:
            assert self._narrate is not None
            self._narrate(runs, events)
        told, self._told = tuple(self._told), {}
        return told

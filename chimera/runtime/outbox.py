"""The outbox: what steps published, kept with their results until it has been delivered.

Owns the ids of messages, which are in the order in which they were published, within a turn and
from one process to the next, whatever the clock does. Refuses to deliver anything.
"""

from __future__ import annotations

from chimera.state import StateReader

OUTBOX = "outbox"
"""Collection of messages: `topic`, `payload`, and when, by which run and step they were sent."""


class Outbox:
    """Gives messages their ids: the time, a number that counts within it, the run and the step."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._last: dict[str, tuple[str, int]] = {}

    def next_id(self, environment: str, at: str, run: str, step: str) -> str:
        """Return the id of a message that is published at `at`, or later if the clock went back."""
        if environment not in self._last:
            self._last[environment] = _parsed(self._state.last_id(environment, OUTBOX))
        before, number = self._last[environment]
        last = (at, 0) if at > before else (before, number + 1)
        self._last[environment] = last
        return f"{last[0]}/{last[1]:09}/{run}/{step}"


def _parsed(id: str | None) -> tuple[str, int]:
    at, _, rest = (id or "").partition("/")
    number = rest.partition("/")[0]
    return at, int(number) if number.isdigit() else 0

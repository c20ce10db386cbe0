"""The clock: the only reader of wall-clock time. Refuses naive times and zones other than UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still, for `--now` and for tests."""

    def __init__(self, instant: datetime) -> None:
        if instant.tzinfo is None:
            raise ValueError(f"{instant.isoformat()} has no time zone")
        self._instant = instant.astimezone(UTC)

    def now(self) -> datetime:
        """Return the instant that the clock was made with, in UTC."""
        return self._instant

"""The clock: the only reader of wall-clock time. Refuses times without a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

from chimera.model import UsageError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


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


SKEW = timedelta(minutes=5)
"""By how much the clocks may differ of who signs something and of who weighs it."""


def is_to_come(instant: datetime, now: datetime) -> bool:
    """Tell whether what is dated `instant` is from the future, by more than clocks may differ."""
    return instant - now > SKEW


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 time with its zone, or a date, which means its first moment in UTC.

    Raises `UsageError` for anything else.
    """
    try:
        instant = datetime.fromisoformat(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise UsageError(
        f"{text!r} is no time that anything can be judged as of",
        help="write a date, 2027-01-31, or a time with its zone, 2027-01-31T12:00:00Z",
    )

"""Moments, days, and who did something when: what every record is made of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from chimera.kinds import AfterValidator, Field, Model, Moment, Text, refuse


def _check_day(text: str) -> str:
    try:
        valid = date.fromisoformat(text).isoformat() == text
    except ValueError:
        valid = False
    if not valid:
        raise refuse("day-invalid", f"{text!r} is no day; write it as 2026-11-21")
    return text


Day = Annotated[str, AfterValidator(_check_day)]
"""A day, written YYYY-MM-DD."""


def after(moment: datetime, span: timedelta) -> datetime:
    """Return the time `span` after a moment, or the last one that there is.

    A negative span leads back, to the first one at most.
    """
    try:
        return moment + span
    except OverflowError:
        return (datetime.max if span > timedelta() else datetime.min).replace(tzinfo=UTC)


def written(moment: datetime) -> str:
    """Return a moment as records write it, to the second: 2026-11-21T06:30:00Z."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def person(text: str) -> str:
    """Return a name as it is compared: `Identity/ann` and `Ann` are one."""
    return " ".join(text.removeprefix("Identity/").split()).casefold()


class Stamp(Model):
    """That somebody did something, and when."""

    at: Moment = Field(description="When, as a time with its zone.")
    by: Text = Field(description="Who: a name, or Identity/name.")

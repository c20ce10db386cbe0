"""Moments, as documents write them: a time with its zone.

Refuses a time without one: it would be another moment on another machine.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Annotated

from chimera.kinds.fields import AfterValidator, refuse


@lru_cache(maxsize=65_536)  # every check asks for the same few moments of a document again
def when(moment: str) -> datetime:
    """Return the time that a `Moment` says; raises `ValueError` for any other text."""
    found = datetime.fromisoformat(moment)
    if found.tzinfo is None:
        raise ValueError(moment)
    return found


def _check_moment(text: str) -> str:
    try:
        when(text)
    except ValueError:
        raise refuse(
            "moment-invalid", f"{text!r} is no time with its zone; write it as 2026-11-21T06:30:00Z"
        ) from None
    return text


Moment = Annotated[str, AfterValidator(_check_moment)]
"""A time with its zone, written as 2026-11-21T06:30:00Z."""

"""Times and lengths of time as people write them, where they can be read in one way only."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from chimera.builtin.records.importing.markdown import DASHES

_DATE = r"(?P<date>\d{4}-\d{2}-\d{2})"
_CLOCK = r"(?P<clock>\d{1,2}:\d{2}(?::\d{2})?)"
_ZONE = r"(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})"
_MOMENT = re.compile(
    rf"{_DATE}(?:T| +|, *| at ){_CLOCK} *(?:{_ZONE}|\({_ZONE.replace('zone', 'also')}\))?"
)
_TIME = re.compile(rf"{_CLOCK} *(?:{_ZONE})?(?![\w:])")
_STATED = re.compile(r"(?<![\w])(UTC|GMT|Z|[+-]\d{2}:\d{2})(?![\w:])")
_LENGTH = re.compile(
    r"(?P<n>\d{1,6}) *(?P<unit>days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)(?![a-z])"
)
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def moment(text: str, zone: str | None = None) -> str | None:
    """Return a date and time with its zone, or with the one that is stated elsewhere."""
    found = _MOMENT.fullmatch(text.strip())
    return (
        _moment(found["date"], found["clock"], found["zone"] or found["also"] or zone)
        if found
        else None
    )


def leading_moment(
    text: str, date: str | None, zone: str | None
) -> tuple[str | None, str, bool] | None:
    """Return the time with which a line begins, what follows it, and whether its date is its own.

    The time is `None` where it has no date or no zone, and nothing else states one; the result is
    where the line begins with no time.
    """
    found = _MOMENT.match(text) or _TIME.match(text)
    if found is None:
        return None
    parts = found.groupdict()
    own = parts.get("date")
    stated = parts["zone"] or parts.get("also") or zone
    rest = re.sub(rf"^[ \t]*(?:[:|{DASHES}]+[ \t]*)?", "", text[found.end() :], count=1)
    day = own or date
    return (_moment(day, parts["clock"], stated) if day else None), rest.strip(), own is not None


def stated_zone(text: str) -> str | None:
    """Return the zone that a heading or a field states, as in `Timeline (UTC)`."""
    found = _STATED.search(text)
    return found[1] if found else None


def length(text: str) -> str | None:
    """Return a length of time such as `1 hour 30 minutes` as documents write it."""
    rest = re.sub(r",| and ", " ", text.strip().casefold())
    total, seen, position = timedelta(), False, 0
    for found in _LENGTH.finditer(rest):
        if rest[position : found.start()].strip():
            return None
        total += timedelta(**{_UNITS[found["unit"][0]]: int(found["n"])})
        seen, position = True, found.end()
    if not seen or rest[position:].strip():
        return None
    seconds = int(total.total_seconds())
    parts = ((seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def _moment(date: str, clock: str, zone: str | None) -> str | None:
    if zone is None:
        return None
    hours, _, rest = clock.partition(":")
    offset = "Z" if zone in ("Z", "UTC", "GMT") else zone
    text = f"{date}T{int(hours):02}:{rest}{':00' if ':' not in rest else ''}{offset}"
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    return text

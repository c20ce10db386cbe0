"""Moments and lengths of time as people read them, and what a command wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chimera.kinds import when

if TYPE_CHECKING:
    from chimera.builtin.records.standing import Due
    from chimera.render.paint import Paint

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def moment(at: datetime | str) -> str:
    """Return a moment in UTC, to the minute."""
    found = when(at) if isinstance(at, str) else at
    return f"{found.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def length(time: timedelta) -> str:
    """Return a length of time by its two largest units."""
    time = max(time, timedelta())
    if time < _MINUTE:
        return f"{time.seconds}s"
    for unit, name, part, part_name in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "m"),
        (_MINUTE, "m", timedelta(seconds=1), "s"),
    ):
        if time >= unit:
            rest = (time % unit) // part
            return f"{time // unit}{name}" + (f"{rest}{part_name}" if rest else "")
    raise AssertionError(time)


def facts(rows: Iterable[tuple[str, str]], paint: Paint) -> list[str]:
    """Return names and what is known of them, in two columns."""
    known = [row for row in rows if row[1]]
    width = max((len(name) for name, _ in known), default=0)
    return [f"{paint(f'{name:<{width}}', 'dim')}  {text}" for name, text in known]


def owed_lines(dues: Sequence[Due], now: datetime, paint: Paint) -> list[str]:
    """Return a line for each thing that is owed, and how to do it."""
    found = []
    for due in dues:
        text = f"{due.what} {_until(due, now)}"
        found.append(f"  {paint(text, 'bad' if due.is_late else 'warn')}: {due.command}")
    return found


def _until(due: Due, now: datetime) -> str:
    if due.until is None:
        return "is owed now"
    if due.is_late:
        return f"was owed until {moment(due.until)}, {length(now - due.until)} ago"
    return f"is owed until {moment(due.until)}, in {length(due.until - now)}"


def owed_json(dues: Sequence[Due]) -> list[dict[str, Any]]:
    """Return what is owed as JSON."""
    return [
        {
            "what": due.what,
            "until": due.until.isoformat() if due.until else None,
            "late": due.is_late,
            "command": due.command,
        }
        for due in dues
    ]


def written_lines(paths: Sequence[str], paint: Paint) -> list[str]:
    """Return a line for each file that was written."""
    return [paint(f"wrote {path}", "dim") for path in paths]

"""Reviews and their action items as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from chimera.builtin.records.rendering.wording import moment, written_lines

if TYPE_CHECKING:
    from chimera.builtin.records.learning import Action
    from chimera.model import Address, Diagnostic
    from chimera.render.paint import Cell, Paint

_OWED = ("impact", "rootCause", "detection", "response", "missingGuardrails", "actions")


def review_text(address: Address, value: dict[str, Any], paths: Sequence[str], paint: Paint) -> str:
    """Return what was begun or scheduled, and what it owes."""
    scheduled = value.get("scheduled")
    when = f"scheduled for {moment(scheduled)}" if scheduled else paint("not scheduled", "warn")
    lines = [f"{paint(str(address), 'good')}, {when}", *written_lines(paths, paint)]
    owed = _owed(value)
    if owed:
        lines.append(f"owed before it was held: {', '.join(owed)}")
    return "\n".join(lines)


def review_json(address: Address, value: dict[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    """Return the same as JSON."""
    return {
        "format": "chimera-postmortem/1",
        "postmortem": str(address),
        "owed": _owed(value),
        "written": list(paths),
        "spec": value,
    }


def _owed(value: dict[str, Any]) -> list[str]:
    said = {"who", "what"} <= (value.get("impact") or {}).keys()
    return [f for f in _OWED if f not in value or (f == "impact" and not said)]


def checked_text(
    actions: Sequence[Action], faults: Sequence[Diagnostic], now: datetime, paint: Paint
) -> str:
    """Return what is wrong with reviews, then all open actions, the overdue ones first."""
    from chimera.render.diagnostics import diagnostic_lines
    from chimera.render.paint import count, table

    lines = list(diagnostic_lines(faults, paint, notes=True))
    rows: list[tuple[Cell, ...]] = []
    for action in actions:
        item = action.item
        due: Cell = item.due or "-"
        if action.is_overdue(now.date()):
            days = (now.date() - date.fromisoformat(item.due or "")).days
            due = (f"{item.due}, {count(days, 'day')} late", "bad")
        rows.append(
            (due, item.priority or "-", item.owner or "-", item.id, action.review.address.name)
        )
    if rows:
        lines.append(table(rows, ("DUE", "PRIORITY", "OWNER", "ACTION", "REVIEW"), paint))
    late = sum(action.is_overdue(now.date()) for action in actions)
    lines.append(f"{count(len(actions), 'open action')}, {late} overdue")
    return "\n".join(lines)


def checked_json(
    actions: Sequence[Action], faults: Sequence[Diagnostic], now: datetime
) -> dict[str, Any]:
    """Return the same as JSON."""
    from chimera.render.diagnostics import diagnostic_json

    return {
        "format": "chimera-postmortems/1",
        "actions": [
            {
                "postmortem": str(action.review.address),
                "id": action.item.id,
                "description": action.item.description,
                "owner": action.item.owner,
                "priority": action.item.priority,
                "due": action.item.due,
                "overdue": action.is_overdue(now.date()),
            }
            for action in actions
        ],
        "diagnostics": [diagnostic_json(fault) for fault in faults],
    }

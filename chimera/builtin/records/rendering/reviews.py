"""Reviews and their action items as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from chimera.builtin.records.rendering.wording import moment, owed_lines, written_lines
from chimera.builtin.records.spec.postmortem import PARTS, written_name

if TYPE_CHECKING:
    from chimera.builtin.records.learning import Action, Owed, Postmortem
    from chimera.model import Address, Diagnostic
    from chimera.render.paint import Cell, Paint

    Reviews = tuple[Sequence[Owed], Sequence[Postmortem]]
    """Those that are owed and nobody has scheduled, and those that were not held yet."""


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
    asked = (written_name(part) for part in PARTS if part != "timeline")
    return [f for f in asked if f not in value or (f == "impact" and not said)]


def checked_text(
    actions: Sequence[Action],
    reviews: Reviews,
    faults: Sequence[Diagnostic],
    now: datetime,
    paint: Paint,
) -> str:
    """Return what is wrong with reviews, which are to come, and all open actions by their date."""
    from chimera.render.diagnostics import diagnostic_lines
    from chimera.render.paint import count, table

    lines = list(diagnostic_lines(faults, paint, notes=True))
    for incident, owed in reviews[0]:
        if not owed.is_late:  # what is late is wrong, and told above
            lines += (f"{incident.address.name}:", *owed_lines([owed], now, paint))
    for review in reviews[1]:
        told = f"scheduled for {moment(review.spec.scheduled or '')}, not held yet"
        lacks = _owed(review.value["spec"])
        lines.append(
            f"{review.address.name}: {told}" + (f"; owes {', '.join(lacks)}" * bool(lacks))
        )
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
    actions: Sequence[Action], reviews: Reviews, faults: Sequence[Diagnostic], now: datetime
) -> dict[str, Any]:
    """Return the same as JSON."""
    from chimera.render.diagnostics import diagnostic_json

    return {
        "format": "chimera-postmortems/1",
        "unscheduled": [
            {
                "incident": str(incident.address),
                "until": due.until.isoformat() if due.until else None,
                "late": due.is_late,
                "command": due.command,
            }
            for incident, due in reviews[0]
        ],
        "unheld": [
            {
                "postmortem": str(review.address),
                "scheduled": review.spec.scheduled,
                "owed": _owed(review.value["spec"]),
            }
            for review in reviews[1]
        ],
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

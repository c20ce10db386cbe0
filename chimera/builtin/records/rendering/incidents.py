"""Incidents as text and JSON. Badges inform and decide nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chimera.builtin.records.rendering.wording import (
    facts,
    length,
    moment,
    owed_json,
    owed_lines,
    written_lines,
)
from chimera.builtin.records.standing import (
    Due,
    Incident,
    State,
    dues,
    freezes_of,
    level_of,
    reviews_of,
    state_of,
)
from chimera.kinds import when

if TYPE_CHECKING:
    from chimera.builtin.records.kinds import Level
    from chimera.builtin.records.occasions import Response
    from chimera.kinds import Snapshot
    from chimera.render.paint import Paint, Style

_STATES: dict[State, Style] = {
    State.OPEN: "bad",
    State.ACKNOWLEDGED: "warn",
    State.MITIGATED: "accent",
    State.RESOLVED: "good",
}


def list_text(
    incidents: Sequence[Incident], snapshot: Snapshot, now: datetime, paint: Paint, others: int
) -> str:
    """Return a table of incidents, the gravest open ones first, and what is late."""
    from chimera.render.paint import count, table, unbroken

    hidden = f"{count(others, 'incident')} {'is' if others == 1 else 'are'} over: --all lists them"
    if not incidents:
        return "no incident is open" + (f"; {hidden}" if others else "")
    rows = []
    for incident in incidents:
        state, level = state_of(incident.spec, now), level_of(incident, snapshot)
        rows.append(
            (
                (incident.spec.current, _style(level)),
                incident.address.name,
                (state.value, _STATES[state]),
                unbroken(_commander(incident, now) or "-"),
                moment(incident.spec.opened.at),
                length(_end(incident, now) - when(incident.spec.opened.at)),
                unbroken(incident.spec.title),
            )
        )
    header = ("LEVEL", "INCIDENT", "STATE", "COMMANDER", "OPENED", "LASTS", "TITLE")
    lines = [table(rows, header, paint)]
    for incident in incidents:
        late = [due for due in dues(incident, snapshot, now) if due.is_late]
        if late:
            lines.append(f"{incident.address.name}:")
            lines += owed_lines(late, now, paint)
    return "\n".join([*lines, *([paint(hidden, "dim")] if others else ())])


def show_text(incident: Incident, snapshot: Snapshot, now: datetime, paint: Paint) -> str:
    """Return all that is known of one incident, and what it owes."""
    spec, state = incident.spec, state_of(incident.spec, now)
    level = level_of(incident, snapshot)
    badge, style = paint(spec.current, _style(level)), _STATES[state]
    name = f" {level.name}" if level else ""
    lines = [
        f"{paint(str(incident.address), 'bold')}  {badge}{name}  {paint(state.value, style)}",
        spec.title,
        *([spec.summary] if spec.summary else ()),
        "",
        *facts(_known(incident, snapshot, now), paint),
        "",
        timeline_text(incident, paint),
    ]
    owed = owed_lines(dues(incident, snapshot, now), now, paint)
    return "\n".join([*lines, *(["", paint("owed", "bold"), *owed] if owed else ())])


def _known(incident: Incident, snapshot: Snapshot, now: datetime) -> Iterator[tuple[str, str]]:
    spec = incident.spec
    begun = when(spec.opened.at)
    yield "environment", spec.environment
    yield "opened", f"{moment(spec.opened.at)} by {spec.opened.by}, {length(now - begun)} ago"
    for name, stamp in (
        ("acknowledged", spec.acknowledged),
        ("mitigated", spec.mitigated),
        ("resolved", spec.resolved),
    ):
        if stamp is not None:
            took = when(stamp.at) - begun
            after = f"after {length(took)}" if took else "at once"
            yield name, f"{moment(stamp.at)} by {stamp.by}, {after}"
    if spec.resolved is None:
        yield "commander", spec.commander(now) or "nobody"
    yield "delegated", "; ".join(f"{one.what} to {one.to}" for one in spec.delegated)
    yield "services", ", ".join(spec.services)
    yield "paths", ", ".join(spec.paths)
    yield "layers", ", ".join(spec.layers)
    for freeze in freezes_of(incident, snapshot):
        lifted = freeze.spec.lifted
        stands = f"lifted {moment(lifted.at)} by {lifted.by}" if lifted else "ended"
        stands = "stands" if freeze.spec.stands(now) else stands
        yield "freeze", f"{freeze.address}, {stands}"
    yield "rollback", spec.rollback or ""
    yield "review", ", ".join(str(review.address) for review in reviews_of(incident, snapshot))
    if spec.resolved is not None:
        yield "impact gone", spec.resolved.impact
        yield "risk", spec.resolved.risk
        yield "confirmed by", spec.resolved.monitoring
    yield "file", incident.place.path


def timeline_text(incident: Incident, paint: Paint) -> str:
    """Return the timeline, a line for each event, with the day where it begins."""
    from chimera.render.paint import unbroken

    lines, day = [], ""
    width = max((len(event.by) for event in incident.spec.timeline), default=0)
    for event in incident.spec.timeline:
        date, _, time = moment(event.at).partition(" ")
        if date != day:
            lines.append(paint(date, "bold"))
            day = date
        text = unbroken(event.text.rstrip("\n"))
        lines.append(f"  {time}  {paint(f'{event.by:<{width}}', 'dim')}  {text}")
    return "\n".join(lines) or "nothing was noted yet"


def response_text(
    response: Response, paths: Sequence[str], owed: Sequence[Due], now: datetime, paint: Paint
) -> str:
    """Return what a command did, what it wrote, and what is owed next."""
    first, *others = response.done
    lines = [paint(first, "good"), *others, *written_lines(paths, paint)]
    return "\n".join([*lines, *(["owed next", *owed_lines(owed, now, paint)] if owed else ())])


def incident_json(incident: Incident, snapshot: Snapshot, now: datetime) -> dict[str, Any]:
    """Return an incident as JSON, with how it stands."""
    level = level_of(incident, snapshot)
    return {
        "incident": str(incident.address),
        "state": state_of(incident.spec, now).value,
        "level": incident.spec.current,
        "levelName": level.name if level else None,
        "commander": _commander(incident, now),
        "opened": incident.spec.opened.at,
        "seconds": (_end(incident, now) - when(incident.spec.opened.at)).total_seconds(),
        "owed": owed_json(dues(incident, snapshot, now)),
        "path": incident.place.path,
        "spec": incident.value.get("spec"),
    }


def _end(incident: Incident, now: datetime) -> datetime:
    resolved = incident.spec.resolved
    return when(resolved.at) if resolved and when(resolved.at) <= now else now


def _style(level: Level | None) -> Style:
    if level is None or level.freeze_owed:
        return "bad"
    return "warn" if level.commander_owed or level.review_owed else "accent"


def _commander(incident: Incident, now: datetime) -> str | None:
    """Return who commands it; nobody does once it is over."""
    return incident.spec.commander(now) if incident.spec.is_open(now) else None

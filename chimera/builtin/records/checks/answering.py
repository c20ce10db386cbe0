"""Whether people answered an incident in time: acknowledged, and mitigated.

A level's time begins when the incident reaches it. Lowering it to a level that owes nothing ends
what was owed; assessing it again does not begin the time again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from chimera.builtin.records.checks.commanding import AT_ONCE
from chimera.builtin.records.checks.faults import Filed, omission, remark
from chimera.builtin.records.kinds import (
    IncidentSpec,
    Level,
    SeverityModelSpec,
    Stamp,
    after,
    written,
)
from chimera.kinds import format_duration, when
from chimera.model import Diagnostic, Route

Owed = Literal["acknowledge_within", "mitigate_within"]


class Deadline(NamedTuple):
    """Until when something is owed, and because of which level."""

    at: datetime
    level: Level
    within: timedelta


def deadline(spec: IncidentSpec, model: SeverityModelSpec, owed: Owed) -> Deadline | None:
    """Return the first moment by which levels of an incident owe something; `None` for never."""
    levels = {level.id: level for level in model.levels}
    found: list[Deadline] = []
    reached: set[str] = set()
    for one in spec.assessments:
        level = levels.get(one.level)
        within: timedelta | None = getattr(level, owed, None)
        if level is None or within is None or level.id in reached:
            continue
        reached.add(level.id)
        due = Deadline(after(when(one.at), within or AT_ONCE), level, within)
        then = levels.get(spec.level_at(due.at) or "")
        if getattr(then, owed, None) is not None:
            found.append(due)
    return min(found, key=lambda due: due.at, default=None)


def judge_answers(
    incident: Filed[IncidentSpec], model: SeverityModelSpec, now: datetime
) -> Iterator[Diagnostic]:
    """Report what was owed to an incident and is late, or came late."""
    if due := deadline(incident.spec, model, "acknowledge_within"):
        yield from _acknowledgement(incident, due, now)
    if due := deadline(incident.spec, model, "mitigate_within"):
        yield from _mitigation(incident, due, now)


def _acknowledgement(
    incident: Filed[IncidentSpec], due: Deadline, now: datetime
) -> Iterator[Diagnostic]:
    spec = incident.spec
    answered = when(spec.acknowledged.at) if spec.acknowledged else None
    if answered is not None and answered > due.at:
        yield remark(
            incident,
            "incident-acknowledged-late",
            f"it was acknowledged {_after(due, spec.acknowledged)}, and {_owed(due)}",
            ("acknowledged", "at"),
            "it stays true; the review asks why nobody saw it sooner",
        )
    elif answered is None and due.at < min(now, _end(spec)):
        yield omission(
            incident,
            "incident-acknowledgement-overdue",
            f"nobody has acknowledged it, and {_owed(due)}",
            _where(spec, due),
            f"whoever answers it: `chimera incident ack {incident.document.address.name}`",
        )


def _mitigation(
    incident: Filed[IncidentSpec], due: Deadline, now: datetime
) -> Iterator[Diagnostic]:
    spec, name = incident.spec, incident.document.address.name
    ended = spec.mitigated or spec.resolved
    if ended is not None and when(ended.at) > due.at:
        yield remark(
            incident,
            "incident-mitigated-late",
            f"its effects ended {_after(due, ended)}, and {_owed(due)}",
            ("mitigated" if spec.mitigated else "resolved", "at"),
            "it stays true; the review asks what would have ended them sooner",
        )
    elif ended is None and due.at < now:
        yield omission(
            incident,
            "incident-mitigation-overdue",
            f"its effects have not ended, and {_owed(due)}",
            _where(spec, due),
            f"once they have: `chimera incident mitigate {name} --how HOW`",
        )


def _end(spec: IncidentSpec) -> datetime:
    """Return until when it mattered that nobody answered."""
    return when(spec.resolved.at) if spec.resolved else datetime.max.replace(tzinfo=UTC)


def _owed(due: Deadline) -> str:
    within = f"within {format_duration(due.within)}" if due.within else "at once"
    return f"{due.level.id} owes it {within}: by {written(due.at)}"


def _after(due: Deadline, stamp: Stamp | None) -> str:
    late = when(stamp.at) - due.at if stamp else timedelta()
    return f"{format_duration(late)} late"


def _where(spec: IncidentSpec, due: Deadline) -> Route:
    """Return the route of the first assessment that reached the level."""
    index = next(i for i, one in enumerate(spec.assessments) if one.level == due.level.id)
    return ("assessments", index, "level")

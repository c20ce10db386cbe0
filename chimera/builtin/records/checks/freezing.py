"""Whether the freeze stands that an open incident owes, and ends with the incident.

The gate refuses changes by this; here it is told to people.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from chimera.builtin.records.checks.commanding import person
from chimera.builtin.records.checks.faults import Filed, omission
from chimera.builtin.records.checks.index import Index
from chimera.builtin.records.kinds import FreezeSpec, IncidentSpec, SeverityModelSpec, when
from chimera.model import Diagnostic, Related


def judge_freezing(
    incident: Filed[IncidentSpec], model: SeverityModelSpec, index: Index, now: datetime
) -> Iterator[Diagnostic]:
    """Report a freeze that is owed and does not stand, and one that outlives its incident."""
    spec = incident.spec
    if spec.is_open(now):
        level = model.level(spec.level_at(now) or spec.current)
        if level is not None and level.freeze_owed:
            yield from _owed(incident, index, now)
    elif spec.resolved is not None:
        for freeze in index.freezes_of.get(incident.name, ()):
            if freeze.spec.stands(now):
                yield _outlived(incident, freeze)


def _owed(incident: Filed[IncidentSpec], index: Index, now: datetime) -> Iterator[Diagnostic]:
    spec = incident.spec
    who = spec.commander(now) or "its commander"
    route = ("assessments", len(spec.assessments) - 1, "level")
    write = f"write a Freeze with incident: {incident.name} and by: {who}"
    freezes = index.freezes_of.get(incident.name, ())
    ours = [one for one in freezes if _is_by_commander(one.spec, spec, now)]
    if not freezes:
        message = f"at {spec.current} {who} owes a freeze of all changes, and there is none"
        yield omission(incident, "incident-freeze-missing", message, route, write)
    elif not ours:
        first = freezes[0]
        yield omission(
            incident,
            "incident-freeze-foreign",
            f"{first.name} is by {first.spec.by}, who does not command it",
            route,
            write,
            Related("it says so here", first.at("by")),
        )
    elif not any(one.spec.stands(now) for one in ours):
        yield omission(
            incident,
            "incident-freeze-lifted",
            f"{ours[0].name} does not stand while it is open",
            route,
            f"resolve the incident, or {write}",
            Related("the freeze is here", ours[0].document.place),
        )


def _is_by_commander(freeze: FreezeSpec, incident: IncidentSpec, now: datetime) -> bool:
    there = (*incident.commanders(when(freeze.since)), *incident.commanders(now))
    return person(freeze.by) in map(person, there)


def _outlived(incident: Filed[IncidentSpec], freeze: Filed[FreezeSpec]) -> Diagnostic:
    return omission(
        freeze,
        "freeze-outlives-incident",
        f"{incident.name} is resolved, and what it froze is frozen still",
        ("incident",),
        "lift it: write lifted: {at, by, reason}",
        Related("it was resolved here", incident.at("resolved")),
    )

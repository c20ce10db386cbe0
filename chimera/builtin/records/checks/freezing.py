"""Whether the freeze stands that an open incident owes, and ends with the incident.

The gate refuses changes by this; here it is told to people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from chimera.builtin.records.checks.faults import Filed, omission
from chimera.builtin.records.checks.index import Index
from chimera.builtin.records.kinds import FreezeSpec, IncidentSpec, SeverityModelSpec
from chimera.kinds import when
from chimera.model import Diagnostic, Related

MISSING = "incident-freeze-missing"
FOREIGN = "incident-freeze-foreign"
LIFTED = "incident-freeze-lifted"


def how_it_stands(
    incident: IncidentSpec, freezes: Sequence[FreezeSpec], now: datetime
) -> tuple[str | None, int | None]:
    """Return the rule that the freeze breaks which an incident owes, and which of them it is.

    `freezes` are those that name the incident. The rule is `None` where one stands as it must.
    """
    if not freezes:
        return MISSING, None
    ours = [
        index
        for index, one in enumerate(freezes)
        if any(incident.is_commander(one.by, moment) for moment in (when(one.since), now))
    ]
    if not ours:
        return FOREIGN, 0
    standing = [index for index in ours if freezes[index].stands(now)]
    return (None, standing[0]) if standing else (LIFTED, ours[0])


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
    rule, which = how_it_stands(spec, [one.spec for one in freezes], now)
    if which is None:
        message = f"at {spec.current} {who} owes a freeze of all changes, and there is none"
        update = f"`chimera incident update TEXT -i {incident.name.partition('/')[2]}`"
        yield omission(incident, MISSING, message, route, f"{update} declares it; or {write}")
        return
    freeze = freezes[which]
    if rule == FOREIGN:
        yield omission(
            incident,
            FOREIGN,
            f"{freeze.name} is by {freeze.spec.by}, who does not command it",
            route,
            write,
            Related("it says so here", freeze.at("by")),
        )
    elif rule == LIFTED:
        yield omission(
            incident,
            LIFTED,
            f"{freeze.name} does not stand while it is open",
            route,
            f"resolve the incident, or {write}",
            Related("the freeze is here", freeze.document.place),
        )


def _outlived(incident: Filed[IncidentSpec], freeze: Filed[FreezeSpec]) -> Diagnostic:
    return omission(
        freeze,
        "freeze-outlives-incident",
        f"{incident.name} is resolved, and what it froze is frozen still",
        ("incident",),
        "lift it: write lifted: {at, by, reason}",
        Related("it was resolved here", incident.at("resolved")),
    )

"""Open incidents at the gate: one that owes a freeze stops every change but its rollback.

Levels act by what their model says of freezes; their names and ranks are not looked at. In doubt,
where a model or level cannot be found, an incident freezes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from chimera.builtin.records.checks.freezing import FOREIGN, LIFTED, MISSING, how_it_stands
from chimera.builtin.records.gating.binding import (
    declared_freezes,
    level_of,
    open_incidents,
    rollback_of,
)
from chimera.builtin.records.gating.freezes import exceptions_of
from chimera.builtin.records.kinds import FreezeSpec, IncidentSpec
from chimera.documents import locate
from chimera.kinds import Document, in_scope
from chimera.model import Change, Diagnostic, Finding, Verdict

if TYPE_CHECKING:
    from chimera.gate import Side, Weighing

Incident = Document[IncidentSpec]
Freeze = Document[FreezeSpec]


class Standing(NamedTuple):
    """How the freeze stands that an incident owes: the rule that refuses, what is so, what helps.

    `freeze` is there where it stands as it must.
    """

    rule: str
    what: str
    help: str
    freeze: Freeze | None = None


def review_incidents(weighing: Weighing) -> Iterator[Verdict]:
    """Yield a refusal for each change that an open incident stops, and what is open and stops none.

    What a freeze of the incident refuses already is not refused twice.
    """
    changes = [item.change for item in weighing.plan.changing]
    for side, incident in open_incidents(weighing):
        name, level = level_of(side, incident, weighing)
        if level is not None and not level.freeze_owed:
            yield _told(incident, f"{incident.address} is open at {name}, which freezes nothing")
            continue
        stands = standing(incident, weighing)
        is_stopped = _stops(incident, stands, weighing)
        stopped = [change for change in changes if is_stopped(change)]
        known = (
            name if level is not None else f"{name}, of which {incident.spec.model} says nothing"
        )
        yield from (_refusal(side, incident, stands, known, change) for change in stopped)
        if not stopped:
            reason = f"{incident.address} is open at {known}, and refuses nothing that changes here"
            yield _told(incident, reason)


def _stops(incident: Incident, stands: Standing, weighing: Weighing) -> Callable[[Change], bool]:
    """Return what tells whether an incident stops a change that its freeze does not."""
    is_its_rollback = rollback_of(incident.spec, weighing)
    freeze = stands.freeze
    if freeze is None:
        return lambda change: not is_its_rollback(change)
    scope, is_let_through = freeze.spec.scope, exceptions_of(freeze, weighing)

    def is_stopped(change: Change) -> bool:
        if is_its_rollback(change):
            return False
        return not in_scope(scope, change, weighing.subject) or is_let_through(change)

    return is_stopped


def standing(incident: Incident, weighing: Weighing) -> Standing:
    """Return how the freeze stands that an open incident owes."""
    name, now = incident.address.name, weighing.now
    commander = incident.spec.commander(now)
    who = commander or f"its commander, who is nobody yet: `chimera incident assign WHO {name}`"
    owed = (
        f"who declares it: {who}; write a Freeze with incident: {incident.address} and by: "
        f"{commander or 'COMMANDER'}, and name it in the incident's freeze"
    )
    found = [f for _, f in declared_freezes(weighing) if f.spec.incident == str(incident.address)]
    rule, which = how_it_stands(incident.spec, [f.spec for f in found], now)
    if which is None:
        update = f"`chimera incident update TEXT -i {name}` writes it, or {owed}"
        return Standing(MISSING, "the freeze that it owes is missing", update)
    freeze = found[which]
    if rule == FOREIGN:
        what = f"{freeze.address} is by {freeze.spec.by}, who does not command it"
        return Standing(FOREIGN, what, owed)
    if rule == LIFTED:
        again = f"resolve the incident before the freeze ends; {owed}"
        return Standing(LIFTED, f"{freeze.address} does not stand while it is open", again)
    over = (
        f"who ends it: {who}, with `chimera incident resolve {name}`, and then lifts "
        f"{freeze.address} by lifted: {{at, by, reason}}"
    )
    return Standing("incident-freezes", f"{freeze.address} stands for it", over, freeze)


def _refusal(
    side: Side, incident: Incident, stands: Standing, level: str, change: Change
) -> Verdict:
    spec = incident.spec
    message = (
        f"{incident.address} is open at {level}, {stands.what}, and it refuses {change.target}:"
        f" {spec.title}"
    )
    name = incident.address.name
    instead = (
        f"{spec.rollback} is let through, and only that: `chimera rollback plan` shows it"
        if spec.rollback
        else f"only its rollback is let through: `chimera rollback suggest {name}`"
    )
    fault = Diagnostic(
        stands.rule,
        message,
        incident.at("spec", "assessments", len(spec.assessments) - 1, "level"),
        f"{stands.help}; {instead}",
        address=str(incident.address),
    )
    return Verdict(
        str(incident.address),
        str(change.target),
        Finding.FAIL,
        (message, stands.help, instead),
        locate((fault,), side.snapshot.tree),
        rests_on=(incident.digest,),
    )


def _told(incident: Incident, reason: str) -> Verdict:
    by = (incident.digest,)
    return Verdict(str(incident.address), "gate", Finding.PASS, (reason,), rests_on=by)

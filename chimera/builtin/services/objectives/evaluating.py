"""Evaluating: what an objective comes to, and whether it is met, missed or not measured.

Refuses a pass without enough measurements, and one of a cadence that the journal does not reach
back for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from chimera.builtin.services.objectives.indicators import (
    Budget,
    Burn,
    budget_of,
    burns_of,
    number_of,
    value_of,
)
from chimera.builtin.services.objectives.measurements import UnreadableError
from chimera.builtin.services.objectives.sources import Gathered, Origin, gather
from chimera.builtin.services.spec.objective import ObjectiveSpec
from chimera.model import Finding, Outcome

if TYPE_CHECKING:
    from chimera.kinds import Document, Snapshot


@dataclass(frozen=True)
class Standing:
    """How an objective stands: `value` over (since, until], from `count` measurements.

    `why` says why it is missed or not measured. Budget and burns are there where there is an error
    budget and enough was measured.
    """

    name: str
    spec: ObjectiveSpec
    since: datetime
    until: datetime
    finding: Finding
    count: int
    value: float | None = None
    why: str = ""
    first: datetime | None = None
    budget: Budget | None = None
    burns: tuple[Burn, ...] = ()

    @property
    def alerts(self) -> tuple[Burn, ...]:
        """The burn rates that somebody is to be told of."""
        return tuple(burn for burn in self.burns if burn.is_passed)


def evaluate(objective: Document[ObjectiveSpec], origin: Origin, now: datetime) -> Standing:
    """Return how an objective stands at `now`."""
    spec = objective.spec
    since = now - spec.window
    try:
        gathered = gather(spec.indicator, origin, since, now)
    except UnreadableError as error:
        gathered = Gathered((), None, f"its measurements cannot be read: {error.message}")
    return standing(objective.address.name, spec, gathered, now)


def standing(name: str, spec: ObjectiveSpec, gathered: Gathered, now: datetime) -> Standing:
    """Return how an objective stands by what was gathered of its window."""
    measured, since = gathered.measurements, now - spec.window
    first = measured[0].at if measured else None
    told = Standing(name, spec, since, now, Finding.NOT_EXERCISED, number_of(measured), first=first)
    why = _too_little(spec, gathered, since)
    if why:
        return replace(told, why=why)
    value = value_of(spec, measured)
    finding = Finding.PASS if spec.target.holds(value) else Finding.FAIL
    return replace(
        told,
        finding=finding,
        value=value,
        why="" if finding is Finding.PASS else "the target is missed",
        budget=budget_of(spec, measured),
        burns=burns_of(spec, measured, now),
    )


def _too_little(spec: ObjectiveSpec, gathered: Gathered, since: datetime) -> str:
    """Return why nothing can be said, if so."""
    count = number_of(gathered.measurements)
    if spec.indicator.type == "cadence":
        if gathered.reach is None:
            return gathered.why
        if gathered.reach > since:
            start = gathered.reach.isoformat(timespec="minutes")
            return f"what is known begins at {start}, and the window before that"
    if count < spec.least:
        counted = f"{count} of the {spec.least} measurements that it takes"
        return f"{gathered.why}: {counted}" if gathered.why else f"there are {counted}"
    return ""


def standings(snapshot: Snapshot, origin: Origin, now: datetime) -> tuple[Standing, ...]:
    """Return how all objectives of a tree stand, in order of their names."""
    if "Objective" not in snapshot.kinds:
        return ()
    found = sorted(snapshot.of_model(ObjectiveSpec), key=lambda one: str(one.address))
    return tuple(evaluate(objective, origin, now) for objective in found)


def outcome_of(found: Iterable[Standing]) -> Outcome:
    """Return what some standings come to: one that is missed fails, one not measured is owed."""
    outcomes = {
        Finding.FAIL: Outcome.FAILED,
        Finding.NOT_EXERCISED: Outcome.NOT_EXERCISED,
        Finding.PASS: Outcome.PASSED,
    }
    return Outcome.worst(outcomes[one.finding] for one in found)

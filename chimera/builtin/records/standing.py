"""How an incident stands at a moment: its state, and what its level still owes, until when.

Refuses to weigh it: this is what people are told; `checks` and the gate say what follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from chimera.builtin.records.checks.answering import Owed, deadline
from chimera.builtin.records.checks.faults import Filed
from chimera.builtin.records.checks.index import index_of
from chimera.builtin.records.checks.reviews import review_due
from chimera.builtin.records.kinds import (
    FreezeSpec,
    IncidentSpec,
    Level,
    PostmortemSpec,
    SeverityModelSpec,
)
from chimera.kinds import Document, Model, Snapshot, when

Incident = Document[IncidentSpec]
S = TypeVar("S", bound=Model)

_ANSWERS: tuple[tuple[str, str, Owed, str], ...] = (
    ("acknowledgement", "acknowledged", "acknowledge_within", "chimera incident ack {}"),
    ("mitigation", "mitigated", "mitigate_within", "chimera incident mitigate {} --how TEXT"),
)


class State(Enum):
    """Where an incident stands: a badge for people, which decides nothing."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Due:
    """Something that is owed: until when, where that is said, and the command that does it."""

    what: str
    until: datetime | None
    is_late: bool
    command: str


def model_of(incident: Incident, snapshot: Snapshot) -> SeverityModelSpec | None:
    """Return the severity model of an incident, if it is in the tree."""
    return index_of(snapshot).model(incident.spec.model)


def level_of(incident: Incident, snapshot: Snapshot) -> Level | None:
    """Return the level that an incident has now, if its model has it."""
    model = model_of(incident, snapshot)
    return model.level(incident.spec.current) if model is not None else None


def state_of(incident: IncidentSpec, now: datetime) -> State:
    """Return where an incident stood at `now`."""
    reached = (
        (State.RESOLVED, incident.resolved),
        (State.MITIGATED, incident.mitigated),
        (State.ACKNOWLEDGED, incident.acknowledged),
    )
    return next((s for s, stamp in reached if stamp and when(stamp.at) <= now), State.OPEN)


def freezes_of(incident: Incident, snapshot: Snapshot) -> list[Document[FreezeSpec]]:
    """Return the freezes that an incident names, or that name it, in order of name."""
    index = index_of(snapshot)
    naming = index.freezes_of.get(str(incident.address), ())
    return _of(naming, index.by_name.get(incident.spec.freeze or ""), FreezeSpec)


def reviews_of(incident: Incident, snapshot: Snapshot) -> list[Document[PostmortemSpec]]:
    """Return the reviews of an incident, in order of name."""
    index = index_of(snapshot)
    naming = index.reviews_of.get(str(incident.address), ())
    return _of(naming, index.by_name.get(incident.spec.postmortem or ""), PostmortemSpec)


def _of(naming: Iterable[Filed[S]], named: Filed[Any] | None, spec: type[S]) -> list[Document[S]]:
    found = {one.document.address: one.document for one in naming}
    if named is not None and isinstance(named.spec, spec):
        found[named.document.address] = named.document
    return [found[address] for address in sorted(found)]


REVIEW = "scheduling its review"
"""What is owed of an incident whose level owes a review that nobody has scheduled."""


def dues(incident: Incident, snapshot: Snapshot, now: datetime) -> tuple[Due, ...]:
    """Return what an incident owes at `now`, in the order in which it is done."""
    return tuple(_dues(incident, snapshot, now))


def _dues(incident: Incident, snapshot: Snapshot, now: datetime) -> Iterator[Due]:
    spec, name = incident.spec, incident.address.name
    model, level = model_of(incident, snapshot), level_of(incident, snapshot)
    if model is None or level is None:
        return
    if spec.is_open(now):
        for what, stamp, owed, command in _ANSWERS:
            due = None if getattr(spec, stamp) else deadline(spec, model, owed)
            if due is not None:
                yield Due(what, due.at, due.at < now, command.format(name))
        if level.commander_owed and spec.commander(now) is None:
            yield Due("a commander", None, True, f"chimera incident assign WHO {name}")
        standing = any(f.spec.stands(now) for f in freezes_of(incident, snapshot))
        if level.freeze_owed and not standing:
            yield Due("a freeze", None, True, f"chimera incident update TEXT -i {name}")
    review = review_due(spec, model)
    reviews = reviews_of(incident, snapshot)
    if review is not None and not any(r.spec.scheduled or r.spec.held for r in reviews):
        command = f"chimera postmortem new {name} --scheduled TIME"
        if reviews:
            command = f"chimera postmortem schedule {reviews[0].address.name} TIME"
        yield Due(REVIEW, review[1], review[1] < now, command)

"""What belongs to each change that a gate let through: entry, evidence, approvals, incidents.

Read from the rulings of the journal and the records of the tree. Refuses to take the ruling of
somebody who edited it: what it names is told as it is, and that it was edited, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chimera.builtin.records.checks.changelog import WITHIN
from chimera.builtin.records.kinds import (
    ChangelogEntrySpec,
    IncidentSpec,
    RollbackSpec,
    after,
    when,
)
from chimera.gate import EnvironmentSpec
from chimera.kinds import DELETED, Answer, Document, Snapshot
from chimera.model import Action
from chimera.state.decisions import rulings_in
from chimera.state.periods import Span

if TYPE_CHECKING:
    from chimera.state import RulingRecord, StateReader

Entry = Document[ChangelogEntrySpec]
Incident = Document[IncidentSpec]
Rollback = Document[RollbackSpec]

_SHORTLY = timedelta(hours=2)
"""How soon before an incident a change is worth a look, as the rollback guide has it."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A change that a gate let through, and on what its ruling rests."""

    environment: str
    target: str
    action: str
    after: str
    at: datetime
    actor: str
    ruling: str | None
    revision: str | None
    evidence: tuple[str, ...]
    """Digests of the evidence for its proofs."""
    proofs: tuple[str, ...]
    approvals: tuple[str, ...]
    """Addresses of the approvals that counted."""
    is_intact: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """A change with its records."""

    change: Passed
    entry: Entry | None
    restores: Rollback | None
    """The rollback that it is the execution of."""
    reverted: Rollback | None
    """The rollback by which it was taken back."""
    incidents: tuple[Incident, ...]
    """Those that its records name, that were open then, or that began within two hours of it."""
    is_production: bool

    @property
    def is_late(self) -> bool:
        """Whether its entry was written later than a day after it."""
        recorded = self.entry.spec.recorded if self.entry else None
        return recorded is not None and when(recorded) > after(self.change.at, WITHIN)


def production_of(snapshot: Snapshot) -> frozenset[str]:
    """Return the names of the environments that are production.

    Where none says so, the protected ones.
    """
    every = snapshot.of_model(EnvironmentSpec)
    production = {one.address.name for one in every if one.spec.production}
    return frozenset(production or {one.address.name for one in every if one.spec.protected})


def passed_in(state: StateReader, span: Span) -> Iterator[Passed]:
    """Yield each change that was let through in a period, the first time, in order of time.

    What is let through again before anything else of its target is, was tried again; executing
    what is applied already is no change.
    """
    last: dict[tuple[str, str], str] = {}
    for record in sorted(rulings_in(state, span), key=lambda record: record.at):
        ruling = record.ruling
        if not isinstance(ruling, dict) or ruling.get("outcome") != "passed":
            continue
        for item in ruling.get("items", ()):
            target, after_ = str(item.get("target")), str(item.get("after") or DELETED)
            key = (record.environment, target)
            if item.get("action") != Action.RUN.value and last.get(key) != after_:
                last[key] = after_
                yield _passed(record, item, target, after_)


def _passed(record: RulingRecord, item: dict[str, Any], target: str, after_: str) -> Passed:
    ruling, weighed = record.ruling, record.ruling.get("weighed") or {}
    evidence = {
        judge: digest
        for name, digest in (weighed.get("evidence") or {}).items()
        for judge, _, subject in [name.partition(" for ")]
        if subject.partition(" (")[0] == target
    }
    by_digest = {digest: name for name, digest in (weighed.get("approvals") or {}).items()}
    return Passed(
        environment=record.environment,
        target=target,
        action=str(item.get("action")),
        after=after_,
        at=record.at,
        actor=record.actor,
        ruling=record.digest,
        revision=ruling.get("revision"),
        evidence=tuple(sorted(evidence.values())),
        proofs=tuple(sorted(evidence)),
        approvals=tuple(sorted(_approvals(ruling, target, by_digest))),
        is_intact=record.is_intact,
    )


def _approvals(ruling: dict[str, Any], target: str, names: dict[str, str]) -> set[str]:
    """Return the approvals that the verdicts about a target rest on."""
    return {
        names[digest]
        for stage in ruling.get("stages", ())
        if stage.get("stage") == "approval"
        for verdict in stage.get("verdicts", ())
        if verdict.get("subject") == target and verdict.get("finding") == "pass"
        for digest in verdict.get("restsOn", ())
        if digest in names  # records are weighed at this stage, too
    }


def chains(snapshot: Snapshot, changes: Sequence[Passed]) -> list[Chain]:
    """Return each change with the records that belong to it."""
    production = production_of(snapshot)
    entries: dict[tuple[str, str, str, str | None], Entry] = {}
    for one in snapshot.of_model(ChangelogEntrySpec):
        for answer in one.spec.answers:
            change_ = (one.spec.environment, answer.target, answer.after)
            entries.setdefault((*change_, one.spec.rollback_of), one)
    rollbacks = snapshot.of_model(RollbackSpec)
    incidents = snapshot.of_model(IncidentSpec)
    found = []
    for change in changes:
        since = [one for one in rollbacks if when(one.spec.opened.at) <= change.at]
        restores = _naming(since, "answers", change)
        later = [one for one in rollbacks if when(one.spec.opened.at) > change.at]
        reverted = _naming(later, "reverts", change)
        known_as = str(restores.address) if restores else None
        entry = entries.get((change.environment, change.target, change.after, known_as))
        named = {
            entry.spec.incident if entry else None,
            *(rollback.spec.incident for rollback in (restores, reverted) if rollback),
        }
        about = tuple(
            incident
            for incident in incidents
            if str(incident.address) in named or _was_open(incident.spec, change)
        )
        is_production = change.environment in production
        found.append(Chain(change, entry, restores, reverted, about, is_production))
    return found


def _naming(rollbacks: Sequence[Rollback], field: str, change: Passed) -> Rollback | None:
    wanted = (change.target, change.after)
    for rollback in rollbacks:
        answers: tuple[Answer, ...] = getattr(rollback.spec, field)
        is_here = rollback.spec.environment == change.environment
        if is_here and any((one.target, one.after) == wanted for one in answers):
            return rollback
    return None


def _was_open(incident: IncidentSpec, change: Passed) -> bool:
    """Tell whether an incident was open when the change was let through, or began soon after."""
    if incident.environment != change.environment:
        return False
    begins, ends = when(incident.opened.at), incident.resolved
    is_before_end = ends is None or change.at <= when(ends.at)
    return is_before_end and begins <= after(change.at, _SHORTLY)

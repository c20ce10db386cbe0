"""What belongs to each change that a gate let through: entry, evidence, approvals, incidents.

Read from the rulings of the journal and the records of the tree. Refuses to take the ruling of
somebody who edited it: what it names is told as it is, and that it was edited, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chimera.builtin.records.checks.changelog import WITHIN
from chimera.builtin.records.kinds import ChangelogEntrySpec, IncidentSpec, RollbackSpec, after
from chimera.gate import EnvironmentSpec
from chimera.kinds import DELETED, Answer, Document, Snapshot, when
from chimera.model import Action
from chimera.state.decisions import rulings_in
from chimera.state.periods import Span

if TYPE_CHECKING:
    from chimera.state import RulingRecord, StateReader

Entry = Document[ChangelogEntrySpec]
Incident = Document[IncidentSpec]
Rollback = Document[RollbackSpec]

WINDOW = timedelta(hours=2)
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
    production, records = production_of(snapshot), _Records(snapshot)
    return [
        records.chain(change, is_production=change.environment in production) for change in changes
    ]


_Key = tuple[str, str, str]
"""Environment, target and digest."""


class _Records:
    """The records of a tree by what they are about: there are many, and as many changes."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._entries: dict[tuple[_Key, str | None], Entry] = {}
        for entry in snapshot.of_model(ChangelogEntrySpec):
            for key in _keys(entry.spec.environment, entry.spec.answers):
                self._entries.setdefault((key, entry.spec.rollback_of), entry)
        self._restoring: dict[_Key, list[Rollback]] = defaultdict(list)
        self._reverting: dict[_Key, list[Rollback]] = defaultdict(list)
        for rollback in snapshot.of_model(RollbackSpec):
            spec = rollback.spec
            for key in _keys(spec.environment, spec.answers):
                self._restoring[key].append(rollback)
            for key in _keys(spec.environment, spec.reverts):
                self._reverting[key].append(rollback)
        incidents = snapshot.of_model(IncidentSpec)
        self._named = {str(incident.address): incident for incident in incidents}
        self._lasting: dict[str, list[tuple[datetime, datetime | None, Incident]]]
        self._lasting = defaultdict(list)
        for incident in incidents:
            ends = incident.spec.resolved
            lasting = (when(incident.spec.opened.at), when(ends.at) if ends else None, incident)
            self._lasting[incident.spec.environment].append(lasting)

    def chain(self, change: Passed, *, is_production: bool) -> Chain:
        """Return a change with its records."""
        key = (change.environment, change.target, change.after)
        restoring = (one for one in self._restoring.get(key, ()) if _opened(one) <= change.at)
        reverting = (one for one in self._reverting.get(key, ()) if _opened(one) > change.at)
        restores, reverted = next(restoring, None), next(reverting, None)
        entry = self._entries.get((key, str(restores.address) if restores else None))
        names = [one.spec.incident for one in (entry, restores, reverted) if one is not None]
        about = {name: self._named[name] for name in names if name in self._named}
        about |= {str(one.address): one for one in self._open_at(change)}
        incidents = tuple(sorted(about.values(), key=lambda one: one.address))
        return Chain(change, entry, restores, reverted, incidents, is_production)

    def _open_at(self, change: Passed) -> Iterator[Incident]:
        """Yield the incidents that were open when a change was let through, or began soon after."""
        latest = after(change.at, WINDOW)
        for begins, ends, incident in self._lasting.get(change.environment, ()):
            if begins <= latest and (ends is None or change.at <= ends):
                yield incident


def _keys(environment: str, answers: Sequence[Answer]) -> Iterator[_Key]:
    return ((environment, answer.target, answer.after) for answer in answers)


def _opened(rollback: Rollback) -> datetime:
    return when(rollback.spec.opened.at)

"""Looking: where environments stand, what documents there are, and what is known of one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

from chimera.documents import dump, parse
from chimera.gate import Halt, environments
from chimera.kinds import (
    Document,
    Model,
    ReferenceUse,
    references_of,
    suggestion,
    validate,
)
from chimera.model import Address, Digest, Placement, Result, UsageError, is_dormant
from chimera.plan import target_digests
from chimera.runtime import list_runs, run_status
from chimera.state import Applied, Holder, LogLine, RulingRecord, Run, RunStatus
from chimera.workspace.guarding import halts_of
from chimera.workspace.history import History, history, is_within
from chimera.workspace.judging import facts_of, placements_of
from chimera.workspace.recording import recorded

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace


@dataclass(frozen=True)
class EnvironmentStatus:
    """One environment: how many targets it holds, when the last was applied, what is unfinished."""

    name: str
    protected: bool
    applied: int
    last: str | None
    unfinished: tuple[Run, ...]
    ruling: RulingRecord | None = None
    """What the gate ruled last."""


@dataclass(frozen=True)
class Status:
    """Every environment, and who is applying at this moment."""

    environments: tuple[EnvironmentStatus, ...]
    writer: Holder | None
    halts: tuple[Halt, ...] = ()


def status(workspace: Workspace) -> Result[Status]:
    """Say where every environment stands."""
    known = environments(workspace.loaded.snapshot)
    with workspace.read_state() as state:
        writer = state.writer()
        rows = {name: state.applied(name) for name in sorted(known)}
        rulings = {name: state.rulings(name, 1) for name in known}
    runs = list_runs(workspace.root, limit=-1)
    found = tuple(
        EnvironmentStatus(
            name,
            known[name],
            len(applied),
            max((a.at.isoformat(timespec="seconds") for a in applied.values()), default=None),
            _unfinished(name, runs),
            next(iter(rulings[name]), None),
        )
        for name, applied in rows.items()
    )
    return Result(Status(found, writer, halts_of(workspace)))


def _unfinished(environment: str, runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """Return the runs that have not come to an end, the newest first.

    One that failed could be retried; of these the newest run of its target counts.
    """
    found, seen = [], set()
    for run in runs:
        if run.environment == environment:
            is_newest = run.target not in seen
            seen.add(run.target)
            if not run.status.is_final and (is_newest or run.status is not RunStatus.FAILED):
                found.append(run)
    return tuple(found)


@dataclass(frozen=True)
class Row:
    """One document as `get` lists it; `text` is its YAML."""

    address: Address
    digest: Digest
    where: str
    layers: tuple[str, ...]
    applied: str | None
    """`yes`, `no`, `changed`, `dormant`, or `None` for a record."""
    text: str


def list_documents(
    workspace: Workspace, what: str | None, *, environment: str, records: bool
) -> tuple[Row, ...]:
    """Return the documents of the tree, or those of a kind or at an address.

    With `records`, or where `what` asks for them, records that were written here and are not in
    the tree stand beside them.
    """
    facts_of(workspace.loaded.snapshot, environment)
    documents = dict(workspace.loaded.snapshot.documents)
    if records or what is not None:
        documents = {**_recorded_documents(workspace), **documents}
    chosen = [
        document
        for address, document in sorted(documents.items())
        if (what is None or what in {str(address), address.kind})
        and (document.kind.record or not records)
    ]
    if what is not None and not chosen:
        _refuse_unknown(workspace, what)
    standing = _Standing(workspace, environment)
    return tuple(standing.row(document) for document in chosen)


class _Standing:
    """How documents stand in one environment: what would be planned, without planning."""

    def __init__(self, workspace: Workspace, environment: str) -> None:
        snapshot = workspace.loaded.snapshot
        self._placements = placements_of(snapshot)
        with workspace.read_state() as state:
            self._applied = state.applied(environment)
        self._digests = target_digests(snapshot)

    def row(self, document: Document[Model]) -> Row:
        address = document.address
        placed = self._placements.get(address, ())
        return Row(
            address,
            self._digests.get(address) or document.digest,
            document.place.path,
            tuple(p.layer for p in placed),
            self._is_applied(document, placed),
            dump(dict(document.value)),
        )

    def _is_applied(self, document: Document[Model], placed: tuple[Placement, ...]) -> str | None:
        if document.kind.record:
            return None
        if is_dormant(placed):
            return "dormant"
        entry = self._applied.get(str(document.address))
        if entry is None:
            return "no"
        return "yes" if entry.digest == self._digests[document.address] else "changed"


def _refuse_unknown(workspace: Workspace, what: str) -> NoReturn:
    if "/" in what:
        known = (*workspace.loaded.snapshot.documents, *_recorded_documents(workspace))
        listing = "`chimera get` lists the documents, `chimera get --records` the records"
        raise UsageError(
            f"there is no {Address.parse(what)}", help=suggestion(what, map(str, known), listing)
        )
    if what in workspace.registry.kinds:
        raise UsageError(f"there is no {what}", help=f"`chimera new {what}` writes a first one")
    raise UsageError(
        f"there is no kind {what!r}",
        help=suggestion(what, workspace.registry.kinds, "`chimera explain` lists the kinds"),
    )


def _recorded_documents(workspace: Workspace) -> dict[Address, Document[Model]]:
    """Return the records that were written here; one that was damaged since is left out."""
    found = {}
    for path in recorded(workspace.root).values():
        where = path.relative_to(workspace.root).as_posix()
        for raw in parse(where, path.read_bytes())[0]:
            document, _ = validate(raw, workspace.registry)
            if document is not None:
                found[document.address] = document
    return found


@dataclass(frozen=True)
class Description:
    """Everything that is known of one document."""

    document: Document[Model]
    digest: Digest
    """What a plan compares: with an executable document's declared paths."""
    placements: tuple[Placement, ...]
    refers_to: tuple[Address, ...]
    referred_by: tuple[ReferenceUse, ...]
    applied: Mapping[str, Applied]
    """What each environment that has it holds."""
    runs: tuple[Run, ...]
    at: datetime
    """When it was looked at."""


def describe(workspace: Workspace, address: str) -> Result[Description]:
    """Say everything that is known of one document of the tree, or of a record written here."""
    target = Address.parse(address)
    snapshot = workspace.loaded.snapshot
    document = snapshot.get(target) or _recorded_documents(workspace).get(target)
    if document is None:
        _refuse_unknown(workspace, address)
    with workspace.read_state() as state:
        applied = {
            name: entry
            for name in environments(snapshot)
            if (entry := state.applied(name).get(str(target))) is not None
        }
    refers = {use.target for use in references_of(document)}
    return Result(
        Description(
            document,
            target_digests(snapshot).get(target) or document.digest,
            placements_of(snapshot).get(target, ()),
            tuple(sorted(refers)),
            snapshot.referred_by(target),
            applied,
            list_runs(workspace.root, target=str(target), limit=10),
            workspace.context.clock.now(),
        ),
    )


@dataclass(frozen=True)
class RunDetails:
    """A run, and what it did and was told."""

    run: Run
    history: History


def run_details(workspace: Workspace, uid: str) -> RunDetails:
    """Return everything about one run; raises `UsageError` for an unknown one."""
    run = run_status(workspace.root, uid)
    with workspace.read_state() as state:
        return RunDetails(run, history(state.events(uid)))


def read_lines(
    workspace: Workspace, uid: str, *, step: str | None, follow: bool
) -> Iterator[LogLine]:
    """Yield what the steps of a run wrote; with `follow` until it is over or nobody executes it.

    Raises `UsageError` for an unknown run.
    """
    last = 0
    while True:
        with workspace.read_state() as state:
            run = state.run(uid)  # before the lines: what is over by now has written all of them
            is_going = run.status in _GOING and state.writer() is not None
            lines = state.log(uid, last)
        for line in lines:
            last = line.seq
            if step is None or is_within(line.step, step):
                yield line
        if not (follow and is_going):
            return
        time.sleep(_POLL_SECONDS)


_POLL_SECONDS = 0.2
_GOING = {RunStatus.RUNNING, RunStatus.PAUSING, RunStatus.COMPENSATING}

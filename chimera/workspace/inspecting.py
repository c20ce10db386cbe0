"""Looking: where environments stand, what documents there are, and what is known of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from chimera.documents import RawDocument, dump, parse
from chimera.gate import environments
from chimera.kinds import Document, Model, ReferenceUse
from chimera.model import Address, Digest, Placement, Result, UsageError, digest_json
from chimera.runtime import RunView, list_runs, read_log, show_run
from chimera.state import Applied, Holder, LogLine, Run, RunStatus
from chimera.workspace.judging import placements_of
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


@dataclass(frozen=True)
class Status:
    """Every environment, and who is applying at this moment."""

    environments: tuple[EnvironmentStatus, ...]
    writer: Holder | None


def status(workspace: Workspace) -> Result[Status]:
    """Say where every environment stands."""
    known = environments(workspace.loaded.snapshot)
    with workspace.read_state() as state:
        writer = state.writer()
        rows = {name: state.applied(name) for name in sorted(known)}
    runs = list_runs(workspace.root, limit=-1)
    found = tuple(
        EnvironmentStatus(
            name,
            known[name],
            len(applied),
            max((a.at.isoformat(timespec="seconds") for a in applied.values()), default=None),
            _unfinished(name, runs, applied),
        )
        for name, applied in rows.items()
    )
    return Result(Status(found, writer))


def _unfinished(
    environment: str, runs: tuple[Run, ...], applied: Mapping[str, Applied]
) -> tuple[Run, ...]:
    """Return the newest run of each target that has not come to an end."""
    newest: dict[str, Run] = {}
    for run in runs:
        if run.environment == environment:
            newest.setdefault(run.target, run)
    ended = {RunStatus.SUCCEEDED, RunStatus.CANCELLED}
    return tuple(r for r in newest.values() if r.status not in ended)


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
    """Return the documents of the tree, of one kind, or one; or the records written here."""
    if records:
        return _record_rows(workspace)
    snapshot = workspace.loaded.snapshot
    placements = placements_of(snapshot)
    with workspace.read_state() as state:
        applied = state.applied(environment)
    rows = tuple(
        Row(
            address,
            document.digest,
            document.place.path,
            tuple(p.layer for p in placements.get(address, ())),
            _is_applied(document, applied, placements.get(address, ())),
            dump(dict(document.value)),
        )
        for address, document in snapshot.documents.items()
        if what is None or what in {str(address), address.kind}
    )
    if what is not None and not rows:
        _refuse_unknown(workspace, what)
    return rows


def _is_applied(
    document: Document[Model], applied: Mapping[str, Applied], placed: tuple[Placement, ...]
) -> str | None:
    if document.kind.record:
        return None
    if any(p.dormant for p in placed):
        return "dormant"
    entry = applied.get(str(document.address))
    if entry is None:
        return "no"
    return "yes" if entry.value == document.value else "changed"


def _refuse_unknown(workspace: Workspace, what: str) -> NoReturn:
    if "/" in what:
        raise UsageError(f"there is no {Address.parse(what)}", help="`chimera get` lists them all")
    if what in workspace.registry.kinds:
        raise UsageError(f"there is no {what}", help=f"`chimera new {what}` writes a first one")
    near = workspace.registry.nearest(what)
    raise UsageError(
        f"there is no kind {what!r}",
        help=f"did you mean {near}?" if near else "`chimera explain` lists the kinds",
    )


def _record_rows(workspace: Workspace) -> tuple[Row, ...]:
    rows = []
    for address, path in recorded(workspace.root).items():
        data = path.read_bytes()
        where = path.relative_to(workspace.root).as_posix()
        documents: list[RawDocument] = parse(where, data)[0]
        digest = digest_json(documents[0].value) if documents else ""
        rows.append(Row(address, digest, where, (), None, data.decode("utf-8", "replace")))
    return tuple(rows)


@dataclass(frozen=True)
class Description:
    """Everything that is known of one document."""

    document: Document[Model]
    placements: tuple[Placement, ...]
    refers_to: tuple[Address, ...]
    referred_by: tuple[ReferenceUse, ...]
    applied: Mapping[str, Applied]
    """What each environment that has it holds."""
    runs: tuple[Run, ...]


def describe(workspace: Workspace, address: str) -> Result[Description]:
    """Say everything that is known of one document of the tree."""
    target = Address.parse(address)
    snapshot = workspace.loaded.snapshot
    document = snapshot.get(target)
    if document is None:
        _refuse_unknown(workspace, address)
    with workspace.read_state() as state:
        applied = {
            name: entry
            for name in environments(snapshot)
            if (entry := state.applied(name).get(str(target))) is not None
        }
    refers = {u.target for u in snapshot.references if u.source == target}
    return Result(
        Description(
            document,
            placements_of(snapshot).get(target, ()),
            tuple(sorted(refers)),
            snapshot.referred_by(target),
            applied,
            list_runs(workspace.root, target=str(target), limit=10),
        ),
    )


@dataclass(frozen=True)
class RunDetails:
    """A run, its steps, and what they wrote."""

    view: RunView
    log: tuple[LogLine, ...]


def run_details(workspace: Workspace, uid: str) -> RunDetails:
    """Return everything about one run; raises `UsageError` for an unknown one."""
    return RunDetails(show_run(workspace.root, uid), read_log(workspace.root, uid))

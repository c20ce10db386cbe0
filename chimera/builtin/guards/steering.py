"""Engaging and releasing guards on this machine, and what of it no document records yet.

Engaging works whatever else is broken: what cannot be read only widens what is stopped. Refuses to
let automation release anything, and to release what a document has engaged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chimera.builtin.guards.kinds import GuardScope, GuardSpec
from chimera.builtin.guards.switches import Switch, engage, read_switches, release
from chimera.contract import contracts_of
from chimera.documents import dump
from chimera.gate import environments
from chimera.kinds import API_VERSION, ValidationError, nearest, suggestion, validate
from chimera.model import NAME_PATTERN, ChimeraError, GateError, UsageError
from chimera.state import Holder
from chimera.workspace.guarding import halts_of

if TYPE_CHECKING:
    from chimera.gate import Halt
    from chimera.kinds import Document, Snapshot
    from chimera.workspace import Workspace

_HOME = "specs/guards"


@dataclass(frozen=True)
class Engaged:
    """A switch that was engaged: what it stops, what is stopping, and how to record it.

    `warning` says what could not be read or is not there. `record` is what to write, into `path`
    where that is a document that exists and else as a new one.
    """

    switch: Switch
    before: tuple[Switch, ...]
    path: str
    record: str
    is_documented: bool
    writer: Holder | None
    warning: str = ""


@dataclass(frozen=True)
class Released:
    """Switches that were released, and what is still engaged of their guard."""

    switches: tuple[Switch, ...]
    still: tuple[Halt, ...]


@dataclass(frozen=True)
class Listed:
    """What is engaged, or will be, and the guards that stop nothing now."""

    halts: tuple[Halt, ...]
    idle: tuple[Document[GuardSpec], ...]
    warning: str = ""


def engage_here(workspace: Workspace, name: str, scope: GuardScope | None, reason: str) -> Engaged:
    """Engage a guard on this machine; without a `scope`, in that of its document, or everywhere."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(
            f"{name!r} is no name of a guard", help="use lower-case letters, digits, - and ."
        )
    document, warning = _documented(workspace, name)
    meant = scope or (document.spec.scope if document else GuardScope())
    before = tuple(one for one in read_switches(workspace.root) if one.name == name)
    switch = engage(workspace.root, workspace.context, name, meant, reason)
    path = document.place.path if document else f"{_HOME}/{name}.yaml"
    record = "engaged: true" if document else _document_for(name, meant, switch.reason)
    told = "; ".join(filter(None, (warning, _unknown(workspace, meant))))
    return Engaged(switch, before, path, record, document is not None, _writer(workspace), told)


def scope_of(given: dict[str, tuple[str, ...]]) -> GuardScope | None:
    """Return the scope that options name, `None` where they name nothing."""
    named = {field: list(these) for field, these in given.items() if these}
    if not named:
        return None
    try:
        return GuardScope.model_validate(named)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"{first['input']!r} is nothing that a scope can name",
            help="write --env Environment/NAME, --kind Kind, --layer contract/id, "
            "--address Kind/name, --path GLOB",
        ) from error


def release_here(
    workspace: Workspace, name: str, confirm: Callable[[tuple[Switch, ...]], None]
) -> Released:
    """Release the switches of a guard that were engaged on this machine; `confirm` is asked before.

    Raises `UsageError` for automation and where nothing is engaged here, and `GateError` where the
    trust ref has it engaged.
    """
    actor = workspace.context.actor
    if actor.kind != "human":
        raise UsageError(
            f"{actor.name} is automation, and releasing a guard needs a human",
            help="have a person release it: automation may only engage guards",
        )
    known = read_switches(workspace.root)
    switches = tuple(one for one in known if one.name == name)
    documents = _by_documents(workspace, name)
    trusted = [halt for halt in documents if halt.is_trusted]
    if trusted:
        raise GateError(
            f"Guard/{name} is engaged by {trusted[0].where}, and cannot be released here",
            help=trusted[0].lift.removeprefix("release it: "),
        )
    if not switches:
        raise _not_engaged(name, known, documents)
    confirm(switches)
    release(workspace.root, switches)
    return Released(switches, documents)


def list_here(workspace: Workspace, name: str | None) -> Listed:
    """Return what is engaged, and what is not; switches also where nothing else can be read."""
    from chimera.builtin.guards.standing import machine_halt

    try:
        halts, warning = tuple(h for h in halts_of(workspace) if h.is_of_guard), ""
        guards = tuple(workspace.loaded.snapshot.of_model(GuardSpec))
    except ChimeraError as error:
        halts = tuple(machine_halt(one) for one in read_switches(workspace.root))
        guards, warning = (), f"documents cannot be read: {error.message}"
    standing = {halt.guard for halt in halts}
    idle = tuple(g for g in guards if str(g.address) not in standing)
    if name is not None:
        halts = tuple(halt for halt in halts if halt.guard == f"Guard/{name}")
        idle = tuple(g for g in idle if g.address.name == name)
        if not halts and not idle and not warning:
            raise UsageError(
                f"there is no guard {name}",
                help=suggestion(name, (g.address.name for g in guards), "`chimera guard list`"),
            )
    return Listed(halts, idle, warning)


def _documented(workspace: Workspace, name: str) -> tuple[Document[GuardSpec] | None, str]:
    """Return the document of a guard, as far as the tree can be read."""
    wanted = {"kind": "Guard", "name": name}
    try:
        for raw in workspace.source.raw:
            metadata = raw.value.get("metadata")
            named = metadata.get("name") if isinstance(metadata, dict) else None
            if {"kind": raw.value.get("kind"), "name": named} != wanted:
                continue
            document, faults = validate(raw, workspace.registry)
            if document is not None and isinstance(document.spec, GuardSpec):
                return document, ""  # type: ignore[return-value]
            return None, f"{raw.path} cannot be read: {faults[0].message}"
    except Exception as error:  # noqa: BLE001 - nothing may keep a switch from being engaged
        said = error.message if isinstance(error, ChimeraError) else repr(error)
        return None, f"documents cannot be read: {said}"
    return None, ""


def _unknown(workspace: Workspace, scope: GuardScope) -> str:
    """Say what a scope names that is not there; nothing where documents cannot be read."""
    try:
        told = "; ".join(_absent(scope, workspace.loaded.snapshot))
    except Exception:  # noqa: BLE001 - it is engaged already, and what keeps this is told elsewhere
        return ""
    return f"{told}: it stops nothing by that" if told else ""


def _absent(scope: GuardScope, snapshot: Snapshot) -> Iterator[str]:
    there = {
        "environments": {f"Environment/{name}" for name in environments(snapshot)},
        "kinds": set(snapshot.registry.kinds),
        "layers": {
            f"{c.address.name}/{one.id}" for c in contracts_of(snapshot) for one in c.spec.layers
        },
        "addresses": set(map(str, snapshot.documents)),
    }
    words = {"kinds": "kind ", "layers": "layer "}
    for field, known in there.items():
        for name in getattr(scope, field):
            if name not in known:
                near = nearest(name, known)
                yield f"there is no {words.get(field, '')}{name}" + (
                    f" (did you mean {near}?)" if near else ""
                )


def _document_for(name: str, scope: GuardScope, reason: str) -> str:
    """Return the document that records a guard which has none."""
    named = scope.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    spec = {"engaged": True, "reason": reason, **({"scope": named} if named else {})}
    value = {"apiVersion": API_VERSION, "kind": "Guard", "metadata": {"name": name}, "spec": spec}
    return dump(value)


def _writer(workspace: Workspace) -> Holder | None:
    try:
        with workspace.read_state() as state:
            return state.writer()
    except ChimeraError:
        return None


def _by_documents(workspace: Workspace, name: str) -> tuple[Halt, ...]:
    """Return what documents have engaged of a guard; raises where they cannot be read."""
    halts = halts_of(workspace, is_strict=True)
    found = (halt for halt in halts if halt.guard == f"Guard/{name}")
    return tuple(halt for halt in found if halt.kind == "switch")


def _not_engaged(name: str, known: tuple[Switch, ...], documents: tuple[Halt, ...]) -> UsageError:
    if documents:
        first = documents[0]
        return UsageError(
            f"Guard/{name} is engaged by a document in {first.where}, and by no switch here",
            help=first.lift.removeprefix("release it: "),
        )
    names = sorted({one.name for one in known})
    listed = "no switch is engaged here" if not names else f"engaged here: {', '.join(names)}"
    return UsageError(f"no switch of Guard/{name} is engaged on this machine", help=listed)

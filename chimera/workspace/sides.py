"""Where freezes, incidents, rollbacks and guards bind from: trees, the trust ref, records written
here.

Refuses to weigh what they say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chimera.documents import parse
from chimera.gate import Side
from chimera.kinds import Document, Loaded, Model, Snapshot, validate
from chimera.model import Address, Diagnostic, has_errors
from chimera.workspace.recording import FOLDER, recorded

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace


_WEIGHED = frozenset({"Approval", "Freeze", "Guard", "Incident", "Rollback"})
"""Kinds of records that count at the gate where they were written."""


def sides_of(workspace: Workspace, loaded: Loaded) -> tuple[Side, ...]:
    """Return the places that can stop what is applied from `loaded`."""
    found = [_side(_name(loaded.snapshot), loaded)]
    if workspace.loaded is not loaded:
        found.append(_side("the work tree", workspace.loaded))
    if (trust := workspace.trust) is not None:
        found.append(_side(trust.ref, trust.loaded, is_trusted=True))
    return (*found, recorded_here(workspace))


def _name(snapshot: Snapshot) -> str:
    revision = snapshot.tree.revision
    return f"the commit {revision[:12]}" if revision else "the work tree"


def _side(name: str, loaded: Loaded, *, is_trusted: bool = False) -> Side:
    faults = tuple(d for d in loaded.diagnostics if has_errors((d,)))
    return Side(name, loaded.snapshot, faults, is_trusted)


def recorded_here(workspace: Workspace) -> Side:
    """Return the records below `.chimera`; one that was damaged since is a fault."""
    documents: dict[Address, Document[Model]] = {}
    faults: list[Diagnostic] = []
    for address, path in recorded(workspace.root).items():
        if address.kind not in _WEIGHED:
            continue  # proving leaves a record each time, and nobody asks for those here
        where = path.relative_to(workspace.root).as_posix()
        raws, told = parse(where, path.read_bytes())
        for raw in raws:
            document, more = validate(raw, workspace.registry)
            told = [*told, *more]
            if document is not None:
                # By its file: what was pulled may bear the name of another, and must not hide it.
                documents[address] = replace(document, address=address)
        errors = (d for d in told if has_errors((d,)))
        faults += (replace(d, address=str(address)) for d in errors)
    snapshot = Snapshot.of(workspace.tree, workspace.registry, documents.values())
    return Side(FOLDER.as_posix(), snapshot, tuple(faults))

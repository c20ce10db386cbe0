"""Importing several files: each becomes records beside those that are there, or says why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chimera.builtin.records.importing.page import Unread, open_page
from chimera.builtin.records.importing.proposing import Proposal, Settings, propose
from chimera.builtin.records.writing import Draft
from chimera.model import Address, ChimeraError, UsageError

if TYPE_CHECKING:
    from chimera.workspace import Workspace


@dataclass(frozen=True)
class Imported:
    """What became of one file: paths and records, or the reasons why there are none."""

    path: str
    written: tuple[tuple[str, Address], ...]
    unread: tuple[Unread, ...]
    refused: tuple[Unread, ...]
    missing: tuple[str, ...]


def import_pages(
    workspace: Workspace, files: Sequence[Path], settings: Settings, *, write: bool
) -> tuple[Imported, ...]:
    """Import files; those that cannot be imported hold up no other, and nothing is overwritten."""
    draft = Draft(workspace)
    done = tuple(_import(workspace, draft, file, settings) for file in files)
    if write and draft.changed:
        draft.write()
    return done


def _import(workspace: Workspace, draft: Draft, file: Path, settings: Settings) -> Imported:
    shown = str(file)
    try:
        proposal = propose(open_page(file, shown), workspace.loaded.snapshot, settings)
        if not proposal.refused:
            _draft(workspace, draft, proposal)
    except ChimeraError as error:
        why = f"{error.message}; {error.help}" if error.help else error.message
        return Imported(shown, (), (), (Unread(1, "", why),), ())
    home = workspace.registry.path_of
    written = [] if proposal.refused else [(home(one), one) for one in proposal.records]
    refused = tuple(sorted(proposal.refused))
    return Imported(shown, tuple(written), proposal.unread, refused, proposal.missing)


def _remark(path: str) -> str:
    return "imported from " + "".join(c if c.isprintable() else " " for c in path)


def _draft(workspace: Workspace, draft: Draft, proposal: Proposal) -> None:
    """Add the records of one file to the draft, all or none; raises `UsageError`."""
    for address in proposal.records:
        there = workspace.loaded.snapshot.get(address)
        path = workspace.registry.path_of(address)
        if there is not None or path in draft.changed or (workspace.root / path).exists():
            where = there.place.path if there is not None else path
            raise UsageError(
                f"there is a {address} already, in {where}", help="it is left as it is"
            )
    review = Address("Postmortem", proposal.incident.name)
    if proposal.incident not in proposal.records:
        named = draft.value(proposal.incident, ("postmortem",))
        if named not in (None, str(review)):
            raise UsageError(
                f"{proposal.incident} has a review already: {named}", help="it is left as it is"
            )
    for address, spec in proposal.records.items():
        draft.create(address, spec, remarks=(_remark(proposal.path),))
    if proposal.incident not in proposal.records and not draft.value(
        proposal.incident, ("postmortem",)
    ):
        draft.put(proposal.incident, ("postmortem",), str(review))

"""Updating: golden files of snapshot steps, written anew into the work tree when that is asked for.

Refuses to leave evidence behind: what writes its own expectation has proven nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chimera.model import Outcome, Result, UsageError, has_errors
from chimera.proof.updating import SnapshotUpdate, has_snapshots, update_snapshots
from chimera.workspace.concerning import concerning
from chimera.workspace.judging import facts_of, judge
from chimera.workspace.proving import select

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

_MENDED = ("proof-golden-missing", "proof-input-unmatched")
"""Faults that a golden file that is not there yet can cause."""


@dataclass(frozen=True)
class UpdateReport:
    """What became of the golden files, by proof."""

    updates: tuple[SnapshotUpdate, ...]


def update(workspace: Workspace, names: Sequence[str]) -> Result[UpdateReport]:
    """Write the golden files of the named proofs, or of all that have any."""
    loaded = workspace.loaded
    facts = facts_of(loaded.snapshot, "local")
    judgement = judge(loaded, workspace.plugins, workspace.context, facts)
    found = concerning(loaded.snapshot, names, judgement.diagnostics)
    faults = tuple(fault for fault in found if fault.rule not in _MENDED)
    if has_errors(faults):
        return Result(UpdateReport(()), Outcome.FAILED, found)
    proofs = select(loaded, names, judgement.subject.placed)
    chosen = [proof for proof in proofs if has_snapshots(proof)]
    if not chosen:
        raise UsageError(
            "none of these proofs has a snapshot step", help="name a proof that has one"
        )
    hook = workspace.plugins.hook
    updates = update_snapshots(
        loaded.snapshot,
        chosen,
        workspace.context,
        lambda task: hook.chimera_run_proof_step(task=task),
        workspace.root,
    )
    failed = any(update.reasons for update in updates)
    outcome = Outcome.FAILED if failed else Outcome.PASSED
    return Result(UpdateReport(tuple(updates)), outcome, faults)

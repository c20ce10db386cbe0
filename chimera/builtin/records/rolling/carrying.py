"""Carrying a rollback out on the ordinary road, and what is asked of people and proofs before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chimera.builtin.records.rolling.named import Rollback, plan_of, require_committed
from chimera.builtin.records.rolling.watching import Watched, watch
from chimera.model import Address, Outcome, Result, has_errors
from chimera.proof import ProofSpec
from chimera.workspace.applying import ApplyReport, apply
from chimera.workspace.approving import Proposal, propose
from chimera.workspace.going_back import load_back
from chimera.workspace.proving import ProveReport, prove_documents

if TYPE_CHECKING:
    from chimera.plan import Plan
    from chimera.workspace import Workspace


def carry_out(
    workspace: Workspace,
    rollback: Rollback,
    *,
    wait: float = 0.0,
    confirm: Callable[[Plan], None] | None = None,
) -> tuple[Result[ApplyReport], Watched]:
    """Apply what a rollback restores, and look where it stands then.

    What was interrupted goes on: it is planned from what the environment holds.
    """
    require_committed(workspace, rollback)
    back, _ = plan_of(workspace, rollback)
    environment = rollback.spec.environment
    result = apply(workspace, environment, saved=None, wait=wait, confirm=confirm, back=back)
    with workspace.read_state() as state:
        return result, watch(workspace, rollback, state)


def proposal_of(workspace: Workspace, rollback: Rollback) -> Proposal:
    """Return what is signed of a rollback; raises `UsageError` where nothing goes back."""
    require_committed(workspace, rollback)
    back, _ = plan_of(workspace, rollback)
    return propose(workspace, rollback.spec.environment, back=back)


def prove(workspace: Workspace, rollback: Rollback) -> Result[ProveReport]:
    """Run the proofs that a rollback owes, on what it restores; evidence that fits is used."""
    require_committed(workspace, rollback)
    back, report = plan_of(workspace, rollback)
    faults = report.judgement.diagnostics
    if has_errors(faults):
        return Result(ProveReport((), ()), Outcome.FAILED, faults)
    workspace.prepare()
    environment = rollback.spec.environment
    snapshot = load_back(workspace, environment, back).snapshot
    owed = {Address.parse(o.subject) for o in report.plan.obligations if o.kind == "proof"}
    proofs = [d for d in snapshot.of_model(ProofSpec) if d.address in owed]
    proven = prove_documents(workspace, snapshot, proofs, environment, fresh=False)
    outcomes = [Outcome.PASSED, *(proof.outcome for proof in proven.proven)]
    return Result(proven, Outcome.worst(outcomes), faults)

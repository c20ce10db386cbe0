"""From a plan to a ruling: prove what is owed where that is allowed, then let the gate weigh."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from chimera.gate import Ruling, Weighing, ruling_to_json, weigh
from chimera.kinds import Loaded
from chimera.model import Address, Change, Digest
from chimera.plan import Plan
from chimera.proof import ProofSpec
from chimera.state import StateReader, StateWriter
from chimera.workspace.approving import approvals_of
from chimera.workspace.authorship import authors_of
from chimera.workspace.planning import PlanReport
from chimera.workspace.proving import ProveReport, prove_documents, standing_of
from chimera.workspace.sides import sides_of
from chimera.workspace.trust import trust_for

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace


def prove_owed(workspace: Workspace, loaded: Loaded, plan: Plan) -> ProveReport:
    """Run the owed proofs in an unprotected environment; a protected one only verifies."""
    if plan.protected:
        return ProveReport((), ())
    owed = {Address.parse(o.subject) for o in plan.obligations if o.kind == "proof"}
    proofs = [d for d in loaded.snapshot.of_model(ProofSpec) if d.address in owed]
    return prove_documents(workspace, loaded.snapshot, proofs, plan.environment, fresh=False)


def rule(workspace: Workspace, loaded: Loaded, planned: PlanReport, state: StateWriter) -> Ruling:
    """Let the gate weigh the plan, and record what it ruled."""
    weighing = weighing_of(workspace, loaded, planned, state)
    ruling = weigh(weighing, workspace.plugins)
    state.record_ruling(ruling.environment, ruling.plan_digest, ruling_to_json(ruling, weighing))
    return ruling


def weighing_of(
    workspace: Workspace, loaded: Loaded, planned: PlanReport, state: StateReader
) -> Weighing:
    """Collect what the gate weighs."""
    plan, judgement = planned.plan, planned.judgement
    trust = trust_for(workspace, state, plan.environment)
    return Weighing(
        plan,
        judgement.subject,
        judgement.verdicts,
        judgement.diagnostics,
        standing_of(workspace, loaded, trust, protected=plan.protected),
        trust,
        approvals_of(workspace, loaded),
        state.spent(plan.environment),
        judgement.subject.now,
        authors_of(workspace, state, plan.environment),
        sides_of(workspace, loaded),
        held_before(state, plan.environment),
    )


def held_before(state: StateReader, environment: str) -> Callable[[Change], bool]:
    """Return what tells whether an environment has held before what a change leaves of its target.

    It has where a ruling that passed found that, or where it holds it now: what one let through may
    have failed. Rulings are read when it is asked.
    """

    @cache
    def held() -> frozenset[tuple[str, Digest | None]]:
        found = {
            (item["target"], item["before"])
            for record in state.rulings(environment)
            if isinstance(record.ruling, dict) and record.ruling.get("outcome") == "passed"
            for item in record.ruling.get("items", ())
        }
        now = state.applied(environment).items()
        return frozenset(found | {(target, entry.digest) for target, entry in now})

    return lambda change: (str(change.target), change.after) in held()

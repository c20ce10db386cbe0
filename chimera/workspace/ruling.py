"""From a plan to a ruling: prove what is owed where that is allowed, then let the gate weigh."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chimera.gate import Ruling, Weighing, weigh
from chimera.kinds import Loaded
from chimera.model import Address
from chimera.plan import Plan
from chimera.proof import ProofSpec
from chimera.state import StateWriter
from chimera.workspace.judging import located
from chimera.workspace.planning import PlanReport
from chimera.workspace.proving import ProveReport, prove_documents, standing_of

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
    plan, judgement = planned.plan, planned.judgement
    weighing = Weighing(
        plan,
        judgement.subject,
        judgement.verdicts,
        judgement.diagnostics,
        standing_of(workspace, loaded),
    )
    ruling = weigh(weighing, workspace.plugins)
    ruling = replace(ruling, verdicts=located(ruling.verdicts, loaded.snapshot.tree))
    state.record_ruling(plan.environment, plan.digest, _as_json(ruling, planned))
    return ruling


def _as_json(ruling: Ruling, planned: PlanReport) -> dict[str, Any]:
    """Return what the state keeps of a ruling: outcome, verdicts, and the records it weighed."""
    return {
        "outcome": ruling.outcome.value,
        "verdicts": [
            {
                "judge": v.judge,
                "subject": v.subject,
                "finding": v.finding.value,
                "reasons": list(v.reasons),
            }
            for v in ruling.verdicts
        ],
        "records": {str(d.address): d.digest for d in planned.judgement.subject.snapshot.records},
    }

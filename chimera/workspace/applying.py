"""Applying: plan under the lock, prove what is owed, weigh, and execute what the gate permits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chimera.gate import RefusedError, Ruling, Weighing, permit, weigh
from chimera.kinds import Loaded
from chimera.model import Address, Outcome, Result, StaleError, has_errors
from chimera.plan import Plan
from chimera.proof import ProofSpec
from chimera.runtime import ItemResult
from chimera.runtime import apply as execute
from chimera.state import StateWriter
from chimera.workspace.judging import located
from chimera.workspace.planning import PlanReport
from chimera.workspace.proving import ProveReport, prove_documents, standing_of
from chimera.workspace.recording import Recorder

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace


@dataclass(frozen=True)
class ApplyReport:
    """What was planned, proven, ruled and executed; `ruling` is `None` where there was nothing."""

    plan: Plan
    proofs: ProveReport
    ruling: Ruling | None
    items: tuple[ItemResult, ...]


def apply(
    workspace: Workspace, environment: str, *, saved: Plan | None, wait: float
) -> Result[ApplyReport]:
    """Apply to one environment; a saved plan must still be what would be planned now."""
    with workspace.open_state(f"apply --env {environment}", wait) as state:
        loaded = workspace.for_environment(environment)
        planned = workspace.make_plan(environment, state=state, loaded=loaded)
        _refuse_stale(saved, planned.plan)
        proofs = ProveReport((), ())
        faults = planned.judgement.diagnostics
        if planned.plan.changing and not has_errors(faults):
            proofs = _prove_owed(workspace, loaded, planned.plan)
            planned = _plan_again(workspace, environment, state, planned)
        elif not planned.plan.changing and not has_errors(faults):
            return Result(ApplyReport(planned.plan, proofs, None, ()), Outcome.PASSED, faults)
        ruling = _rule(workspace, loaded, planned, state)
        try:
            leave = permit(ruling)
        except RefusedError:
            report = ApplyReport(planned.plan, proofs, ruling, ())
            failed = [r.outcome for r in proofs.proven]
            return Result(report, Outcome.worst((*failed, ruling.outcome)), faults)
        items = execute(
            leave,
            planned.plan,
            planned.judgement.subject,
            state,
            workspace.context,
            workspace.plugins,
            Recorder(workspace.root, workspace.context).write,
        )
        outcome = Outcome.worst(item.outcome for item in items)
        return Result(ApplyReport(planned.plan, proofs, ruling, items), outcome, faults)


def _refuse_stale(saved: Plan | None, planned: Plan) -> None:
    if saved is not None and saved.digest != planned.digest:
        raise StaleError(
            f"the saved plan {saved.digest[7:19]} no longer fits: now it would be"
            f" {planned.digest[7:19]}",
            help="make it again with `chimera plan --out FILE`; `chimera show FILE` shows the old",
        )


def _prove_owed(workspace: Workspace, loaded: Loaded, plan: Plan) -> ProveReport:
    """Run the owed proofs in an unprotected environment; a protected one only verifies."""
    if plan.protected:
        return ProveReport((), ())
    owed = {Address.parse(o.subject) for o in plan.obligations if o.kind == "proof"}
    proofs = [d for d in loaded.snapshot.of_model(ProofSpec) if d.address in owed]
    return prove_documents(workspace, loaded, proofs, plan.environment, fresh=False)


def _plan_again(
    workspace: Workspace, environment: str, state: StateWriter, planned: PlanReport
) -> PlanReport:
    """Read the tree once more: what was edited while proofs ran is not what was proven."""
    from chimera.workspace.workspace import Workspace as Reopened

    again = Reopened(workspace.root, workspace.context)
    fresh = again.make_plan(environment, state=state)
    if fresh.plan.digest != planned.plan.digest:
        raise StaleError(
            "the tree changed while it was being proven",
            help="apply again when nothing writes to it",
        )
    return planned


def _rule(workspace: Workspace, loaded: Loaded, planned: PlanReport, state: StateWriter) -> Ruling:
    """Let the gate weigh the plan, and record what it ruled."""
    weighing = Weighing(
        planned.plan,
        planned.judgement.subject,
        planned.judgement.diagnostics,
        standing_of(workspace, loaded),
    )
    ruling = weigh(weighing, workspace.plugins)
    shown = located(ruling.verdicts, loaded.snapshot)
    ruling = Ruling(ruling.plan_digest, ruling.environment, shown)
    state.record_ruling(
        planned.plan.environment, planned.plan.digest, _ruling_json(ruling, planned)
    )
    return ruling


def _ruling_json(ruling: Ruling, planned: PlanReport) -> dict[str, Any]:
    """Return what the state keeps of a ruling: outcome, verdicts, and the records it weighed."""
    records = planned.judgement.subject.snapshot.records
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
        "records": {str(d.address): d.digest for d in records},
    }

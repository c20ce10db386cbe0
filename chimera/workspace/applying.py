"""Applying: plan under the lock, prove what is owed, weigh, and execute what the gate permits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chimera.gate import Ruling, permit
from chimera.kinds import Loaded
from chimera.model import Outcome, Result, StaleError, has_errors
from chimera.plan import Plan
from chimera.runtime import ItemResult
from chimera.runtime import apply as execute
from chimera.runtime.apply import Asked
from chimera.state import StateWriter
from chimera.workspace.going_back import Back, lay_out, load_back, plan_back
from chimera.workspace.guarding import guarding, tell
from chimera.workspace.planning import PlanReport
from chimera.workspace.protection import protect
from chimera.workspace.proving import ProveReport
from chimera.workspace.recording import Recorder
from chimera.workspace.ruling import prove_owed, rule

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

NOTHING_PROVEN = ProveReport((), ())


@dataclass(frozen=True)
class ApplyReport:
    """What was planned, proven, ruled and executed; `ruling` is `None` where nothing was to do."""

    plan: Plan
    proofs: ProveReport
    ruling: Ruling | None
    items: tuple[ItemResult, ...] = ()


def apply(
    workspace: Workspace,
    environment: str,
    *,
    saved: Plan | None,
    wait: float,
    confirm: Callable[[Plan], None] | None = None,
    back: Back | None = None,
) -> Result[ApplyReport]:
    """Apply to one environment; a saved plan must still be what would be planned now.

    In a protected one `confirm` is called with what the gate permits, before anything of it is
    executed, and raises where it is not to be. With `back`, what a commit said is applied again.
    """
    with workspace.open_state(f"apply --env {environment}", wait) as state:
        loaded, planned = _plan(workspace, environment, state, back)
        plan, faults = planned.plan, planned.judgement.diagnostics
        _refuse_stale(saved, plan)
        if plan.protected:
            protect(workspace, workspace.for_environment(environment).snapshot.tree)
        if not plan.changing and not has_errors(faults):
            return Result(ApplyReport(plan, NOTHING_PROVEN, None), Outcome.PASSED, faults)
        proofs = NOTHING_PROVEN
        if not has_errors(faults):
            proofs = prove_owed(workspace, loaded, plan)
            again = _plan(workspace.reopened(), environment, state, back)[1]
            _refuse_edited(again.plan, plan)
        ruling = rule(workspace, loaded, planned, state)
        if ruling.outcome is not Outcome.PASSED:
            outcomes = (ruling.outcome, *(proof.outcome for proof in proofs.proven))
            return Result(ApplyReport(plan, proofs, ruling), Outcome.worst(outcomes), faults)
        if plan.protected and confirm is not None:
            confirm(plan)
        if back is not None:
            lay_out(workspace, plan, loaded.snapshot)
        items = carry_out(workspace, loaded, planned, ruling, state)
        outcome = Outcome.worst(item.outcome for item in items)
        return Result(ApplyReport(plan, proofs, ruling, items), outcome, faults)


def carry_out(
    workspace: Workspace,
    loaded: Loaded,
    planned: PlanReport,
    ruling: Ruling,
    state: StateWriter,
    asked: Asked | None = None,
) -> tuple[ItemResult, ...]:
    """Execute what the gate permits; raises `GateError` where it does not."""
    permitted = permit(ruling)
    with guarding(workspace) as guards:
        tell(workspace, guards, loaded, planned)
        return execute(
            permitted,
            planned.plan,
            planned.judgement.subject,
            state,
            workspace.context,
            workspace.plugins,
            Recorder(workspace.root, workspace.context).write,
            asked,
            guards,
        )


def _refuse_stale(saved: Plan | None, planned: Plan) -> None:
    if saved is not None and saved.digest != planned.digest:
        raise StaleError(
            f"the saved plan {saved.digest[7:19]} no longer fits: now it would be"
            f" {planned.digest[7:19]}",
            help="make it again with `chimera plan --out FILE`; `chimera show FILE` shows the old",
        )


def _plan(
    workspace: Workspace, environment: str, state: StateWriter, back: Back | None
) -> tuple[Loaded, PlanReport]:
    if back is not None:
        loaded = load_back(workspace, environment, back)
        return loaded, plan_back(workspace, environment, back, state=state, loaded=loaded)
    loaded = workspace.for_environment(environment)
    return loaded, workspace.make_plan(environment, state=state, loaded=loaded)


def _refuse_edited(again: Plan, plan: Plan) -> None:
    """Raise where the tree, read once more, is not what was proven: it was edited meanwhile."""
    if again.digest != plan.digest:
        raise StaleError(
            "the tree changed while it was being proven",
            help="apply again when nothing writes to it",
        )

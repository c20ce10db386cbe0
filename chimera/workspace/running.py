"""Running: execute an applied document now, as it was applied, under a permit of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chimera.documents import open_commit
from chimera.gate import Ruling
from chimera.model import Address, Outcome, Result, has_errors
from chimera.runtime import ItemResult
from chimera.workspace.applying import NOTHING_PROVEN, carry_out
from chimera.workspace.planning import PlanReport
from chimera.workspace.protection import protect
from chimera.workspace.proving import ProveReport
from chimera.workspace.ruling import prove_owed, rule
from chimera.workspace.run_planning import plan_run

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace


@dataclass(frozen=True)
class RunReport:
    """What was planned, ruled and executed; `outputs` are what the document brought about."""

    planned: PlanReport
    proofs: ProveReport
    ruling: Ruling
    item: ItemResult | None
    outputs: Any = None


def run(
    workspace: Workspace, address: str, inputs: Mapping[str, Any], *, environment: str
) -> Result[RunReport]:
    """Execute what is applied at `address`; the work tree's definition is not looked at."""
    target = Address.parse(address)
    with workspace.open_state(f"run {target} --env {environment}") as state:
        loaded, planned = plan_run(workspace, target, state, environment, inputs)
        if planned.plan.protected:
            protect(workspace, open_commit(workspace.root, "HEAD"))
        faults = planned.judgement.diagnostics
        proofs = NOTHING_PROVEN
        if not has_errors(faults):
            proofs = prove_owed(workspace, loaded, planned.plan)
        ruling = rule(workspace, loaded, planned, state)
        if ruling.outcome is not Outcome.PASSED:
            return Result(RunReport(planned, proofs, ruling, None), ruling.outcome, faults)
        (item,) = carry_out(workspace, planned, ruling, state, dict(inputs))
        outputs = state.applied(environment)[str(target)].outputs
        report = RunReport(planned, proofs, ruling, item, outputs)
        return Result(report, item.outcome, faults)

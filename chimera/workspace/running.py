"""Running: execute an applied document now, as it was applied, under a permit of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chimera.documents import RawDocument, open_commit
from chimera.gate import Ruling
from chimera.kinds import Loaded, load_values, suggestion
from chimera.model import (
    Action,
    Address,
    Change,
    GateError,
    Outcome,
    Result,
    UsageError,
    has_errors,
    is_dormant,
)
from chimera.runtime import ItemResult
from chimera.state import Applied, StateWriter
from chimera.workspace.applying import NOTHING_PROVEN, carry_out
from chimera.workspace.judging import placements_of
from chimera.workspace.planning import Comparison, PlanReport, against_state, plan_changes
from chimera.workspace.protection import protect
from chimera.workspace.proving import ProveReport
from chimera.workspace.ruling import prove_owed, rule

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
        applied = state.applied(environment)
        loaded = applied_snapshot(workspace, applied)
        _refuse_unfit(target, loaded, workspace.loaded, environment)
        planned = _plan(workspace, target, loaded, state, environment)
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


def applied_snapshot(workspace: Workspace, applied: Mapping[str, Applied]) -> Loaded:
    """Return the snapshot of what an environment holds, over the present work tree."""
    raw = tuple(
        RawDocument(entry.path or "", 0, dict(entry.value))
        for entry in applied.values()
        if entry.value is not None
    )
    return load_values(workspace.tree, raw, workspace.registry)


def _how_to_apply(target: Address, loaded: Loaded, tree: Loaded, environment: str) -> str:
    """Return what to do about a target that is not applied; one that is nowhere is misspelt."""
    applying = f"apply it first: `chimera apply --env {environment}`"
    if tree.snapshot.get(target) is not None:
        return applying
    known = {*map(str, loaded.snapshot.documents), *map(str, tree.snapshot.documents)}
    return suggestion(str(target), known, applying)


def _refuse_unfit(target: Address, loaded: Loaded, tree: Loaded, environment: str) -> None:
    """Raise unless what is applied at `target` can run; `tree` tells why it was never applied."""
    document = loaded.snapshot.get(target)
    if any(is_dormant(placements_of(of.snapshot).get(target, ())) for of in (loaded, tree)):
        raise GateError(
            f"{target} stands in a dormant layer, in which nothing acts",
            help="activate the layer first, with all that its contract asks for",
        )
    if document is None:
        raise UsageError(
            f"{target} is not applied to {environment}",
            help=_how_to_apply(target, loaded, tree, environment),
        )
    if not document.kind.executable:
        raise UsageError(
            f"a {target.kind} is nothing that runs", help="name a document such as a Workflow"
        )


def _plan(
    workspace: Workspace, target: Address, loaded: Loaded, state: StateWriter, environment: str
) -> PlanReport:
    """Plan the one run: gates and judges see it as a change that alters nothing."""
    comparison: Comparison = against_state(state, environment)
    digest = comparison.baseline.digests[target]
    change = Change(target, Action.RUN, digest, digest, "was asked for")
    facts = workspace.facts(environment, loaded)
    trusting = workspace.trusting(facts, loaded, state)
    about = (loaded, (change,), comparison, workspace.plugins, workspace.context, facts)
    return plan_changes(*about, trusting)

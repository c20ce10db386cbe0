"""What one run of an applied document owes, as a plan; the work tree's definition is not looked at.

Refuses what is not applied, stands in a dormant layer, or is nothing that runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chimera.documents import RawDocument
from chimera.kinds import Loaded, load_values, suggestion
from chimera.model import (
    Action,
    Address,
    Change,
    GateError,
    UsageError,
    digest_json,
    is_dormant,
)
from chimera.state import Applied, StateReader
from chimera.workspace.comparing import against_state
from chimera.workspace.judging import placements_of
from chimera.workspace.planning import PlanReport, plan_changes
from chimera.workspace.protection import environment_facts, protection_in

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace


def applied_snapshot(workspace: Workspace, applied: Mapping[str, Applied]) -> Loaded:
    """Return the snapshot of what an environment holds, over the present work tree."""
    raw = tuple(
        RawDocument(entry.path or "", 0, dict(entry.value))
        for entry in applied.values()
        if entry.value is not None
    )
    return _without_records(load_values(workspace.tree, raw, workspace.registry))


def _without_records(loaded: Loaded) -> Loaded:
    """Let references to records be: a record, such as a promoted Genome, is never applied."""
    kinds = loaded.snapshot.registry.kinds
    to_records = {
        use.place
        for use in loaded.snapshot.references
        if use.target.kind in kinds and kinds[use.target.kind].record
    }
    kept = tuple(
        d for d in loaded.diagnostics if d.rule != "reference-dangling" or d.where not in to_records
    )
    return replace(loaded, diagnostics=kept)


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


def plan_run(
    workspace: Workspace,
    target: Address,
    state: StateReader,
    environment: str,
    inputs: Mapping[str, Any],
) -> tuple[Loaded, PlanReport]:
    """Plan the one run of what is applied: gates and judges see a change that alters nothing.

    What it is given as `inputs` is part of what is approved: another input is another run.

    Raises `UsageError` or `GateError` for what cannot run.
    """
    loaded = applied_snapshot(workspace, state.applied(environment))
    _refuse_unfit(target, loaded, workspace.loaded, environment)
    comparison = against_state(state, environment)
    digest = comparison.baseline.digests[target]
    change = Change(target, Action.RUN, digest, digest, "was asked for")
    facts = environment_facts(workspace, environment, loaded)
    protection = protection_in(workspace, facts, loaded, state)
    about = (loaded, (change,), comparison, workspace.plugins, workspace.context, facts)
    return loaded, plan_changes(*about, protection, digest_json(dict(inputs)) if inputs else None)

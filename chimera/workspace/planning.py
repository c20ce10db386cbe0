"""Planning: what would change, against the applied state or a Git ref, and what that owes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chimera.context import Context
from chimera.documents import Tree, conversions
from chimera.kinds import (
    EnvironmentFacts,
    Loaded,
    Registry,
    check_deletions,
    load_snapshot,
    read_source,
)
from chimera.model import (
    Action,
    Address,
    Change,
    ChimeraError,
    Diagnostic,
    Outcome,
    Result,
    Target,
    Touch,
    has_errors,
    parse_target,
)
from chimera.plan import (
    Baseline,
    Plan,
    build_plan,
    compute_changes,
    governed_paths,
    target_digests,
)
from chimera.plugin import PluginManager, ask
from chimera.state import StateReader
from chimera.workspace.judging import Judgement, judge, placements_of

ESSENTIAL_CREDITORS = ("chimera.gate.plugin", "chimera.proof.plugin", "chimera.contract.plugin")


@dataclass(frozen=True)
class PlanReport:
    """A plan and the judgement that it rests on.

    `touches` are the gates, proofs, policies and layers that the changes concern; `affected` holds
    for each changed document the documents that lean on it through references, near ones first.
    """

    plan: Plan
    judgement: Judgement
    touches: tuple[Touch, ...] = ()
    affected: Mapping[Address, tuple[Address, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """What a snapshot is compared with: the baseline's digests, values and places by address."""

    baseline: Baseline
    values: Mapping[Address, Mapping[str, Any]]
    paths: Mapping[Address, str]


def against_state(state: StateReader, environment: str) -> Comparison:
    """Compare with what was applied to an environment."""
    applied = state.applied(environment)
    name = "the applied state" if applied else "an empty state: nothing was applied yet"
    digests: dict[Target, str] = {parse_target(t): a.digest for t, a in applied.items()}
    values: dict[Address, Mapping[str, Any]] = {}
    paths: dict[Address, str] = {}
    for target, entry in applied.items():
        if entry.value is not None:
            values[Address.parse(target)] = entry.value
            paths[Address.parse(target)] = entry.path or "the applied state"
    return Comparison(Baseline(name, digests), values, paths)


def against_tree(tree: Tree, registry: Registry, name: str) -> Comparison:
    """Compare with the documents and governed paths of another tree."""
    snapshot = load_snapshot(read_source(tree), registry).snapshot
    documents = snapshot.documents
    return Comparison(
        Baseline(name, target_digests(snapshot), tree),
        {address: document.value for address, document in documents.items()},
        {address: document.place.path for address, document in documents.items()},
    )


def make_plan(
    loaded: Loaded,
    comparison: Comparison,
    plugins: PluginManager,
    context: Context,
    environment: EnvironmentFacts,
) -> PlanReport:
    """Compare, judge and collect what is owed; no side effects."""
    snapshot = loaded.snapshot
    former = {a: p for a, p in comparison.paths.items() if snapshot.get(a) is None}
    deletions = tuple(check_deletions(snapshot, former))
    told = _without_dangling(loaded, deletions)
    converted = conversions(snapshot.tree, governed_paths(snapshot))
    told = replace(told, diagnostics=(*told.diagnostics, *deletions, *converted))
    changes = compute_changes(snapshot, comparison.baseline, placements_of(snapshot))
    changes = tuple(_as_read(change, comparison, told) for change in changes)
    return plan_changes(told, changes, comparison, plugins, context, environment)


def plan_changes(
    loaded: Loaded,
    changes: tuple[Change, ...],
    comparison: Comparison,
    plugins: PluginManager,
    context: Context,
    environment: EnvironmentFacts,
) -> PlanReport:
    """Judge the changes of a snapshot and collect what they owe; no side effects."""
    judgement = judge(
        loaded,
        plugins,
        context,
        environment,
        changes=changes,
        before=comparison.values,
        former_paths=comparison.paths,
    )
    subject = judgement.subject
    obligations, silent = ask(plugins, "chimera_owe", subject, ESSENTIAL_CREDITORS)
    if silent:
        raise ChimeraError(
            "; ".join(reason for verdict in silent for reason in verdict.reasons),
            help="fix or remove the plugin: without its word no plan is complete",
        )
    plan = build_plan(environment, comparison.baseline, changes, subject.placements, obligations)
    return PlanReport(plan, judgement)


def _as_read(change: Change, comparison: Comparison, loaded: Loaded) -> Change:
    """Call nothing deleted that only cannot be read: its file has a fault, which is told."""
    path = comparison.paths.get(change.target) if isinstance(change.target, Address) else None
    broken = any(d.where.path == path for d in loaded.diagnostics if has_errors((d,)))
    if change.action is not Action.DELETE or path is None or not broken:
        return change
    reason = f"cannot be read: {path} has a fault"
    return replace(change, action=Action.NO_OP, after=change.before, reason=reason)


def _without_dangling(loaded: Loaded, deletions: tuple[Diagnostic, ...]) -> Loaded:
    """Say of a reference that its target was deleted, and not also that it dangles."""
    told = {deletion.where for deletion in deletions}
    kept = tuple(
        d for d in loaded.diagnostics if d.rule != "reference-dangling" or d.where not in told
    )
    return replace(loaded, diagnostics=kept)


def plan_result(report: PlanReport) -> Result[PlanReport]:
    """Return how planning ended: failed where the repository has errors, changed, or passed."""
    diagnostics = report.judgement.diagnostics
    if has_errors(diagnostics):
        return Result(report, Outcome.FAILED, diagnostics)
    changed = any(item.change.action is not Action.NO_OP for item in report.plan.items)
    return Result(report, Outcome.CHANGED if changed else Outcome.PASSED, diagnostics)

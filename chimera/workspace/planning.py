"""Planning: what would change, against the applied state or a Git ref, and what that owes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chimera.context import Context
from chimera.contract import LayerContractSpec, Placer, contracts_of
from chimera.documents import Merge, conversions
from chimera.gate import Halt
from chimera.kinds import (
    EnvironmentFacts,
    Loaded,
    Snapshot,
    Subject,
    affected_by,
    categorize,
    check_deletions,
    documents_in,
)
from chimera.model import (
    Action,
    Address,
    Category,
    Change,
    ChimeraError,
    Diagnostic,
    Digest,
    Outcome,
    Result,
    Target,
    Touch,
    has_errors,
)
from chimera.plan import (
    Plan,
    PlanItem,
    RecordDraft,
    Side,
    as_moved,
    build_plan,
    compare_trees,
    compute_changes,
    governed_paths,
    waivers_of,
)
from chimera.plugin import PluginManager, ask
from chimera.workspace.comparing import Comparison, differing_paths
from chimera.workspace.drafting import with_drafts
from chimera.workspace.judging import Judgement, judge, placements_of
from chimera.workspace.protection import Protection

ESSENTIAL_CREDITORS = ("chimera.gate.plugin", "chimera.proof.plugin", "chimera.contract.plugin")


@dataclass(frozen=True, slots=True)
class Compared:
    """Which commits were compared: `base` with what merging `head` into it leaves.

    `base` and `head` are as they were named; `head` is `None`, and its id empty, where the work
    tree was compared as it lies there. `merge_bases` are the best common ancestors.
    """

    base: str
    head: str | None
    base_id: str
    head_id: str = ""
    merge_bases: tuple[str, ...] = ()

    @property
    def is_merged(self) -> bool:
        """Whether the base had moved on, so that head had to be merged into it."""
        return not {self.base_id, self.head_id} & set(self.merge_bases) and bool(self.head_id)

    @staticmethod
    def of(merge: Merge, base: str, head: str | None) -> Compared:
        """Return what a merge compared, given what its sides were called."""
        revision = merge.base_id or merge.base.revision or ""
        return Compared(base, head, revision, merge.head_id, merge.merge_bases)


@dataclass(frozen=True)
class PlanReport:
    """A plan and the judgement that it rests on.

    `touches` are the gates, proofs, policies and layers that the changes concern, in order;
    `affected` holds for each changed document the documents that lean on it through references,
    near ones first. `compared` is there where that was done with a Git ref. `halts` are the guards
    that stop anything there now, or will; `drafts` the records that are owed and nobody wrote.
    """

    plan: Plan
    judgement: Judgement
    touches: tuple[Touch, ...] = ()
    affected: Mapping[Address, tuple[Address, ...]] = field(default_factory=dict)
    compared: Compared | None = None
    halts: tuple[Halt, ...] = ()
    drafts: tuple[RecordDraft, ...] = ()

    @property
    def by_layer(self) -> Mapping[tuple[str, ...], tuple[PlanItem, ...]]:
        """What differs, by the layers that it is in before or after; what is in none comes last.

        What is cosmetic is left out.
        """
        layers: dict[Target, set[str]] = {}
        for touch in self.touches:
            if touch.is_layer:
                layers.setdefault(touch.target, set()).add(touch.name)
        found: dict[tuple[str, ...], list[PlanItem]] = {}
        for item in self.plan.items:
            if item.changes or (item.change.paths and not item.change.is_cosmetic):
                standing = layers.get(item.change.target, set()) | set(item.layers)
                found.setdefault(tuple(sorted(standing)), []).append(item)
        return {key: tuple(found[key]) for key in sorted(found, key=lambda key: (not key, key))}

    @property
    def cosmetic(self) -> tuple[Change, ...]:
        """The documents that only their files say otherwise."""
        return tuple(item.change for item in self.plan.items if item.change.is_cosmetic)

    @property
    def categories(self) -> Mapping[Category, int]:
        """How many changes there are of each category."""
        found = Counter(item.change.category for item in self.plan.items)
        return {category: found[category] for category in Category}


def make_plan(
    loaded: Loaded,
    comparison: Comparison,
    plugins: PluginManager,
    context: Context,
    environment: EnvironmentFacts,
    protection: Protection | None = None,
    only: Collection[Target] | None = None,
) -> PlanReport:
    """Compare, judge and collect what is owed; no side effects.

    What the trust ref says binds with `protection`, which protected environments have. Where `only`
    some targets are to change, the others stay as they are.
    """
    snapshot, base = loaded.snapshot, comparison.base
    differing = comparison.differing
    if base is not None and differing is None:
        differing = differing_paths(base.tree, snapshot.tree)
    known = comparison.paths if base is None else documents_in(differing or (), base, snapshot)
    former = {a: comparison.paths[a] for a in known if snapshot.get(a) is None}
    deletions = tuple(check_deletions(snapshot, former)) if former else ()
    told = _without_dangling(loaded, deletions)
    is_stored = snapshot.tree.revision is not None
    converted = () if is_stored else conversions(snapshot.tree, governed_paths(snapshot))
    told = replace(told, diagnostics=(*told.diagnostics, *deletions, *converted))
    changes = (
        compute_changes(snapshot, comparison.baseline, placements_of(snapshot))
        if base is None
        else _between(base, snapshot, differing or frozenset(), comparison.baseline.name)
    )
    if base is None:
        changes = _as_moved(changes, comparison, snapshot)
    changes = _as_read(changes, comparison, told)
    if protection is not None:
        changes = (*changes, *protection.governed(snapshot, comparison.baseline, changes))
    if only is not None:
        changes = tuple(change for change in changes if change.target in only)
    changes = categorize(changes, comparison.values, snapshot)
    return plan_changes(told, changes, comparison, plugins, context, environment, protection)


def _between(
    base: Snapshot, snapshot: Snapshot, differing: Collection[str], name: str
) -> tuple[Change, ...]:
    """Compare two trees; where a contract differs, any document may have come out of a layer."""
    before, after = (Side(one, placements_of(one)) for one in (base, snapshot))
    contracts = (*base.of_model(LayerContractSpec), *snapshot.of_model(LayerContractSpec))
    others = (
        {a for side in (before, after) for a in side.placements if _wakes(a, before, after)}
        if any(contract.place.path in differing for contract in contracts)
        else ()
    )
    return compare_trees(before, after, differing, name, others)


def _wakes(address: Address, before: Side, after: Side) -> bool:
    return before.is_dormant(address) != after.is_dormant(address)


def plan_changes(
    loaded: Loaded,
    changes: tuple[Change, ...],
    comparison: Comparison,
    plugins: PluginManager,
    context: Context,
    environment: EnvironmentFacts,
    protection: Protection | None = None,
    inputs: Digest | None = None,
) -> PlanReport:
    """Judge the changes of a snapshot and collect what they touch and owe; no side effects.

    `inputs` is what a run of the one change is given. Where a person signed an item of the plan
    that automation would act on, it is judged again.
    """
    about = (loaded, changes, comparison, plugins, context, environment, protection, inputs)
    report = _planned(*about, {})
    if protection is None:
        return with_drafts(report, plugins, _held(comparison))
    signers = protection.signers(environment.name, report.plan.changing, context.clock.now())
    report = _planned(*about, signers) if signers else report
    return with_drafts(report, plugins, _held(comparison) or protection.latest)


def _held(comparison: Comparison) -> str | None:
    """Return the commit that is compared with, where it is one."""
    return comparison.base.tree.revision if comparison.base is not None else None


def _planned(
    loaded: Loaded,
    changes: tuple[Change, ...],
    comparison: Comparison,
    plugins: PluginManager,
    context: Context,
    environment: EnvironmentFacts,
    protection: Protection | None,
    inputs: Digest | None,
    signers: Mapping[str, Address],
) -> PlanReport:
    """Plan the changes, of which `signers` act on theirs and automation on the others."""

    def judged(these: Loaded) -> Judgement:
        return judge(
            these,
            plugins,
            context,
            environment,
            changes=changes,
            before=comparison.values,
            former_paths=comparison.paths,
            former=comparison.base,
            signers=signers,
        )

    judgement = judged(loaded)
    subject = judgement.subject
    obligations = _answers(plugins, "chimera_owe", subject, ESSENTIAL_CREDITORS)
    if protection is not None:
        bound = protection.bind(loaded.snapshot)
        if bound is not None:
            other = judged(Loaded(bound, ()))
            obligations += _answers(plugins, "chimera_owe", other.subject, ESSENTIAL_CREDITORS)
            judgement = protection.stricter(judgement, other)
        revision = loaded.snapshot.tree.revision
        obligations += protection.returning(environment.name, changes, revision)
    touches = _answers(plugins, "chimera_touch", subject, ())
    plan = build_plan(
        environment,
        comparison.baseline,
        changes,
        subject.placements,
        obligations,
        waivers_of(loaded.snapshot),
    )
    if inputs is not None:
        plan = replace(plan, items=tuple(replace(item, inputs=inputs) for item in plan.items))
    changed = [
        item.change.target for item in plan.changing if isinstance(item.change.target, Address)
    ]
    return PlanReport(
        plan,
        judgement,
        tuple(sorted(touches, key=lambda t: (str(t.source), t.name, str(t.target), t.asks))),
        affected_by(changed, loaded.snapshot),
    )


def _answers(
    plugins: PluginManager, hook: str, subject: Subject, essential: Collection[str]
) -> list[Any]:
    """Return what every plugin answers; raises `ChimeraError` where one cannot."""
    answers, silent = ask(plugins, hook, essential, subject=subject)
    if silent:
        raise ChimeraError(
            "; ".join(reason for verdict in silent for reason in verdict.reasons),
            help="fix or remove the plugin: without its word no plan is complete",
        )
    return answers


def _as_moved(
    changes: Iterable[Change], comparison: Comparison, snapshot: Snapshot
) -> tuple[Change, ...]:
    """Call a document changed that stands in other layers because its file moved."""
    contracts = contracts_of(snapshot)
    placer = Placer(contracts)

    def moved(change: Change) -> Change:
        document = snapshot.get(change.target) if isinstance(change.target, Address) else None
        path = comparison.paths.get(document.address) if document is not None else None
        if change.changes or document is None or path is None or path == document.place.path:
            return change
        left, entered = (
            placer.standing(document.kind.name, where, document.layers)
            for where in (path, document.place.path)
        )
        if left == entered:
            return change
        names = ([layer.name for layer in layers] for layers in (left, entered))
        return as_moved(change, (path, document.place.path), *names)

    return tuple(map(moved, changes)) if contracts else tuple(changes)


def _as_read(
    changes: Iterable[Change], comparison: Comparison, loaded: Loaded
) -> tuple[Change, ...]:
    """Call nothing deleted that only cannot be read: its file has a fault, which is told."""
    broken = {d.where.path for d in loaded.diagnostics if has_errors((d,))}

    def read(change: Change) -> Change:
        path = comparison.paths.get(change.target) if isinstance(change.target, Address) else None
        if change.action is not Action.DELETE or path not in broken:
            return change
        reason = f"cannot be read: {path} has a fault"
        return replace(change, action=Action.NO_OP, after=change.before, reason=reason)

    return tuple(map(read, changes))


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

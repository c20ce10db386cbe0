"""Apply: carry out the changes of a permitted plan, in the order in which they refer to each other.

Takes a `Permit` and nothing else: a plan that the gate has not let through cannot be applied. A
change that fails holds back the changes that refer to it, and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal

from chimera.context import Context
from chimera.documents import open_work_tree
from chimera.gate import Permit
from chimera.kinds import Snapshot, Subject, references_of
from chimera.model import (
    Action,
    Address,
    Change,
    ChimeraError,
    Digest,
    GateError,
    Outcome,
    PathSet,
    StaleError,
    Target,
)
from chimera.plan import Plan, PlanItem, governed_globs, target_digests
from chimera.plugin import PluginManager
from chimera.runtime.executors import BUILT_IN
from chimera.runtime.guarding import RunGuard, halt_of
from chimera.runtime.result import RunResult
from chimera.runtime.runs import Runs
from chimera.runtime.settings import RunSettings, settings_of
from chimera.runtime.task import Build, ReconcileTask, RunError
from chimera.state import Applied, ItemKey, Json, RunStatus, StateWriter

WriteRecord = Callable[[str, str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one change; `run` is the run that carried it out, if it took one.

    One that is `waiting` has a run that is not over, and goes on when what it waits for has come.
    """

    change: Change
    status: Literal["applied", "failed", "blocked", "waiting"]
    outcome: Outcome = Outcome.PASSED
    run: str | None = None
    message: str = ""
    help: str | None = None


def apply(
    permit: Permit,
    plan: Plan,
    subject: Subject,
    state: StateWriter,
    context: Context,
    plugins: PluginManager,
    record: WriteRecord,
    asked: Asked | None = None,
    guards: tuple[RunGuard, ...] = (),
) -> tuple[ItemResult, ...]:
    """Carry out every change of `plan`; raises `GateError` unless `permit` is for exactly it.

    Called while the apply lock is held, so that what the permit was given for is what is there.
    `asked` is there for the `run` of an applied document. `guards` are asked before each change,
    and between the steps of its run.
    """
    if not permit.admits(plan):
        raise GateError(
            "the permit is for another plan", help="let the gate weigh the plan that is applied"
        )
    applier = _Applier(permit, plan, subject, state, context, plugins, record, asked, guards)
    return tuple(applier.run())


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is asked for with: the inputs that were given, and what made it due.

    It goes on with no run that stands as one of `passing_over`: whoever asks for a run while one
    waits wants another. `begun` is put into collections with the transaction in which it begins,
    and `settings` are how runs are executed this time, if not as documents say.
    """

    inputs: Mapping[str, Any]
    settings: RunSettings | None = None
    passing_over: Collection[RunStatus] = (RunStatus.WAITING, RunStatus.PAUSED)
    begun: Mapping[ItemKey, Json] = field(default_factory=dict)


@dataclass
class TargetRuns:
    """Starts runs for one target, and remembers the last one."""

    runs: Runs
    target: str
    asked: Asked | None = None
    last: str | None = None

    def __call__(self, definition: Json, build: Build, input: Json, concurrency: int) -> RunResult:
        """Run a definition durably, or go on with the run of it that is not settled."""
        asked = self.asked
        result = self.runs.carry_out(
            *(self.target, definition, build, input, concurrency),
            passing_over=asked.passing_over if asked else (),
            begun=asked.begun if asked else None,
        )
        self.last = result.run
        return result


@dataclass
class _Applier:
    permit: Permit
    plan: Plan
    subject: Subject
    state: StateWriter
    context: Context
    plugins: PluginManager
    record: WriteRecord
    asked: Asked | None
    guards: tuple[RunGuard, ...]

    def run(self) -> Iterator[ItemResult]:
        """Yield what became of each change; an interruption ends it, what is done stays done."""
        stopped: set[Target] = set()
        items = in_order(self.plan, self.subject)
        progress = self.context.progress
        if len(items) > 1:
            progress.start("apply", len(items))
        for number, item in enumerate(items):
            progress.advance("apply", number, str(item.change.target))
            waits_for = self._needs(item) & stopped
            if waits_for:
                result = ItemResult(
                    item.change,
                    "blocked",
                    Outcome.FAILED,
                    message=f"waits for {', '.join(sorted(map(str, waits_for)))}",
                )
            else:
                result = self._halted(item.change) or self._carry_out(item)
            if result.status != "applied":
                stopped.add(item.change.target)
            yield result
            if result.outcome is Outcome.INTERRUPTED:
                break
        progress.finish("apply")

    def _needs(self, item: PlanItem) -> set[Target]:
        return set(references(item.change.target, self.subject))

    def _halted(self, change: Change) -> ItemResult | None:
        """Return that a guard stops a change, engaged since the gate let it through."""
        now, environment = self.context.clock.now(), self.plan.environment
        halt = halt_of(self.guards, now, environment, str(change.target))
        if halt is None:
            return None
        message = f"{halt.guard} stops it: {halt.said}"
        help = f"{halt.lift}, and apply again: what was applied stays so"
        return ItemResult(change, "failed", Outcome.FAILED, message=message, help=help)

    def _carry_out(self, item: PlanItem) -> ItemResult:
        change = item.change
        if change.is_move:
            self._keep_moved(change)
            return ItemResult(change, "applied")
        runs = TargetRuns(self._runs(), str(change.target), self.asked)
        try:
            outputs = self._reconcile(change, runs)
        except ChimeraError as error:
            told = (error.outcome, runs.last, error.message, error.help)
            is_waiting = isinstance(error, RunError) and error.result.status is RunStatus.WAITING
            return ItemResult(change, "waiting" if is_waiting else "failed", *told)
        self._keep(change, outputs, runs.last)
        return ItemResult(change, "applied", run=runs.last)

    def _runs(self) -> Runs:
        snapshot, environment = self.subject.snapshot, self.plan.environment
        settings = self.asked.settings if self.asked else None
        return Runs(
            *(self.state, self.context, environment),
            settings=replace(
                settings or settings_of(self.plugins, snapshot, environment), guards=self.guards
            ),
            executors=snapshot.registry.executors or BUILT_IN,
        )

    def _reconcile(self, change: Change, runs: TargetRuns) -> Mapping[str, Any] | None:
        """Let the kind's plugin carry the change out; a kind without one is only recorded."""
        if not isinstance(change.target, Address):
            return None
        snapshot = self.subject.snapshot
        task = ReconcileTask(
            change=change,
            document=None if change.action is Action.DELETE else snapshot.get(change.target),
            before=self.subject.before.get(change.target),
            snapshot=snapshot,
            environment=self.subject.environment,
            context=self.context,
            operations=snapshot.registry.operations,
            root=snapshot.tree.root,
            record=self.record,
            run_steps=runs,
        )
        hook = self.plugins.hook
        outputs: Mapping[str, Any] | None
        self._refuse_edited(change)
        if change.action is Action.RUN:
            # Before it begins: one that is interrupted goes on without asking, and is not to leave
            # the approval for another.
            self.state.spend(self.plan.environment, str(change.target), self._approvals(change))
            inputs = self.asked.inputs if self.asked else {}
            outputs = hook.chimera_execute(task=task, inputs=inputs)
        else:
            outputs = hook.chimera_reconcile(task=task)
        return outputs

    def _refuse_edited(self, change: Change) -> None:
        """Refuse an executable document whose paths are not what the permit was given for.

        What is executed reads the work tree: it may be dirty where a commit was planned, edited
        since the document was applied, or written by what was executed before.
        """
        snapshot = self.subject.snapshot
        document = snapshot.get(change.target) if isinstance(change.target, Address) else None
        if change.after is None or document is None or not document.kind.executable:
            return
        if not governed_globs(document):
            return
        tree = open_work_tree(snapshot.tree.root)
        here = target_digests(Snapshot.of(tree, snapshot.registry, (document,)))
        if here[change.target] != change.after:
            raise StaleError(
                f"{', '.join(governed_globs(document))} in the work tree is not what was permitted",
                help="apply from a clean checkout in which nothing writes to these paths",
            )

    def _keep(self, change: Change, outputs: Mapping[str, Any] | None, run: str | None) -> None:
        """Record that the environment now holds this, and spend what let it through, as one."""
        target, environment = str(change.target), self.plan.environment
        approvals = () if change.action is Action.RUN else self._approvals(change)
        if change.after is None:
            self.state.remove_applied(environment, target, approvals)
            return
        document = (
            self.subject.snapshot.get(change.target) if isinstance(change.target, Address) else None
        )
        applied = Applied(
            target,
            change.after,
            self.context.clock.now(),
            value=document.value if document else None,
            path=document.place.path if document else None,
            outputs=outputs,
            run=run,
            revision=self._revision(change),
        )
        self.state.put_applied(environment, applied, approvals)

    def _approvals(self, change: Change) -> tuple[Digest, ...]:
        return self.permit.approvals.get(str(change.target), ())

    def _revision(self, change: Change) -> str | None:
        """Return the commit that the target is applied from: a run changes nothing of it."""
        if change.action is Action.RUN:
            return self.state.applied(self.plan.environment)[str(change.target)].revision
        return self.subject.snapshot.tree.revision

    def _keep_moved(self, change: Change) -> None:
        """Record where a document is now; what it brought about, it brought about already."""
        applied = self.state.applied(self.plan.environment)[str(change.target)]
        self._keep(change, applied.outputs, applied.run)


def references(target: Target, subject: Subject) -> Iterator[Address]:
    """Yield the documents that a target refers to."""
    if isinstance(target, Address) and (document := subject.snapshot.get(target)) is not None:
        yield from (use.target for use in references_of(document))


def in_order(plan: Plan, subject: Subject) -> list[PlanItem]:
    """Return the changing items so that what is referred to comes first, and deletes come last.

    Documents that refer to each other in a ring come in order of address.
    """
    items = {item.change.target: item for item in plan.changing}
    kept = [t for t, item in items.items() if item.change.action is not Action.DELETE]
    sorter: TopologicalSorter[Target] = TopologicalSorter()
    for target in kept:
        sorter.add(target, *(t for t in references(target, subject) if t in items))
    try:
        order = [t for t in _by_rounds(sorter) if items[t].change.action is not Action.DELETE]
    except CycleError:
        order = kept
    deleted = [t for t in items if t not in kept]
    return [items[t] for t in (*order, *deleted)]


def _by_rounds(sorter: TopologicalSorter[Target]) -> Iterator[Target]:
    """Yield targets so that each follows what it refers to, in order of address where it can be."""
    sorter.prepare()
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=lambda t: (isinstance(t, PathSet), str(t)))
        yield from ready
        sorter.done(*ready)

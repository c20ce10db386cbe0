"""Continuing: take runs that were begun as far as they go, as they are pinned.

What was permitted when it began asks freezes and guards again, and nothing else: approvals and
proofs let it through once. Refuses a run of which the files are no longer what was permitted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from chimera.documents import RawDocument, open_commit
from chimera.gate import permit, weigh
from chimera.kinds import Document, Loaded, Model, Snapshot, load_values
from chimera.model import (
    Action,
    Address,
    Change,
    ChimeraError,
    Digest,
    Finding,
    GateError,
    Outcome,
    StaleError,
    UsageError,
    is_dormant,
)
from chimera.plan import governed_globs, target_digests
from chimera.runtime import (
    Engine,
    Graph,
    ReconcileTask,
    RunError,
    RunResult,
    RunStatus,
    RunSteps,
    migrate_run,
)
from chimera.runtime.pinned import PinnedRun, outlined
from chimera.runtime.settings import RunSettings, settings_of
from chimera.state import Applied, Run, StateWriter
from chimera.workspace.comparing import against_state
from chimera.workspace.guarding import Guards, guarding, tell
from chimera.workspace.history import StepHistory, waits
from chimera.workspace.judging import placements_of
from chimera.workspace.planning import plan_changes
from chimera.workspace.protection import environment_facts, protect, protection_in
from chimera.workspace.recording import Recorder
from chimera.workspace.ruling import rule, weighing_of
from chimera.workspace.run_planning import plan_run

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace


_SHORT = timedelta(seconds=10)


def settings_for(
    workspace: Workspace, snapshot: Snapshot, environment: str, waits: bool | None = None
) -> RunSettings:
    """Return how runs are executed: as documents say, and whether waits are sat through.

    Where nobody says, those are that are over soon.
    """
    told = settings_of(workspace.plugins, snapshot, environment)
    if workspace.listeners is not None:
        told = replace(told, bus=workspace.listeners.tell)
    if waits is None:
        return replace(told, short_wait=_SHORT)
    return replace(told, patience=None if waits else timedelta())


@dataclass(frozen=True, slots=True)
class Continued:
    """What became of one run: how it ended, or why it was not continued."""

    run: Run
    result: RunResult | None
    message: str = ""
    help: str | None = None
    waits: tuple[StepHistory, ...] = ()
    """What it waits for, where it does."""

    @property
    def outcome(self) -> Outcome:
        """Failed where it was refused; a run that waits has not failed."""
        return Outcome.FAILED if self.result is None or self.message else self.result.outcome


def continue_runs(
    workspace: Workspace, state: StateWriter, runs: Iterable[Run], settings: RunSettings
) -> Iterator[Continued]:
    """Execute what is left of `runs`, side by side; yield each when it is over."""
    with guarding(workspace) as guards:
        yield from _Continuing(workspace, state, guards).run(runs, settings)


@dataclass(frozen=True)
class _Subject:
    """A document as a run is pinned to it, over what its environment holds."""

    document: Document[Model]
    loaded: Loaded
    change: Change


class _Continuing:
    """Several runs being continued under one lock."""

    def __init__(self, workspace: Workspace, state: StateWriter, guards: Guards = ()) -> None:
        self._guards = guards
        self._workspace = workspace
        self._state = state
        self._subjects: dict[tuple[str, str, str], _Subject | ChimeraError] = {}
        self._refused: deque[Continued] = deque()
        self._pinned: dict[str, PinnedRun] = {}

    def run(self, runs: Iterable[Run], settings: RunSettings) -> Iterator[Continued]:
        """Yield what became of each run."""
        engine = Engine(
            self._state,
            self._workspace.context,
            settings=replace(settings, guards=self._guards),
            executors=self._workspace.registry.executors,
        )
        for result in engine.execute_all(self._admitted(runs)):
            yield from self._told()
            yield self._conclude(result)
        yield from self._told()

    def _told(self) -> Iterator[Continued]:
        while self._refused:
            yield self._refused.popleft()

    def _admitted(self, runs: Iterable[Run]) -> Iterator[tuple[Run, Callable[[], Graph]]]:
        """Yield the runs that nothing stops, with their graphs, when there is room for them."""
        for run in runs:
            try:
                pinned = PinnedRun(run, partial(self.carry, run, self._subject(run)))
                graph = pinned.graph()
            except ChimeraError as error:
                self._refused.append(Continued(run, None, error.message, error.help))
                continue
            self._pinned[run.uid] = pinned
            yield run, partial(_as_is, graph)

    def _subject(self, run: Run) -> _Subject:
        """Return what the run is of; raises `ChimeraError` where something stops it."""
        key = (run.environment, run.target, run.digest)
        if key not in self._subjects:
            try:
                self._subjects[key] = self._look(run)
            except ChimeraError as error:
                self._subjects[key] = error
        found = self._subjects[key]
        if isinstance(found, ChimeraError):
            raise found
        return found

    def _look(self, run: Run) -> _Subject:
        applied = self._state.applied(run.environment)
        subject = pinned_subject(self._workspace, run, applied)
        self._refuse_deleted(run, applied)
        self._refuse_dormant(run, subject)
        self._refuse_edited(run, subject)
        self._refuse_stopped(run, subject)
        return subject

    def _refuse_deleted(self, run: Run, applied: Mapping[str, Applied]) -> None:
        """Refuse a run of what is gone; one that an apply began may not be applied yet."""
        here = self._workspace.loaded.snapshot.get(Address.parse(run.target))
        if run.target not in applied and here is None:
            raise GateError(
                f"run {run.uid} may not go on: {run.target} was deleted from {run.environment}",
                help="bring the document back and apply it, or cancel the run",
            )

    def _refuse_dormant(self, run: Run, subject: _Subject) -> None:
        """Refuse to act for a layer that fell asleep since, also by a workflow inside another."""
        snapshots = (subject.loaded.snapshot, self._workspace.loaded.snapshot)
        inside = run.definition.get("workflows", {}) if isinstance(run.definition, dict) else {}
        for address in (run.target, *inside):
            target = Address.parse(address)
            if any(is_dormant(placements_of(one).get(target, ())) for one in snapshots):
                raise GateError(
                    f"run {run.uid} may not go on: {target} stands in a dormant layer",
                    help="activate the layer, with all that its contract asks for, or cancel the "
                    "run",
                )

    def _refuse_edited(self, run: Run, subject: _Subject) -> None:
        """Refuse to execute what reads files that are not as they were when it was permitted."""
        globs = governed_globs(subject.document)
        began = run.definition.get("digest") if isinstance(run.definition, dict) else None
        if not globs or began is None:
            return
        here = target_digests(
            Snapshot.of(self._workspace.tree, self._workspace.registry, (subject.document,))
        )
        if here[subject.document.address] != began:
            raise StaleError(
                f"{', '.join(globs)} in the work tree is not what the run began with",
                help="bring the files back as they were, or cancel the run and start a new one",
            )

    def _refuse_stopped(self, run: Run, subject: _Subject) -> None:
        """Raise `GateError` where a freeze or a guard stops the target."""
        workspace, state = self._workspace, self._state
        loaded = subject.loaded
        comparison = against_state(state, run.environment)
        facts = environment_facts(workspace, run.environment, loaded)
        protection = protection_in(workspace, facts, loaded, state)
        about = (loaded, (subject.change,), comparison, workspace.plugins, workspace.context, facts)
        planned = plan_changes(*about, protection)
        if planned.plan.protected:
            protect(workspace, open_commit(workspace.root, "HEAD"))
        ruling = weigh(weighing_of(workspace, loaded, planned, state), workspace.plugins)
        reasons = [
            reason
            for stage in ruling.stages
            if stage.stage in {"freeze", "guard"}
            for verdict in stage.verdicts
            if verdict.finding is not Finding.PASS
            for reason in verdict.reasons
        ]
        if reasons:
            raise GateError(
                f"run {run.uid} of {run.target} may not go on: {'; '.join(dict.fromkeys(reasons))}",
                help="it can go on when that is over, or be cancelled",
            )
        tell(workspace, self._guards, loaded, planned)

    def carry(self, run: Run, subject: _Subject, steps: RunSteps) -> Mapping[str, Any] | None:
        """Ask the kind's plugin to carry the run out with `steps`."""
        workspace = self._workspace
        task = ReconcileTask(
            change=subject.change,
            document=subject.document,
            before=subject.document.value,
            snapshot=subject.loaded.snapshot,
            environment=environment_facts(workspace, run.environment, subject.loaded),
            context=workspace.context,
            operations=workspace.registry.operations,
            root=workspace.root,
            record=Recorder(workspace.root, workspace.context).write,
            run_steps=steps,
        )
        outputs: Mapping[str, Any] | None = workspace.plugins.hook.chimera_execute(
            task=task, inputs=run.input or {}
        )
        return outputs

    def _conclude(self, result: RunResult) -> Continued:
        """Keep what a run that succeeded brought about."""
        pinned = self._pinned.pop(result.run)
        run = pinned.run
        try:
            outputs = pinned.conclude(result)
        except RunError:
            is_waiting = result.status is RunStatus.WAITING
            held = waits(self._state.events(run.uid)) if is_waiting else ()
            return Continued(run, result, waits=held)
        except ChimeraError as error:
            return Continued(run, result, error.message, error.help)
        entry = self._state.applied(run.environment).get(run.target)
        if entry is not None and _is_of(run, entry):
            now = self._workspace.context.clock.now()
            self._state.put_applied(
                run.environment, replace(entry, outputs=outputs, run=run.uid, at=now)
            )
        return Continued(run, result)


def _as_is(graph: Graph) -> Graph:
    return graph


def _is_of(run: Run, entry: Applied) -> bool:
    """Tell whether a run is of what is applied now, so that what it gave is what is held."""
    spec = entry.value.get("spec") if entry.value is not None else None
    return isinstance(run.definition, dict) and run.definition.get("spec") == spec


def pinned_subject(workspace: Workspace, run: Run, applied: Mapping[str, Applied]) -> _Subject:
    """Return the document that a run is pinned to, over what its environment holds.

    Raises `UsageError` for a definition that holds no document.
    """
    target = Address.parse(run.target)
    entry = applied.get(run.target)
    here = workspace.loaded.snapshot.get(target)
    value = entry.value if entry and entry.value else here.value if here else {}
    if not isinstance(run.definition, dict) or "spec" not in run.definition:
        raise UsageError(
            f"run {run.uid} is of nothing that goes on by itself",
            help=f"`chimera apply --env {run.environment}` continues it",
        )
    value = {
        "apiVersion": "chimera/v1",
        "kind": target.kind,
        "metadata": {"name": target.name},
        **value,
        "spec": run.definition["spec"],
    }
    path = (entry.path if entry else here.place.path if here else None) or "the run"
    raw = [
        RawDocument(other.path or "", 0, dict(other.value))
        for name, other in applied.items()
        if other.value is not None and name != run.target
    ]
    loaded = load_values(workspace.tree, (*raw, RawDocument(path, 0, value)), workspace.registry)
    document = loaded.snapshot.get(target)
    if document is None:
        raise UsageError(
            f"the definition of run {run.uid} can no longer be read",
            help="bring back the plugins that it needs, or cancel the run",
        )
    digest = entry.digest if entry else document.digest
    return _Subject(document, loaded, Change(target, Action.RUN, digest, digest, "goes on"))


def migrate(workspace: Workspace, uid: str, reason: str) -> Run:
    """Move a run to the definition of its document that is applied now.

    Raises `UsageError` where the document is not applied, and `ChimeraError` for what has finished
    and would not be the same.
    """
    context = workspace.context
    with workspace.open_state(f"runs migrate {uid}") as state:
        run = state.run(uid)
        entry = state.applied(run.environment).get(run.target)
        if entry is None or entry.value is None:
            raise UsageError(
                f"{run.target} is not applied to {run.environment}",
                help=f"apply the definition first: `chimera apply --env {run.environment}`",
            )
        continuing = _Continuing(workspace, state)
        now = replace(run, definition={"spec": entry.value["spec"]})
        subject = pinned_subject(workspace, now, state.applied(run.environment))
        seen = outlined(partial(continuing.carry, run, subject))
        approvals = _permitted(workspace, run, state)
        with state.transaction():
            state.spend(run.environment, run.target, approvals)
            return migrate_run(state, context, uid, seen.definition, seen.build, reason)


def _permitted(workspace: Workspace, run: Run, state: StateWriter) -> tuple[Digest, ...]:
    """Return by which approvals the applied definition may run; raises `GateError` where not.

    A run was permitted with the definition that it began with, and moves into what was not. What
    is not protected asks when it goes on.
    """
    given = run.input if isinstance(run.input, dict) else {}
    loaded, planned = plan_run(workspace, Address.parse(run.target), state, run.environment, given)
    if not planned.plan.protected:
        return ()
    protect(workspace, open_commit(workspace.root, "HEAD"))
    ruling = rule(workspace, loaded, planned, state)
    if ruling.outcome is not Outcome.PASSED:
        reasons = [reason for verdict in ruling.refusals for reason in verdict.reasons]
        raise GateError(
            f"run {run.uid} may not move: {'; '.join(dict.fromkeys(reasons))}",
            help="it takes what a new run of the applied definition takes",
        )
    return permit(ruling).approvals.get(run.target, ())

"""Controlling runs: pause, cancel, signal, retry and go on, from any process.

Whoever executes a run takes what is asked of it; where nobody does, it is taken here. Refuses to
execute what another process has under way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from chimera.gate import environments
from chimera.model import GateError, Outcome, Result, StateError, UsageError
from chimera.runtime import ControlAction, control_run, list_runs, run_status, show_run
from chimera.runtime.fold import StepStatus
from chimera.state import Holder, Json, LogLine, Pruned, Run, RunStatus, StateWriter
from chimera.workspace.continuing import Continued, continue_runs, migrate, settings_for
from chimera.workspace.history import refuse_answer
from chimera.workspace.history import waits as waits_for
from chimera.workspace.naming import LATEST
from chimera.workspace.protection import protects
from chimera.workspace.run_planning import applied_snapshot

if TYPE_CHECKING:
    from chimera.workspace.inspecting import RunDetails
    from chimera.workspace.outlining import RunOutline
    from chimera.workspace.running import DueReport
    from chimera.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Told:
    """A run that was told something, and who executes it, if anybody does."""

    run: Run
    holder: Holder | None


@dataclass(frozen=True, slots=True)
class GoneOn:
    """A run that was to go on: how far it came here, or who executes it elsewhere."""

    told: Told
    continued: Continued | None


class RunControl:
    """The runs of one repository, looked at and controlled from any process."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def list(
        self,
        limit: int = 20,
        *,
        statuses: Collection[RunStatus] = (),
        environment: str | None = None,
        target: str | None = None,
    ) -> tuple[Run, ...]:
        """Return the newest runs, the newest first."""
        most = -1 if statuses else limit
        found = list_runs(self._workspace.root, environment=environment, target=target, limit=most)
        chosen = (run for run in found if not statuses or run.status in statuses)
        return tuple(islice(chosen, limit))

    def find(self, named: str) -> str:
        """Return the id of the run that is named: by `latest`, or by how its id begins.

        Raises `UsageError` where there is none, or more than one.
        """
        with self._workspace.read_state() as state:
            found = state.run_ids("" if named == LATEST else named, 2)
        if not found:
            raise UsageError(f"there is no run {named}", help="list them with `chimera runs list`")
        if len(found) > 1 and named not in (*found, LATEST):
            raise UsageError(
                f"more than one run begins with {named!r}: {found[1]} and {found[0]}",
                help="write more of the id",
            )
        return named if named in found else found[0]

    def status(self, uid: str) -> Run:
        """Return where one run stands; raises `UsageError` for an unknown one."""
        return run_status(self._workspace.root, uid)

    def details(self, uid: str) -> RunDetails:
        """Return one run, what it did and what it was told."""
        from chimera.workspace.inspecting import run_details

        return run_details(self._workspace, uid)

    def log(self, uid: str, *, step: str | None = None, follow: bool = False) -> Iterator[LogLine]:
        """Yield what the steps of a run wrote; with `follow` as long as somebody executes it."""
        from chimera.workspace.inspecting import read_lines

        return read_lines(self._workspace, uid, step=step, follow=follow)

    def pause(self, uid: str, reason: str = "") -> Told:
        """Let what is in flight finish, and start nothing more."""
        return self._tell(uid, ControlAction.PAUSE, reason)

    def cancel(self, uid: str, reason: str = "") -> Told:
        """End a run for good."""
        return self._tell(uid, ControlAction.CANCEL, reason)

    def signal(self, uid: str, name: str, data: Json = None, reason: str = "") -> Told:
        """Send a signal; each ends one wait for its name. An answer says who gives it.

        Raises `UsageError` where the run asks something that this is no answer to, or not of whom
        sends it.
        """
        actor = self._workspace.context.actor
        with self._workspace.read_state() as state:
            asked = next((w.asks for w in waits_for(state.events(uid)) if w.signal == name), None)
        if asked is not None:
            refuse_answer(asked, data, actor)
        if isinstance(data, dict) and "approved" in data:
            data = {**data, "by": actor.name, "kind": actor.kind}  # never what the data says
        return self._tell(uid, ControlAction.SIGNAL, reason, name=name, data=data)

    def resume(self, uid: str, reason: str = "", *, waits: bool | None = None) -> Result[GoneOn]:
        """Go on with a run here, unless another process has the state."""
        return self._go_on(self._tell(uid, ControlAction.RESUME, reason), waits)

    def retry(
        self, uid: str, stage: str | None, reason: str = "", *, waits: bool | None = None
    ) -> Result[GoneOn]:
        """Try what failed again, or all from a stage on, here unless another has the state.

        Raises `UsageError` where nothing failed and no stage is named, or an unknown one, and
        `GateError` for what has finished in a protected environment.
        """
        if stage is not None:
            self._refuse_again(self.status(uid), stage)
            return self._go_on(self._tell(uid, ControlAction.RETRY, reason, name=stage), waits)
        run = self.status(uid)
        if run.status is not RunStatus.FAILED:
            raise UsageError(
                f"run {uid} has not failed: it is {run.status.value}",
                help=f"name the stage to do again, `chimera runs retry {uid} --from STAGE`",
            )
        return self._go_on(self._tell(uid, ControlAction.RESUME, reason), waits)

    def migrate(self, uid: str, reason: str = "") -> Run:
        """Move a run that is not over to the definition that is applied now."""
        return migrate(self._workspace, uid, reason)

    def prune(self, older_than: timedelta | None = None) -> Pruned:
        """Forget runs that ended longer ago; without an age, than documents say they are kept.

        Raises `UsageError` where nobody says how long that is.
        """
        workspace = self._workspace
        with workspace.open_state("runs prune") as state:
            if older_than is None:
                older_than = self._retention(state)
            return state.prune(before=workspace.context.clock.now() - older_than)

    def _retention(self, state: StateWriter) -> timedelta:
        """Return how long runs are kept: the longest that any environment in use asks for."""
        workspace = self._workspace
        names = environments(workspace.loaded.snapshot)
        found = [
            settings_for(workspace, applied_snapshot(workspace, applied).snapshot, name).retention
            for name in names
            if (applied := state.applied(name))
        ]
        if None in found or not found:
            raise UsageError(
                "no document says how long runs are kept",
                help="give --older-than DAYS, or a workflowHistoryRetention in an Orchestrator",
            )
        return max(age for age in found if age is not None)

    def outline(
        self, address: str, inputs: Mapping[str, Any], *, environment: str = "local"
    ) -> Result[RunOutline]:
        """Say what `Workspace.run` would do and whether it may; nothing is executed."""
        from chimera.workspace.outlining import outline_run

        return outline_run(self._workspace, address, inputs, environment=environment)

    def due(self, *, environment: str = "local", waits: bool | None = None) -> Result[DueReport]:
        """Go on with every run that can, and start what published events ask for."""
        from chimera.workspace.running import run_due

        return run_due(self._workspace, environment=environment, waits=waits)

    def _refuse_again(self, run: Run, stage: str) -> None:
        """Raise where what a protected environment was permitted once would be done twice."""
        if not protects(self._workspace, run.environment):
            return
        step = show_run(self._workspace.root, run.uid).steps.get(stage)
        if step is None or (run.status is RunStatus.FAILED and step.status is StepStatus.FAILED):
            return
        raise GateError(
            f"{run.environment} is protected, and {stage} of run {run.uid} was permitted once",
            help=f"`chimera run {run.target} --env {run.environment}` asks for another permit",
        )

    def _tell(self, uid: str, action: ControlAction, reason: str, **more: Json) -> Told:
        workspace = self._workspace
        run = control_run(workspace.root, workspace.context, uid, action, reason, **more)
        with workspace.read_state() as state:
            return Told(run, state.writer())

    def _go_on(self, told: Told, waits: bool | None) -> Result[GoneOn]:
        """Execute a run here, unless somebody else has the state."""
        if told.holder is not None:
            return Result(GoneOn(told, None), Outcome.PASSED)
        workspace, uid = self._workspace, told.run.uid
        try:
            opened = workspace.open_state(f"runs resume {uid}")
        except StateError:
            with workspace.read_state() as reader:
                holder = reader.writer()
            if holder is None:
                raise
            return Result(GoneOn(Told(told.run, holder), None), Outcome.PASSED)
        with opened as state:
            run = state.run(uid)
            applied = applied_snapshot(workspace, state.applied(run.environment)).snapshot
            settings = settings_for(workspace, applied, run.environment, waits)
            (continued,) = continue_runs(workspace, state, [run], settings)
            run = state.run(uid)
        return Result(GoneOn(Told(run, None), replace(continued, run=run)), continued.outcome)

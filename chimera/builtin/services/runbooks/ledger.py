"""The journal of one procedure that somebody goes through: what was begun, and what came of it.

The apply lock is held for no longer than an entry takes, so that a step can itself apply. A run
stands as paused all the time: it goes on when a person says so, and by nothing else. Refuses to
write where somebody else has gone on with it meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chimera.model import Digest, UsageError, digest_json
from chimera.state import Event, EventKind, Json, Run, RunStatus, Turn

if TYPE_CHECKING:
    from chimera.builtin.services.runbooks.procedures import Runbook
    from chimera.builtin.services.spec.runbook import ProcedureSpec
    from chimera.state import StateWriter
    from chimera.workspace import Workspace

_OPEN = {RunStatus.PAUSED, RunStatus.RUNNING, RunStatus.INTERRUPTED}
"""How a run stands that is not over: one that somebody resumed as other runs are stays as it is."""
_WAIT_TO_BEGIN = 10.0
_WAIT_TO_END = 120.0
"""How long, in seconds, the state is waited for; longer once something has been done."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How a step stands by the journal: begun by somebody at a time, and what came of it.

    Where nothing did, nobody knows whether it took effect.
    """

    by: str
    at: str
    came: Mapping[str, Any] | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether the procedure goes on behind it: a look that finds a fault stops nothing."""
        came = self.came
        return came is not None and (came["outcome"] != "failed" or bool(came.get("passed")))

    @property
    def was_aborted(self) -> bool:
        """Tell whether somebody ended the run here."""
        return self.came is not None and self.came["outcome"] == "aborted"


class Ledger:
    """One run of a procedure, in the state."""

    def __init__(self, workspace: Workspace, run: Run) -> None:
        self._workspace = workspace
        self.run = run
        self._last = 0
        self.entries: dict[str, Entry] = {}
        with workspace.read_state() as state:
            for event in state.events(run.uid):
                self._take(event)

    def _take(self, event: Event) -> None:
        self._last = event.seq
        if not event.step:
            return
        data: Any = event.data or {}
        if event.kind is EventKind.START:
            self.entries[event.step] = Entry(str(data.get("by")), event.at.isoformat())
        else:
            began = self.entries.get(event.step)
            by = began.by if began else str(data.get("by"))
            self.entries[event.step] = Entry(by, event.at.isoformat(), data)

    def begin(self, step: str) -> None:
        """Note that a step is begun, before anything is done for it."""
        self._write(EventKind.START, step, {"by": self._actor}, None, _WAIT_TO_BEGIN)

    def end(self, step: str, came: Mapping[str, Any]) -> None:
        """Note what came of a step."""
        # A look that finds a fault has done what it was for: no step of the system has failed.
        kinds = {"done": EventKind.DONE, "failed": EventKind.FAIL}
        kind = kinds.get(came["outcome"], EventKind.SKIP)
        kind = EventKind.DONE if came.get("passed") else kind
        error = {"error": came["message"]} if kind is EventKind.FAIL else {}
        self._write(kind, step, {**came, **error}, None, _WAIT_TO_END)

    def close(self, status: RunStatus, reason: str = "") -> None:
        """Note that the run is over."""
        told = {"actor": self._actor, "reason": reason}
        is_cancelled = status is RunStatus.CANCELLED
        self._write(EventKind.CANCEL, "", told if is_cancelled else None, status, _WAIT_TO_END)

    def _row(self) -> tuple[None, int, int, int, None]:
        """Return how many steps there are, are over and have failed, as lists of runs show it."""
        definition: Any = self.run.definition
        failed = [e for e in self.entries.values() if e.came and e.came["outcome"] == "failed"]
        over = sum(entry.is_over for entry in self.entries.values())
        return None, len(definition["procedure"]["steps"]), over, len(failed), None

    @property
    def _actor(self) -> str:
        return self._workspace.context.actor.name

    def _write(
        self, kind: EventKind, step: str, data: Json, status: RunStatus | None, wait: float
    ) -> None:
        workspace, uid = self._workspace, self.run.uid
        with workspace.open_state(f"runbook run {self.run.target}", wait) as state:
            self._refuse_other(state)
            event = Event(kind, step, 1, workspace.context.clock.now(), data)
            is_noted = bool(step) or data is not None
            with state.transaction():
                state.record(uid, [event] if is_noted else [], status=status or RunStatus.PAUSED)
                if status is not None:
                    state.settle(self.run.environment, self.run.target)
                for noted in state.events(uid, self._last):
                    self._take(noted)
                state.write(Turn(runs={self.run.number: self._row()}))

    def _refuse_other(self, state: StateWriter) -> None:
        run = state.run(self.run.uid)
        if run.status not in _OPEN:
            raise UsageError(
                f"run {run.uid} is over: {run.status.value}",
                help="begin anew with `chimera runbook run`",
            )
        if state.events(run.uid, self._last):
            raise UsageError(
                f"somebody else has gone on with run {run.uid}",
                help="ask them, and see how it stands with `chimera runs show`; then run it again",
            )


def pinned(runbook: Runbook, procedure: ProcedureSpec) -> dict[str, Any]:
    """Return what a run is pinned to: the procedure as its author wrote it."""
    written: Any = runbook.value["spec"]
    found = next(one for one in written["procedures"] if one["id"] == procedure.id)
    return {
        "runbook": str(runbook.address),
        "procedure": found,
        "allowEnv": list(runbook.spec.allow_env),
    }


def digest_of(definition: Json) -> Digest:
    """Return the digest that a record names."""
    return digest_json(definition["procedure"])


def begin_run(
    workspace: Workspace, environment: str, definition: Mapping[str, Any], values: Mapping[str, str]
) -> Ledger:
    """Begin a run of a procedure; it stands as paused from its first moment."""
    with (
        workspace.open_state("runbook run", _WAIT_TO_BEGIN) as state,
        state.transaction(),
    ):
        run = state.create_run(
            environment, str(definition["runbook"]), dict(definition), {"inputs": dict(values)}
        )
        state.record(run.uid, status=RunStatus.PAUSED)
    return Ledger(workspace, run)


def open_run(workspace: Workspace, environment: str, runbook: str, procedure: str) -> Ledger | None:
    """Return the run of a procedure that was begun and is not over, the newest one, if any."""
    with workspace.read_state() as state:
        for run in state.runs(environment=environment, target=runbook):
            definition: Any = run.definition
            is_open = run.status in _OPEN and isinstance(definition, dict)
            if is_open and definition.get("procedure", {}).get("id") == procedure:
                return Ledger(workspace, run)
    return None

"""Running: execute an applied document now, or all that is due, each under a permit of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from chimera.documents import open_commit
from chimera.gate import Ruling
from chimera.kinds import Snapshot
from chimera.model import Address, ChimeraError, Outcome, Result, has_errors
from chimera.runtime import ItemResult, due_runs
from chimera.runtime.apply import Asked
from chimera.runtime.due import STARTED, Due, not_started, published
from chimera.runtime.outbox import OUTBOX
from chimera.state import Run, RunStatus, StateWriter
from chimera.workspace.applying import NOTHING_PROVEN, carry_out
from chimera.workspace.continuing import Continued, continue_runs, settings_for
from chimera.workspace.history import StepHistory
from chimera.workspace.history import waits as waits_of
from chimera.workspace.planning import PlanReport
from chimera.workspace.protection import protect
from chimera.workspace.proving import ProveReport
from chimera.workspace.ruling import prove_owed, rule
from chimera.workspace.run_planning import applied_snapshot, plan_run

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace


@dataclass(frozen=True)
class RunReport:
    """What was planned, ruled and executed; `outputs` are what the document brought about.

    `run` is the run as it stands now, where there was one.
    """

    planned: PlanReport
    proofs: ProveReport
    ruling: Ruling
    item: ItemResult | None
    outputs: Any = None
    run: Run | None = None
    waits: tuple[StepHistory, ...] = ()
    """What the run waits for, where it does."""
    stood: RunStatus | None = None
    """How the run stood that was gone on with; `None` for one that began."""


@dataclass(frozen=True)
class DueReport:
    """What went on because it was due, and what published events started."""

    continued: tuple[Continued, ...]
    started: tuple[Result[RunReport], ...] = ()


def run(
    workspace: Workspace,
    address: str,
    inputs: Mapping[str, Any],
    *,
    environment: str,
    waits: bool | None = None,
) -> Result[RunReport]:
    """Execute what is applied at `address`; the work tree's definition is not looked at."""
    target = Address.parse(address)
    with workspace.open_state(f"run {target} --env {environment}") as state:
        return _run(workspace, state, target, Asked(inputs), environment, waits)


def _run(
    workspace: Workspace,
    state: StateWriter,
    target: Address,
    asked: Asked,
    environment: str,
    waits: bool | None,
) -> Result[RunReport]:
    loaded, planned = plan_run(workspace, target, state, environment, asked.inputs)
    if planned.plan.protected:
        protect(workspace, open_commit(workspace.root, "HEAD"))
    faults = planned.judgement.diagnostics
    proofs = NOTHING_PROVEN
    if not has_errors(faults):
        proofs = prove_owed(workspace, loaded, planned.plan)
    ruling = rule(workspace, loaded, planned, state)
    if ruling.outcome is not Outcome.PASSED:
        return Result(RunReport(planned, proofs, ruling, None), ruling.outcome, faults)
    settings = settings_for(workspace, loaded.snapshot, environment, waits)
    asked = replace(asked, settings=settings)
    before = state.unsettled_run(environment, str(target))
    (item,) = carry_out(workspace, loaded, planned, ruling, state, asked)
    is_done = item.status == "applied"
    outputs = state.applied(environment)[str(target)].outputs if is_done else None
    begun = state.run(item.run) if item.run is not None else None
    is_waiting = begun is not None and item.status == "waiting"
    held = waits_of(state.events(begun.uid)) if begun is not None and is_waiting else ()
    stood = before.status if before is not None and before.uid == item.run else None
    report = RunReport(planned, proofs, ruling, item, outputs, begun, held, stood)
    return Result(report, item.outcome, faults)


def run_due(
    workspace: Workspace, *, environment: str, waits: bool | None = None
) -> Result[DueReport]:
    """Go on with every run that can, and start what published events ask for, until nothing is due.

    What is started may publish in its turn: raises `ChimeraError` after `_MOST_ROUNDS` of that.
    """
    continued: list[Continued] = []
    started: list[Result[RunReport]] = []
    with workspace.open_state(f"run --due --env {environment}") as state:
        applied = applied_snapshot(workspace, state.applied(environment)).snapshot
        settings = settings_for(workspace, applied, environment, waits)
        due = due_runs(state, environment, workspace.context.clock.now())
        continued += continue_runs(workspace, state, due, settings)
        refused: set[str] = set()
        for _ in range(_MOST_ROUNDS):
            found = [
                one
                for one in _started_by_events(workspace, state, applied, environment)
                if one.target not in refused
            ]
            for one in found:
                result = _start(workspace, state, one, environment, waits)
                started.append(result)
                if result.value.item is None:
                    refused.add(one.target)  # it stays due: what comes later waits for it
            if not found:
                break
        else:
            raise ChimeraError(
                f"events started documents in {_MOST_ROUNDS} rounds, and still more are due: "
                f"{', '.join(sorted(one.target for one in found))}",
                help="break the circle: what an event starts publishes what starts it again",
            )
    outcomes = [*(one.outcome for one in continued), *(one.outcome for one in started)]
    return Result(DueReport(tuple(continued), tuple(started)), Outcome.worst(outcomes))


_MOST_ROUNDS = 1000


def _started_by_events(
    workspace: Workspace, state: StateWriter, snapshot: Snapshot, environment: str
) -> list[Due]:
    """Return the first thing that each document is to be started for."""
    messages = published(state.items(environment, OUTBOX))
    if not messages:
        return []
    answers = workspace.plugins.hook.chimera_find_due(
        snapshot=snapshot, environment=environment, messages=messages
    )
    last = {item.id: item.value["message"] for item in state.items(environment, STARTED)}
    found: dict[str, Due] = {}
    for one in not_started(chain(*answers), state.applied(environment), last):
        found.setdefault(one.target, one)
    return list(found.values())


def _start(
    workspace: Workspace, state: StateWriter, due: Due, environment: str, waits: bool | None
) -> Result[RunReport]:
    """Start a document for a message, under a permit of its own, in a run of its own."""
    key = (environment, STARTED, due.target)
    begun = {key: {"message": due.message.id}}
    asked = Asked(due.inputs, passing_over=tuple(RunStatus), begun=begun)
    return _run(workspace, state, Address.parse(due.target), asked, environment, waits)

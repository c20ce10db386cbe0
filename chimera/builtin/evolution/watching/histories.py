"""What is known of a run of an evolution: all of it from its journal, read without writing.

Refuses to compute anything of the search: what was not observed is not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.spec.defaults import share_of
from chimera.model import UsageError
from chimera.runtime import RunView, list_runs, show_run
from chimera.state import Json, Run, RunStatus
from chimera.workspace.naming import LATEST

if TYPE_CHECKING:
    from pathlib import Path

    from chimera.workspace import Workspace

_ID = re.compile(r"[0-7][0-9a-z]{3,25}")
"""The beginning of a run's id, which is a time."""
Columns = dict[str, list[float | None]]
_NEWEST = 1000
"""Runs among which each evolution's newest is looked for."""


@dataclass(frozen=True, slots=True)
class History:
    """A run up to its last checkpoint, the last of what was `observed` and all of it as columns.

    `stopped` is the criterion that ended it and `genome` what it found; `error` is why it failed.
    Of `generations` and `limit`, the most evaluations, one is `None` where there is no such end.
    """

    run: Run
    spec: EvolutionSpec
    generation: int = 0
    evaluations: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    genome: Mapping[str, Any] | None = None
    error: str | None = None
    columns: Columns = field(default_factory=dict)

    @property
    def evolution(self) -> str:
        """The address of the Evolution."""
        return self.run.target

    @property
    def is_going_on(self) -> bool:
        """Whether there is more to come without anybody's asking for it."""
        return self.run.status in {RunStatus.RUNNING, RunStatus.PAUSING}

    def last(self, name: str) -> float | None:
        """Return the last value of a column that is there."""
        return next((v for v in reversed(self.columns.get(name, ())) if v is not None), None)

    @property
    def rate(self) -> float | None:
        """Evaluations a second, over the whole run."""
        return self.evaluations / self.seconds if self.seconds > 0 else None

    @property
    def share(self) -> float:
        """How much of the run is done at most: a criterion may end it sooner."""
        return share_of(self.spec, self.generation, self.evaluations)

    @property
    def remaining(self) -> float | None:
        """Seconds until the run ends at the latest, if it goes on as it did."""
        share = self.share
        if not self.is_going_on or not share or not self.seconds:
            return None
        return self.seconds / share - self.seconds


def newest(workspace: Workspace, environment: str) -> list[History]:
    """Return the newest run of each evolution, in order of addresses."""
    found: dict[str, Run] = {}
    for run in list_runs(workspace.root, environment=environment, limit=_NEWEST):
        if run.target.startswith("Evolution/"):
            found.setdefault(run.target, run)
    return [history_of(workspace.root, run) for _, run in sorted(found.items())]


def runs_of(workspace: Workspace, environment: str, evolution: str) -> list[History]:
    """Return the runs of one evolution, the newest first."""
    target = _address(evolution)
    runs = list_runs(workspace.root, environment=environment, target=target, limit=-1)
    return [history_of(workspace.root, run) for run in runs]


def history_named(workspace: Workspace, environment: str, named: str) -> History:
    """Return the newest run of an evolution, or a run by its id, the beginning of one, or latest.

    Raises `UsageError` where there is none.
    """
    if named == LATEST:
        every = list_runs(workspace.root, environment=environment, limit=_NEWEST)
        runs = [run for run in every if run.target.startswith("Evolution/")]
    else:
        target = _address(named)
        runs = [*list_runs(workspace.root, environment=environment, target=target, limit=1)]
    if not runs and named != LATEST and _ID.fullmatch(named):
        from chimera.workspace.controlling import RunControl

        runs = [show_run(workspace.root, RunControl(workspace).find(named)).run]
    if not runs:
        what = "no evolution" if named == LATEST else f"no run of {_address(named)}"
        raise UsageError(
            f"there is {what} in the environment {environment}",
            help="`chimera evolve status` lists what was run; `chimera run Evolution/NAME` runs "
            "one that is applied",
        )
    if not runs[0].target.startswith("Evolution/"):
        raise UsageError(
            f"run {runs[0].uid} is one of {runs[0].target}", help="name a run of an Evolution"
        )
    return history_of(workspace.root, runs[0])


def _address(named: str) -> str:
    return named if "/" in named else f"Evolution/{named}"


def history_of(root: Path, run: Run) -> History:
    """Return what the journal of a run tells."""
    view = show_run(root, run.uid)
    spec = EvolutionSpec.model_validate(_spec_of(run.definition))
    found = list(_checkpoints(view))
    last = found[-1] if found else {}
    return History(
        view.run,
        spec,
        generation=last.get("generation", 0),
        evaluations=last.get("evaluations", 0),
        seconds=last.get("seconds", 0.0),
        stopped=last.get("stopped"),
        genome=last.get("genome"),
        error=next((step.error for step in view.steps.values() if step.error), None),
        columns=_joined(one.get("observations") or {} for one in found),
    )


def _spec_of(definition: Json) -> Any:
    return definition.get("spec") if isinstance(definition, dict) else None


def _checkpoints(view: RunView) -> Iterator[dict[str, Any]]:
    """Yield what the finished steps told, in order of generations."""
    told = [
        step.output
        for step in view.steps.values()
        if isinstance(step.output, dict) and "observations" in step.output
    ]
    yield from sorted(told, key=lambda output: output["generation"])


def _joined(parts: Iterator[Columns]) -> Columns:
    """Return columns one after another; what a part does not have is not there."""
    found: Columns = {}
    length = 0
    for part in parts:
        rows = max(map(len, part.values()), default=0)
        for name in {**found, **part}:
            column = found.setdefault(name, [None] * length)
            column += part.get(name, [None] * rows)
        length += rows
    return found

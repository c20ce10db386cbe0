"""What the reconcile hook of a kind is given to carry out one change.

Refuses to hand out the state: a reconciler starts durable steps and writes records, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from chimera.context import Context
from chimera.model import Change, ChimeraError
from chimera.runtime.result import RunResult
from chimera.runtime.steps import Graph, Outputs, Step
from chimera.state import Json, RunStatus

if TYPE_CHECKING:  # the models of `kinds` bring pydantic, which readers of runs do without
    from chimera.kinds import Document, EnvironmentFacts, Model, Snapshot
    from chimera.runtime.operations import Operation

Build = Callable[[Json, Json], "Iterable[Step] | Graph"]
"""Make the steps of a run, or its graph, from its definition and its input; both may be those of an
earlier apply, because a run that was interrupted goes on as it was pinned."""


class RunError(ChimeraError):
    """A run did not succeed: it failed, was interrupted, paused or cancelled."""

    def __init__(self, result: RunResult) -> None:
        failed = (f"{step}: {error}" for step, error in sorted(result.failed.items()))
        reasons = "; ".join((*failed, *([result.message] if result.held else [])))
        super().__init__(
            f"run {result.run} {result.status.value}" + (f": {reasons}" if reasons else ""),
            help=result.help,
        )
        self.result = result
        self.outcome = result.outcome


class RunSteps(Protocol):
    """Run a definition durably: resumes the run of the same definition if there is one."""

    def __call__(
        self, definition: Json, build: Build, input: Json, concurrency: int
    ) -> RunResult: ...


@dataclass(frozen=True)
class ReconcileTask:
    """One change to carry out, and what may be used for it.

    `document` is `None` for a delete; `before` is what the author had written in what is applied
    now. `record(kind, name, spec)` writes a record below `.chimera/records/`.
    """

    change: Change
    document: Document[Model] | None
    before: Mapping[str, Any] | None
    snapshot: Snapshot
    environment: EnvironmentFacts
    context: Context
    operations: Mapping[str, Operation[Any, Any]]
    root: Path
    record: Callable[[str, str, Mapping[str, Any]], None]
    run_steps: RunSteps

    def execute(
        self, definition: Json, build: Build, input: Json = None, *, concurrency: int = 32
    ) -> Outputs:
        """Run the steps that `build(definition, input)` makes; return the outputs by step id.

        `definition` and `input` are JSON and are pinned: a run of this target that was
        interrupted is resumed with its own. Raises `RunError` unless the run succeeded.
        """
        result = self.run_steps(definition, build, input, concurrency)
        if result.status is not RunStatus.SUCCEEDED:
            raise RunError(result)
        return result.outputs

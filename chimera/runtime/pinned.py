"""Runs as they are pinned: the graph of one and what it brings about, by the hooks of its kind.

A kind carries out a document through `ReconcileTask.execute`, which blocks until the run is over.
Here the kind waits in a thread of its own while its steps are executed beside those of other runs;
or it is only looked at of which steps a run would be made. Refuses to execute anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chimera.model import ChimeraError
from chimera.runtime.result import RunResult
from chimera.runtime.runs import graph_of
from chimera.runtime.steps import Graph
from chimera.runtime.task import Build, RunSteps
from chimera.state import Json, Run

Carry = Callable[[RunSteps], Mapping[str, Any] | None]
"""Ask the kind's plugin to carry a run out with these steps; returns what it brings about."""


@dataclass(frozen=True)
class Outline:
    """What a run would be pinned to, and what makes its steps."""

    definition: Json
    input: Json
    build: Build
    concurrency: int

    @property
    def graph(self) -> Graph:
        """The steps of the run."""
        return graph_of(self.definition, self.input, self.build, self.concurrency)


class _Seen(Exception):  # noqa: N818 - no error: it carries the outline out of the hook
    def __init__(self, outline: Outline) -> None:
        super().__init__()
        self.outline = outline


def outlined(carry: Carry) -> Outline:
    """Return the run that `carry` would begin, which does not begin; raises what it raises."""

    def look(definition: Json, build: Build, input: Json, concurrency: int) -> RunResult:
        raise _Seen(Outline(definition, input, build, concurrency))

    try:
        carry(look)
    except _Seen as seen:
        return seen.outline
    raise _unknown()


class PinnedRun:
    """A run that is not over: its graph, and after it has been executed what it brought about."""

    def __init__(self, run: Run, carry: Carry) -> None:
        self.run = run
        self._carry = carry
        self._turn = threading.Condition()
        self._graph: Graph | None = None
        self._result: RunResult | None = None
        self._outputs: Mapping[str, Any] | None = None
        self._error: BaseException | None = None
        self._is_over = False
        self._thread = threading.Thread(target=self._perform, name=f"run {run.uid}", daemon=True)

    def graph(self) -> Graph:
        """Return the steps that the run is pinned to; raises what building them raises."""
        self._thread.start()
        with self._turn:
            self._turn.wait_for(lambda: self._graph is not None or self._is_over)
        if self._graph is not None:
            return self._graph
        raise self._error or _unknown()

    def conclude(self, result: RunResult) -> Mapping[str, Any] | None:
        """Return what the run brought about; raises what the kind makes of how it ended."""
        with self._turn:
            self._result = result
            self._turn.notify_all()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._outputs

    def _perform(self) -> None:
        try:
            self._outputs = self._carry(self._steps)
        except BaseException as error:  # noqa: BLE001 - it is raised where the run is concluded
            self._error = error
        with self._turn:
            self._is_over = True
            self._turn.notify_all()

    def _steps(self, definition: Json, build: Build, input: Json, concurrency: int) -> RunResult:
        """Give the steps that the run is pinned to, and wait until they have been executed."""
        run = self.run
        graph = graph_of(run.definition, run.input, build, concurrency)
        with self._turn:
            self._graph = graph
            self._turn.notify_all()
            self._turn.wait_for(lambda: self._result is not None)
        assert self._result is not None
        return self._result


def _unknown() -> ChimeraError:
    return ChimeraError(
        "nothing says of what steps the run is made",
        help="bring back the plugin that executes its kind, or cancel the run",
    )

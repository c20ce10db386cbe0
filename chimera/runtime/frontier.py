"""How far a run has come: what has finished, what failed, and what that makes ready.

Counts the unmet needs of each step, so that a finished step costs no more than its dependents.
Refuses to know why a step finished or when a ready one starts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from chimera.runtime.steps import Graph, Outputs, Step
from chimera.state import Json


class Frontier:
    """The line between the steps that have ended and those that have not."""

    def __init__(self, graph: Graph) -> None:
        self.outputs: dict[str, Json] = {}
        self.skipped: set[str] = set()
        self.failed: dict[str, str] = {}
        self.ready: deque[str] = deque()
        self._graph = graph
        self._dependents: dict[str, list[str]] = {}
        self._unmet = {step.id: len(set(step.needs)) for step in graph.steps}
        for step in graph.steps:
            for need in set(step.needs):
                self._dependents.setdefault(need, []).append(step.id)
        self.ready.extend(step.id for step in graph.steps if not step.needs)

    @property
    def finished(self) -> int:
        """How many steps have finished."""
        return len(self.outputs) + len(self.skipped)

    def inputs_of(self, step: Step) -> Outputs:
        """Return the outputs of what `step` needs."""
        return {need: self.outputs[need] for need in step.needs if need in self.outputs}

    def done(self, id: str, output: Json) -> None:
        """A step has finished with `output`."""
        self.outputs[id] = output
        self._release(id)

    def skip(self, id: str) -> None:
        """A step has finished without an output."""
        self.skipped.add(id)
        self._release(id)

    def fail(self, id: str, message: str) -> None:
        """A step has failed: what needs it stays where it is."""
        self.failed[id] = message

    def withhold(self, ids: Iterable[str]) -> None:
        """Take steps off the ready ones: they ended, or wait, since before this process."""
        gone = set(ids)
        self.ready = deque(id for id in self.ready if id not in gone)

    def blocked(self) -> tuple[str, ...]:
        """Return the steps that cannot be reached because one that they need failed."""
        lost = list(self.failed)
        seen = set(lost)
        for id in lost:
            fresh = [d for d in self._dependents.get(id, ()) if d not in seen]
            seen.update(fresh)
            lost.extend(fresh)
        return self.in_order(seen - set(self.failed))

    def in_order(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return `ids` in the order of the graph, whatever the order in which they ended."""
        wanted = set(ids)
        return tuple(step.id for step in self._graph.steps if step.id in wanted)

    def _release(self, id: str) -> None:
        for dependent in self._dependents.get(id, ()):
            self._unmet[dependent] -= 1
            if self._unmet[dependent] == 0:
                self.ready.append(dependent)

"""Which steps a run is made of: those of one process, of many, or a step for each candidate."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.steps import Passage, steps_of
from chimera.runtime import Graph

if TYPE_CHECKING:
    from chimera.builtin.evolution.search.checkpoints import CheckpointFolder
    from chimera.builtin.evolution.search.opening import Searches
    from chimera.runtime import Json, Operation


_CONCURRENCY = 32  # steps in flight, those inside workflows among them


@dataclass(frozen=True)
class Running:
    """What runs are made with on this machine."""

    root: Path
    folder: CheckpointFolder
    searches: Searches
    operations: Mapping[str, Operation[Any, Any]]

    def build(self, definition: Json, given: Json) -> Graph:
        """Return the graph of the run that is pinned to `definition`."""
        assert isinstance(definition, dict)
        spec = EvolutionSpec.model_validate(definition["spec"])
        passage = Passage(spec, definition, self.folder, self.searches.keep)
        if spec.fitness.is_stepwise:
            from chimera.builtin.evolution.fitness.outside.steps import Outside
            from chimera.builtin.evolution.search.asking import Turns

            pinned: Any = definition.get("fitness", {})
            workers = spec.budget.workers or os.cpu_count() or 1
            outside = Outside(spec.fitness, pinned, self.operations, self.root, workers)
            turns = tuple(Turns(spec, outside, passage).steps())
            return Graph(definition, turns, concurrency=max(_CONCURRENCY, workers))
        if is_spread(spec):
            from chimera.builtin.evolution.search.remote import Spread

            spread = Spread(spec, definition, passage, self.folder, self.searches, self.root)
            return Graph(definition, tuple(spread.steps()))
        steps = steps_of(definition, self.folder, self.searches.open, self.searches.keep)
        return Graph(definition, tuple(steps))


def is_spread(spec: EvolutionSpec) -> bool:
    """Tell whether islands are moved on by other processes than the one that runs the steps.

    A fitness in Python has worker processes of its own, whatever moves the islands on.
    """
    away = spec.budget.executor != "threads" and spec.islands.count > 1
    return away and not spec.fitness.is_outside

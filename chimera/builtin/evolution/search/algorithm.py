"""What the search and an algorithm agree on: the problem, and how a generation is made.

An algorithm searches on one island. All that it knows between two generations lies in its state,
arrays by name: what a checkpoint keeps, what travels to another process, what two runs are compared
by. Whatever else it holds is scratch or follows from the problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chimera.builtin.evolution.kernels.recording import COUNTERS, FIRST_FINITE, GENERATION, Ending

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
State = dict[str, NDArray[Any]]
"""Arrays by name. All have "counters" int64[6], "champion" (a row) and "history" float64[C, 2]."""

VECTOR = 8
"""Rows are padded to a multiple of this, so that loops over them fill the processor's vectors."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What one island searches; arrays are read only.

    `segments` is int64[S, 3]: the type of genes (`kernels.genes`), the first, and the one after the
    last of each run of genes of one type; every permutation is a segment of its own. `lower` and
    `upper` are float64[W], W being the number of genes padded to a multiple of `VECTOR`; what pads
    is zero. `fitness` is compiled as `evaluating.FITNESS_SIGNATURE` says, or `None` where values
    come from outside of the process. `sign` is 1 to minimise and -1 to maximise.
    """

    seed: int
    island: int
    genes: int
    segments: Integers
    lower: Floats
    upper: Floats
    sign: float
    population: int
    ending: Ending
    fitness: Any

    @property
    def width(self) -> int:
        """Return W."""
        return int(self.lower.shape[0])


class Algorithm(Protocol):
    """Makes and moves the state of one island.

    Costs of several objectives are float64[M, K + 1] in place of float64[M]: a column for each
    objective and, last, the sum of violations. What history follows is then the hypervolume, and
    `order` says which candidates are the best (`nsga2`).

    Looked for by name, and not all have it: `observe(state)`, further columns of the journal.
    """

    def start(self, capacity: int) -> State:
        """Return the state before generation 0, its history with room for `capacity` rows."""
        ...

    def advance(self, state: State, until: int) -> None:
        """Move on to generation `until`, or to where a criterion stops; needs a compiled fitness.

        The history has room for generation `until`.
        """
        ...

    def ask(self, state: State) -> Floats:
        """Return the candidates of the next generation to evaluate, a view of float64[M, W]."""
        ...

    def tell(self, state: State, costs: Floats) -> None:
        """Finish the generation whose candidates were asked for, given their costs, float64[M].

        `advance` to the same generation leaves the same state, bit for bit.
        """
        ...

    def population(self, state: State) -> tuple[Floats, Floats]:
        """Return the candidates that the next generation is made from, and their costs: views."""
        ...

    def immigrate(self, state: State, candidates: Floats, costs: Floats) -> None:
        """Take in candidates of other islands, in place of the worst."""
        ...


def first_counters() -> Integers:
    """Return counters before generation 0, int64[COUNTERS], as `recording.begin` sets them.

    That one is for kernels: called from here, each process would compile it anew.
    """
    counters = np.zeros(COUNTERS, np.int64)
    counters[[GENERATION, FIRST_FINITE]] = -1
    return counters

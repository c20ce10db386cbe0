"""L-SHADE as an algorithm of the search; the numbers are made in `kernels.lshade`.

Its population shrinks as the budget is spent: in evaluations or in generations, whichever limit is
nearer. Refuses genes that are not real.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from chimera.builtin.evolution.kernels import lshade as kernels
from chimera.builtin.evolution.kernels import lshade_layout as at
from chimera.builtin.evolution.kernels.genes import REAL
from chimera.builtin.evolution.search.algorithm import (
    Floats,
    Problem,
    State,
    first_counters,
)
from chimera.builtin.evolution.search.ranks import highest
from chimera.builtin.evolution.spec.algorithms import LShade
from chimera.builtin.evolution.spec.defaults import ROWS_A_GENE
from chimera.model import ChimeraError

if TYPE_CHECKING:
    from chimera.builtin.evolution.spec.evolution import EvolutionSpec


class LShadeSearch:
    """Searches one problem by L-SHADE."""

    def __init__(self, problem: Problem, spec: EvolutionSpec) -> None:
        """Allocate scratch; raises `ChimeraError` if some gene is not real."""
        if (problem.segments[:, 0] != REAL).any():
            raise ChimeraError(
                "l-shade searches real genes alone",
                help="choose another algorithm, or leave the choice to `auto`",
            )
        chosen = spec.algorithm
        assert isinstance(chosen, LShade)
        self._problem, self._memory = problem, chosen.memory
        self._largest = max(at.LEAST, problem.population or ROWS_A_GENE * problem.genes)
        self._archive = int(chosen.archive * self._largest + 0.5)
        self._settings = at.Settings(
            seed=np.uint64(problem.seed),
            island=problem.island,
            genes=problem.genes,
            sign=problem.sign,
            best=chosen.best,
            archive=chosen.archive,
            ending=problem.ending,
        )
        self._scratch = at.Scratch(
            bounds=np.stack((problem.lower, problem.upper)),
            trials=np.zeros((self._largest, problem.width)),
            costs=np.zeros(self._largest),
            parameters=np.zeros((2, self._largest)),
            best=np.zeros(self._largest, np.int64),
            units=np.zeros(problem.width),
        )

    def start(self, capacity: int) -> State:
        """Return the state before generation 0."""
        return {
            "pool": np.zeros((self._largest + self._archive, self._problem.width)),
            "costs": np.zeros(self._largest),
            "memory": np.full((2, self._memory), 0.5),
            "sizes": np.array([self._largest, 0, 0, -1, 0]),
            "champion": np.zeros(self._problem.width),
            "history": np.zeros((capacity, 2)),
            "counters": first_counters(),
        }

    def advance(self, state: State, until: int) -> None:
        """Move on to generation `until`, or to where a criterion stops."""
        arrays = at.Arrays(**state)
        kernels.evolve(arrays, self._scratch, self._settings, self._problem.fitness, until)

    def ask(self, state: State) -> Floats:
        """Return the candidates of the next generation."""
        kernels.propose(at.Arrays(**state), self._scratch, self._settings)
        trials: Floats = self._scratch.trials
        return trials[: self._size(state)]

    def tell(self, state: State, costs: Floats) -> None:
        """Finish the generation that was asked for."""
        self._scratch.costs[: self._size(state)] = costs
        kernels.conclude(at.Arrays(**state), self._scratch, self._settings)

    def population(self, state: State) -> tuple[Floats, Floats]:
        """Return the candidates and their costs."""
        size = self._size(state)
        return state["pool"][:size], state["costs"][:size]

    def immigrate(self, state: State, candidates: Floats, costs: Floats) -> None:
        """Take in candidates of other islands, in place of the worst; all but one at most."""
        own, own_costs = self.population(state)
        worst = highest(own_costs, min(len(costs), len(own_costs) - 1))
        own[worst], own_costs[worst] = candidates[: len(worst)], costs[: len(worst)]

    def observe(self, state: State) -> Mapping[str, float]:
        """Return what else to watch: the population's size and the means that memory holds."""
        factors, rates = state["memory"]
        return {
            "population": float(self._size(state)),
            "scaleFactor": float(factors.mean()),
            "crossoverRate": float(np.maximum(rates, 0.0).mean()),
        }

    @staticmethod
    def _size(state: State) -> int:
        return int(state["sizes"][at.POPULATION])

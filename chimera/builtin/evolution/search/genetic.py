"""The genetic algorithm of one island: settings from a spec, and the state that kernels move on."""

from __future__ import annotations

from typing import Any

import numpy as np

from chimera.builtin.evolution.kernels import breeding, crossover, genetic, mutation
from chimera.builtin.evolution.kernels.breeding import Scratch
from chimera.builtin.evolution.kernels.evaluating import to_costs
from chimera.builtin.evolution.kernels.genetic import Population
from chimera.builtin.evolution.kernels.recording import (
    ADVANCE,
    ASK,
    GENERATION,
    INVALID,
    TELL,
)
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.algorithm import Floats, Problem, State, first_counters
from chimera.builtin.evolution.search.breeding import layout_of, settings_of
from chimera.builtin.evolution.search.ranks import highest


class GeneticSearch:
    """A genetic algorithm with elites, for genes of all types (an `Algorithm`)."""

    def __init__(self, problem: Problem, spec: EvolutionSpec) -> None:
        """Take the operators from `spec` and all else from `problem`."""
        self._problem = problem
        self._settings = settings_of(problem, spec)
        self._layout = layout_of(problem, spec)
        count, width = problem.population, problem.width
        self._scratch = Scratch(
            elites=np.zeros(self._settings.elites, np.int64),
            order=np.zeros(count, np.int64),
            spare=np.zeros(count, np.int64),
            sums=np.zeros(count),
            chosen=np.zeros(breeding.BLOCK, np.int64),
            mates=np.zeros((2, crossover.PAIRS * width)),
            gaps=np.zeros(mutation.STEPS, np.int64),
            deviates=np.zeros(mutation.STEPS),
            marks=np.zeros(width, np.int64),
        )

    def start(self, capacity: int) -> State:
        """Return the state before generation 0, its history with room for `capacity` rows."""
        count, width = self._problem.population, self._problem.width
        return {
            "populations": np.zeros((2, count, width)),
            "costs": np.zeros((2, count)),
            "origins": np.full((count, 2), -1, np.int32),
            "champion": np.zeros(width),
            "parents": np.zeros((2, width)),
            "history": np.zeros((capacity, 2)),
            "counters": first_counters(),
        }

    def advance(self, state: State, until: int) -> None:
        """Move on to generation `until`, or to where a criterion stops."""
        self._run(state, ADVANCE, until, self._problem.fitness)

    def ask(self, state: State) -> Floats:
        """Return the candidates of the next generation, a view; asking again changes nothing."""
        generation = int(state["counters"][GENERATION])
        self._run(state, ASK, generation + 1, genetic.unknown)
        candidates: Floats = state["populations"][(generation + 1) % 2, self._kept(generation) :]
        return candidates

    def tell(self, state: State, costs: Floats) -> None:
        """Finish the generation whose candidates were asked for."""
        generation = int(state["counters"][GENERATION])
        there, kept = (generation + 1) % 2, self._kept(generation)
        told = state["costs"][there]
        told[kept:] = costs
        state["counters"][INVALID] += to_costs(told, kept, told.shape[0], 1.0)
        self._run(state, TELL, generation + 1, genetic.unknown)

    def population(self, state: State) -> tuple[Floats, Floats]:
        """Return the candidates that the next generation is made from, and their costs: views."""
        here = int(state["counters"][GENERATION]) % 2
        return state["populations"][here], state["costs"][here]

    def immigrate(self, state: State, candidates: Floats, costs: Floats) -> None:
        """Take in candidates of other islands, in place of the worst; of equals, of the last."""
        rows, own = self.population(state)
        replaced = highest(own, costs.shape[0])
        rows[replaced] = candidates[: replaced.shape[0]]
        own[replaced] = costs[: replaced.shape[0]]

    def _kept(self, generation: int) -> int:
        """Return how many rows of the generation after this one need no evaluation."""
        return 0 if generation < 0 else self._settings.elites

    def _run(self, state: State, work: int, until: int, fitness: Any) -> None:
        genetic.generations(
            Population(**state),
            self._layout,
            self._settings,
            self._scratch,
            self._problem.ending,
            fitness,
            work,
            until,
        )

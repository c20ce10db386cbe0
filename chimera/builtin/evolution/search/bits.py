"""The genetic algorithm for genomes of bits alone: the state that packed kernels move on.

It speaks of candidates as all algorithms do, in rows of float64, and keeps them packed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chimera.builtin.evolution.kernels import bits
from chimera.builtin.evolution.kernels.bits import (
    BLOCK,
    Population,
    Scratch,
    Settings,
)
from chimera.builtin.evolution.kernels.evaluating import to_costs
from chimera.builtin.evolution.kernels.packed import packed, unpacked, words_of
from chimera.builtin.evolution.kernels.recording import (
    ADVANCE,
    ASK,
    GENERATION,
    INVALID,
    TELL,
)
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.algorithm import (
    Floats,
    Problem,
    State,
    first_counters,
)
from chimera.builtin.evolution.search.operators import (
    SELECTIONS,
    mutation_gap,
    pressure_of,
    selected_of,
)
from chimera.builtin.evolution.search.ranks import highest
from chimera.builtin.evolution.spec.defaults import operators_of

_CROSSOVERS = {"one-point": bits.ONE_POINT, "two-point": bits.TWO_POINT}


class BitsSearch:
    """A genetic algorithm with elites, for bits (an `Algorithm`).

    `problem.fitness` is compiled as `evaluating.PACKED_FITNESS_SIGNATURE` says.
    """

    def __init__(self, problem: Problem, spec: EvolutionSpec) -> None:
        """Take the operators from `spec` and all else from `problem`."""
        self._problem = problem
        self._settings = settings_of(problem, spec)
        count = problem.population
        self._scratch = Scratch(
            elites=np.zeros(self._settings.elites, np.int64),
            order=np.zeros(count, np.int64),
            spare=np.zeros(count, np.int64),
            sums=np.zeros(count),
            chosen=np.zeros(BLOCK, np.int64),
            gaps=np.zeros(bits.GAPS, np.int64),
            crowned=np.zeros(words_of(problem.genes), np.uint64),
        )

    def start(self, capacity: int) -> State:
        """Return the state before generation 0, its history with room for `capacity` rows."""
        count, width = self._problem.population, self._problem.width
        return {
            "rows": np.zeros((2, count, words_of(self._problem.genes)), np.uint64),
            "costs": np.zeros((2, count)),
            "origins": np.full((count, 2), -1, np.int32),
            "champion": np.zeros(width),
            "parents": np.zeros((2, width)),
            "history": np.zeros((capacity, 2)),
            "counters": first_counters(),
        }

    def advance(self, state: State, until: int) -> None:
        """Move on to generation `until`, or to where a criterion stops, by the compiled fitness."""
        self._run(state, ADVANCE, until, self._problem.fitness)

    def ask(self, state: State) -> Floats:
        """Return the candidates of the next generation; asking again changes nothing."""
        generation = int(state["counters"][GENERATION])
        self._run(state, ASK, generation + 1, bits.unknown)
        return self._numbers(state["rows"][(generation + 1) % 2, self._kept(generation) :])

    def tell(self, state: State, costs: Floats) -> None:
        """Finish the generation whose candidates were asked for."""
        generation = int(state["counters"][GENERATION])
        told, kept = state["costs"][(generation + 1) % 2], self._kept(generation)
        told[kept:] = costs
        state["counters"][INVALID] += to_costs(told, kept, told.shape[0], 1.0)
        self._run(state, TELL, generation + 1, bits.unknown)

    def population(self, state: State) -> tuple[Floats, Floats]:
        """Return the candidates that the next generation is made from, copies, and their costs."""
        here = int(state["counters"][GENERATION]) % 2
        return self._numbers(state["rows"][here]), state["costs"][here]

    def immigrate(self, state: State, candidates: Floats, costs: Floats) -> None:
        """Take in candidates of other islands, in place of the worst; of equals, of the last."""
        here = int(state["counters"][GENERATION]) % 2
        own = state["costs"][here]
        replaced = highest(own, costs.shape[0])
        coming = candidates[: replaced.shape[0], : self._problem.genes]
        state["rows"][here, replaced] = packed(coming)
        own[replaced] = costs[: replaced.shape[0]]

    def _numbers(self, rows: NDArray[np.uint64]) -> Floats:
        """Return packed rows as float64[M, W]."""
        found = np.zeros((rows.shape[0], self._problem.width))
        found[:, : self._problem.genes] = unpacked(rows, self._problem.genes)
        return found

    def _kept(self, generation: int) -> int:
        """Return how many rows of the generation after this one need no evaluation."""
        return 0 if generation < 0 else self._settings.elites

    def _run(self, state: State, work: int, until: int, fitness: Any) -> None:
        bits.generations(
            Population(**state),
            self._settings,
            self._scratch,
            self._problem.ending,
            fitness,
            work,
            until,
        )


def settings_of(problem: Problem, spec: EvolutionSpec) -> Settings:
    """Return the spec's operators as the kernels take them.

    All crossovers but those with cuts exchange bits with chance ½, and all mutations flip them.
    """
    operators = operators_of(spec)
    chosen, crossed, mutated = operators.selection, operators.crossover, operators.mutation
    assert crossed is not None
    assert mutated is not None
    rate = 1.0 / problem.genes if mutated.rate is None else mutated.rate
    return Settings(
        seed=np.uint64(problem.seed),
        island=problem.island,
        sign=problem.sign,
        genes=problem.genes,
        elites=spec.elites,
        selection=SELECTIONS[chosen.type],
        selected=selected_of(chosen, problem.population),
        pressure=pressure_of(chosen),
        crossover=_CROSSOVERS.get(crossed.type, bits.UNIFORM),
        crossover_probability=crossed.probability,
        mutation_gap=mutation_gap(rate),
    )

"""The genetic algorithm of one island: settings from a spec, and the state that kernels move on."""

from __future__ import annotations

from typing import Any

import numpy as np

from chimera.builtin.evolution.kernels import (
    breeding,
    crossover,
    mutation,
    permutation,
    selection,
)
from chimera.builtin.evolution.kernels.breeding import Layout, Population, Scratch, Settings
from chimera.builtin.evolution.kernels.evaluating import to_costs
from chimera.builtin.evolution.kernels.genes import PERMUTATION, REAL
from chimera.builtin.evolution.kernels.recording import (
    ADVANCE,
    ASK,
    GENERATION,
    INVALID,
    TELL,
)
from chimera.builtin.evolution.kinds import (
    BlendCrossover,
    EvolutionSpec,
    GaussianMutation,
    PolynomialMutation,
    SbxCrossover,
)
from chimera.builtin.evolution.search.algorithm import (
    Floats,
    Integers,
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
from chimera.builtin.evolution.spec.defaults import operators_of

_CROSSOVERS = {
    "sbx": crossover.SBX,
    "blend": crossover.BLEND,
    "uniform": crossover.UNIFORM,
    "one-point": crossover.ONE_POINT,
    "two-point": crossover.TWO_POINT,
}
_MUTATIONS = {
    "gaussian": mutation.GAUSSIAN,
    "polynomial": mutation.POLYNOMIAL,
    "reset": mutation.RESET,
}
_PERMUTATION_CROSSOVERS = {"order": permutation.ORDER, "pmx": permutation.PMX}
_PERMUTATION_MUTATIONS = {"inversion": permutation.INVERSION, "swap": permutation.SWAP}


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
            drawn=np.zeros(breeding.BLOCK * selection.MAX_TOURNAMENT, np.int64),
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
        self._run(state, ASK, generation + 1, breeding.unknown)
        candidates: Floats = state["populations"][(generation + 1) % 2, self._kept(generation) :]
        return candidates

    def tell(self, state: State, costs: Floats) -> None:
        """Finish the generation whose candidates were asked for."""
        generation = int(state["counters"][GENERATION])
        there, kept = (generation + 1) % 2, self._kept(generation)
        told = state["costs"][there]
        told[kept:] = costs
        state["counters"][INVALID] += to_costs(told, kept, told.shape[0], 1.0)
        self._run(state, TELL, generation + 1, breeding.unknown)

    def population(self, state: State) -> tuple[Floats, Floats]:
        """Return the candidates that the next generation is made from, and their costs: views."""
        here = int(state["counters"][GENERATION]) % 2
        return state["populations"][here], state["costs"][here]

    def immigrate(self, state: State, candidates: Floats, costs: Floats) -> None:
        """Take in candidates of other islands, in place of the worst; of equals, of the last."""
        rows, own = self.population(state)
        replaced = np.argsort(own, kind="stable")[::-1][: costs.shape[0]]
        rows[replaced] = candidates[: replaced.shape[0]]
        own[replaced] = costs[: replaced.shape[0]]

    def _kept(self, generation: int) -> int:
        """Return how many rows of the generation after this one need no evaluation."""
        return 0 if generation < 0 else self._settings.elites

    def _run(self, state: State, work: int, until: int, fitness: Any) -> None:
        breeding.generations(
            Population(**state),
            self._layout,
            self._settings,
            self._scratch,
            self._problem.ending,
            fitness,
            work,
            until,
        )


def settings_of(problem: Problem, spec: EvolutionSpec) -> Settings:
    """Return the spec's operators as the kernels take them."""
    operators = operators_of(spec)
    chosen, crossed, mutated = operators.selection, operators.crossover, operators.mutation
    assert crossed is not None
    assert mutated is not None
    types = _types_of(problem)[: problem.genes]
    loose = int((types != PERMUTATION).sum())
    rate = 1.0 / max(loose, 1) if mutated.rate is None else mutated.rate
    return Settings(
        seed=np.uint64(problem.seed),
        island=problem.island,
        sign=problem.sign,
        genes=problem.genes,
        loose=loose,
        is_plain=bool((types == REAL).all()) and mutated.type != "reset",
        elites=spec.elites,
        selection=SELECTIONS[chosen.type],
        selected=selected_of(chosen, problem.population),
        pressure=pressure_of(chosen),
        crossover=_CROSSOVERS[crossed.type],
        crossover_probability=crossed.probability if loose > 0 else 0.0,
        crossover_index=_crossover_index(crossed),
        mutation=_MUTATIONS[mutated.type],
        mutation_gap=mutation_gap(rate if loose > 0 else 0.0),
        mutation_index=_mutation_index(mutated),
        permutation_crossover=_PERMUTATION_CROSSOVERS[operators.permutation.crossover],
        permutation_mutation=_PERMUTATION_MUTATIONS[operators.permutation.mutation],
        permutation_probability=operators.permutation.probability,
        permutation_rate=operators.permutation.rate,
    )


def _crossover_index(crossed: Any) -> float:
    if isinstance(crossed, SbxCrossover):
        return 1.0 / (crossed.eta + 1.0)
    return crossed.alpha if isinstance(crossed, BlendCrossover) else 0.0


def _mutation_index(mutated: Any) -> float:
    return 1.0 / (mutated.eta + 1.0) if isinstance(mutated, PolynomialMutation) else 0.0


def layout_of(problem: Problem, spec: EvolutionSpec) -> Layout:
    """Return what rows are made of; a last segment of reals takes in what pads the row."""
    mutated = operators_of(spec).mutation
    sigma = mutated.sigma if isinstance(mutated, GaussianMutation) else 1.0
    types = _types_of(problem)
    segments = np.array(problem.segments, np.int64).reshape(-1, 3)
    if segments[-1, 0] == REAL:
        segments[-1, 2] = problem.width
    return Layout(
        lower=problem.lower,
        upper=problem.upper,
        scale=np.tile(sigma * (problem.upper - problem.lower), crossover.PAIRS),
        types=types,
        places=np.where(types == PERMUTATION, -1, np.cumsum(types != PERMUTATION) - 1),
        segments=segments,
    )


def _types_of(problem: Problem) -> Integers:
    """Return the type of each number of a row, int64[W]; what pads it counts as real."""
    types = np.full(problem.width, REAL, np.int64)
    for type_, first, last in problem.segments:
        types[first:last] = type_
    return types

"""How a spec has children made, as the kernels take it: operators, and what rows are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from chimera.builtin.evolution.kernels import crossover, mutation, permutation
from chimera.builtin.evolution.kernels.breeding import Layout, Settings
from chimera.builtin.evolution.kernels.genes import PERMUTATION, REAL
from chimera.builtin.evolution.kinds import (
    BlendCrossover,
    EvolutionSpec,
    GaussianMutation,
    PolynomialMutation,
    SbxCrossover,
)
from chimera.builtin.evolution.search.algorithm import Integers, Problem
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

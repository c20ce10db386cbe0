"""What a spec means where it is silent, or where the answer depends on several fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chimera.builtin.evolution.spec.operators import (
    Crossover,
    Mutation,
    Operators,
    PolynomialMutation,
    ResetMutation,
    SbxCrossover,
    UniformCrossover,
)
from chimera.builtin.evolution.spec.running import EVALUATIONS_A_GENE, LEAST_EVALUATIONS

if TYPE_CHECKING:
    from chimera.builtin.evolution.spec.evolution import EvolutionSpec
    from chimera.builtin.evolution.spec.genes import GenomeLayout

NUMBERS = frozenset({"real", "integer"})
"""Types of genes that can be blended and moved."""

POPULATION = 100
"""Candidates of a generation of the genetic algorithm and NSGA-II."""


ROWS_A_GENE = 18
"""Candidates that L-SHADE begins with for each gene, as published."""

MAX_OBJECTIVES = 5
"""Every generation's hypervolume is exact, and the time for it grows with each objective."""


def population_of(spec: EvolutionSpec) -> int:
    """Return the population of the genetic algorithm and NSGA-II."""
    return POPULATION if spec.population is None else spec.population


def crossover_of(spec: EvolutionSpec) -> Crossover:
    """Return the crossover: one for numbers where there are some."""
    given = None if spec.operators is None else spec.operators.crossover
    if given is not None:
        return given
    return SbxCrossover() if _has_numbers(spec.genome) else UniformCrossover(type="uniform")


def mutation_of(spec: EvolutionSpec) -> Mutation:
    """Return the mutation: one for numbers where there are some."""
    given = None if spec.operators is None else spec.operators.mutation
    if given is not None:
        return given
    if _has_numbers(spec.genome):
        return PolynomialMutation(type="polynomial")
    return ResetMutation(type="reset")


def operators_of(spec: EvolutionSpec) -> Operators:
    """Return the operators, crossover and mutation among them."""
    given = Operators() if spec.operators is None else spec.operators
    changes = {"crossover": crossover_of(spec), "mutation": mutation_of(spec)}
    return given.model_copy(update=changes)


def evaluations_of(spec: EvolutionSpec) -> int | None:
    """Return the evaluations of all islands that end the run, if any do."""
    end = spec.termination
    if end.evaluations is None and end.generations is None:
        return max(LEAST_EVALUATIONS, EVALUATIONS_A_GENE * spec.genome.length)
    return end.evaluations


def share_of(spec: EvolutionSpec, generation: int, evaluations: int) -> float:
    """Return how much of a run is done at most: a criterion may end it sooner."""
    done = []
    if (generations := spec.termination.generations) is not None:
        done.append(generation / generations)
    if (limit := evaluations_of(spec)) is not None:
        done.append(evaluations / limit)
    return min(1.0, max(done))


def expected_evaluations(spec: EvolutionSpec) -> int:
    """Return how many evaluations the run may take, as far as can be said before it is run.

    Generations count as those of the genetic algorithm where no evaluations are given.
    """
    given = evaluations_of(spec)
    bound = spec.termination.generations
    by_generations = None if bound is None else bound * population_of(spec) * spec.islands.count
    found = [count for count in (given, by_generations) if count is not None]
    return min(found)


def seed_of(spec: EvolutionSpec) -> int:
    """Return the seed as an integer below 2**64."""
    return int(spec.seed, 16) if isinstance(spec.seed, str) else spec.seed


def _has_numbers(genome: GenomeLayout) -> bool:
    return bool(genome.types & NUMBERS)

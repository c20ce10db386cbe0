"""From a spec to what one island searches, and from a row of numbers back to values of genes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kernels.genes import BIT, CATEGORICAL, INTEGER, PERMUTATION, REAL
from chimera.builtin.evolution.kernels.recording import Ending
from chimera.builtin.evolution.kinds import (
    BitGene,
    CategoricalGene,
    EvolutionSpec,
    Gene,
    Genetic,
    GenomeLayout,
    Nsga2,
    PermutationGene,
    RealGene,
)
from chimera.builtin.evolution.search.algorithm import VECTOR, Floats, Integers, Problem
from chimera.builtin.evolution.spec.defaults import evaluations_of, population_of, seed_of
from chimera.builtin.evolution.spec.values import MAX_GENERATIONS

TYPES = {
    "real": REAL,
    "integer": INTEGER,
    "categorical": CATEGORICAL,
    "bit": BIT,
    "permutation": PERMUTATION,
}
WITHOUT_END = 2**62
"""Evaluations where no number of them ends the run."""


def problem_of(spec: EvolutionSpec, island: int, share: float, fitness: Any) -> Problem:
    """Return what `island` searches with its share of the evaluations.

    `spec.algorithm` is the model of what searches there.
    """
    lower, upper = bounds_of(spec.genome)
    by_default = isinstance(spec.algorithm, Genetic | Nsga2)
    return Problem(
        seed=seed_of(spec),
        island=island,
        genes=spec.genome.length,
        segments=segments_of(spec.genome),
        lower=lower,
        upper=upper,
        sign=sign_of(spec),
        population=population_of(spec) if by_default else spec.population or 0,
        ending=ending_of(spec, share),
        fitness=fitness,
    )


def sign_of(spec: EvolutionSpec) -> float:
    """Return what makes a cost of a fitness; of several objectives, of their hypervolume."""
    return -1.0 if spec.objectives or spec.objective == "maximize" else 1.0


def ending_of(spec: EvolutionSpec, share: float) -> Ending:
    """Return when one island stops that has a share of the evaluations.

    Of several islands none stops because it stagnates: that is judged of all of them together.
    """
    end, evaluations = spec.termination, evaluations_of(spec)
    return Ending(
        generations=end.generations or MAX_GENERATIONS,
        evaluations=WITHOUT_END if evaluations is None else max(1, int(evaluations * share)),
        target=-math.inf if end.target is None else sign_of(spec) * end.target,
        stagnation=end.stagnation or 0 if share == 1.0 else 0,
        tolerance=end.tolerance,
    )


def segments_of(genome: GenomeLayout) -> Integers:
    """Return the runs of genes of one type, as int64[S, 3]: type, first, one after the last."""
    found: list[list[int]] = []
    start = 0
    for gene in genome.genes:
        kind, end = TYPES[gene.type], start + gene.length
        if found and found[-1][0] == kind != PERMUTATION:
            found[-1][2] = end
        else:
            found.append([kind, start, end])
        start = end
    return np.array(found, np.int64)


def bounds_of(genome: GenomeLayout) -> tuple[Floats, Floats]:
    """Return the least and the greatest number of each gene in a row, padded with zeros."""
    width = -(-genome.length // VECTOR) * VECTOR
    lower, upper = np.zeros(width), np.zeros(width)
    start = 0
    for gene in genome.genes:
        end = start + gene.length
        lower[start:end], upper[start:end] = _range_of(gene)
        start = end
    return lower, upper


def _range_of(gene: Gene) -> tuple[float, float]:
    match gene:
        case RealGene(scale="log"):
            return portable.log(gene.min), portable.log(gene.max)
        case CategoricalGene():
            return 0.0, len(gene.values) - 1.0
        case BitGene():
            return 0.0, 1.0
        case PermutationGene():
            return 0.0, gene.length - 1.0
    return float(gene.min), float(gene.max)


def genes_of(genome: GenomeLayout, row: Floats) -> dict[str, list[Any]]:
    """Return the values of each gene by its name, a scalar's in a list of one."""
    found: dict[str, list[Any]] = {}
    start = 0
    for gene in genome.genes:
        numbers = row[start : start + gene.length].tolist()
        found[gene.name] = [_value(gene, number) for number in numbers]
        start += gene.length
    return found


def numbers_of(genome: GenomeLayout, row: Floats) -> Floats:
    """Return the genes of a row as numbers, float64[D]: of a category, where it stands."""
    found = row[: genome.length] + 0.0  # JSON knows no negative zero
    start = 0
    for gene in genome.genes:
        if isinstance(gene, RealGene) and gene.scale == "log":
            for j in range(start, start + gene.length):
                found[j] = _value(gene, float(found[j]))
        start += gene.length
    return found


def _value(gene: Gene, number: float) -> Any:
    match gene:
        case RealGene(scale="log"):
            return min(max(float(portable.exp(number)), gene.min), gene.max)
        case RealGene():
            return number + 0.0
        case CategoricalGene():
            return gene.values[int(number)]
    return int(number)


def gene_values(genome: GenomeLayout, row: Floats) -> list[Mapping[str, Any]]:
    """Return the genes as a Genome lists them."""
    return [{"name": name, "values": values} for name, values in genes_of(genome, row).items()]

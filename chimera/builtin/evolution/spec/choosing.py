"""Which algorithm searches, on which islands, and why: what `algorithm: auto` means.

The rule follows from what was measured over the BBOB functions and from nothing else in the run:
tests/quality/README.md has the tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from chimera.builtin.evolution.spec.algorithms import (
    AlgorithmName,
    CmaEs,
    Genetic,
    LShade,
    Nsga2,
    Parameters,
    Portfolio,
)
from chimera.builtin.evolution.spec.defaults import evaluations_of
from chimera.builtin.evolution.spec.evolution import EvolutionSpec

PORTFOLIO_FROM = 5_000
"""Evaluations for each gene, on an island, from which the portfolio solves more than CMA-ES."""


@dataclass(frozen=True, slots=True)
class IslandChoice:
    """What searches on one island, and its share of the evaluations."""

    algorithm: Parameters
    share: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What searches on each island, and why, in words."""

    islands: tuple[IslandChoice, ...]
    reason: str


_BY_NAME: dict[AlgorithmName, Parameters] = {
    "genetic": Genetic(type="genetic"),
    "l-shade": LShade(type="l-shade"),
    "cma-es": CmaEs(type="cma-es"),
    "portfolio": Portfolio(type="portfolio"),
    "nsga-2": Nsga2(type="nsga-2"),
}


def choose(spec: EvolutionSpec) -> Choice:
    """Return what searches: what the document says, or what fits genome and budget."""
    count = spec.islands.count
    algorithm, reason = spec.algorithm, "it is the document's choice"
    if algorithm == "auto":
        algorithm, reason = _fitting(spec)
    if isinstance(algorithm, str):
        algorithm = _BY_NAME[algorithm]
    return Choice((IslandChoice(algorithm, 1.0 / count),) * count, reason)


def _fitting(spec: EvolutionSpec) -> tuple[AlgorithmName, str]:
    """Return the name of the algorithm that fits best, and why."""
    if spec.objectives:
        return "nsga-2", "there are several objectives"
    others = sorted(spec.genome.types - {"real"})
    if others:
        return "genetic", f"it takes genes of every type, and there are some of type {others[0]}"
    if spec.operators is not None:
        return "genetic", "operators are given, which no other algorithm has"
    evaluations = evaluations_of(spec)
    if evaluations is None:
        return "cma-es", "all genes are real, and no limit of evaluations says how to share them"
    share = evaluations // (spec.islands.count * spec.genome.length)
    if share < PORTFOLIO_FROM:
        return "cma-es", (
            f"all genes are real, and {share} evaluations for each gene are less than "
            f"{PORTFOLIO_FROM}: it needs the fewest"
        )
    return "portfolio", (
        f"all genes are real, and {share} evaluations for each gene suffice for L-SHADE and one "
        "broad run of CMA-ES to solve what its restarts do not"
    )

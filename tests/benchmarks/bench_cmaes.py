"""CMA-ES beside pycma and cmaes: microseconds an evaluation of Rosenbrock's function.

Run from the root of the repository: `python -m tests.benchmarks.bench_cmaes`, with `cma` and
`cmaes` installed. All have the same population and the same compiled fitness, a generation at a
time, and search until the evaluations are spent, without restarts. Rounds are interleaved and the
fastest of each counts: trust the ratios.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Callable

import numba
import numpy as np

from chimera.builtin.evolution.kernels.evaluating import FITNESS_SIGNATURE
from chimera.builtin.evolution.kernels.genes import REAL
from chimera.builtin.evolution.kernels.recording import EVALUATIONS, Ending
from chimera.builtin.evolution.search.algorithm import Problem
from chimera.builtin.evolution.search.cmaes import CmaEsSearch, Defaults

LOW, HIGH, SIGMA = -5.0, 10.0, 0.3


def rosenbrock(genes: int) -> Callable[..., None]:
    """Return the function of so many genes, compiled."""

    @numba.njit(FITNESS_SIGNATURE, error_model="numpy")
    def fitness(population, first, last, values):
        for row in range(first, last):
            total = 0.0
            for j in range(genes - 1):
                x, y = population[row, j], population[row, j + 1]
                total += 100.0 * (y - x * x) * (y - x * x) + (1.0 - x) * (1.0 - x)
            values[row] = total

    return fitness


def ours(genes: int, evaluations: int, fitness: Callable[..., None], separable: bool) -> int:
    """Search, and return how many evaluations that took."""
    width = -(-genes // 8) * 8
    lower, upper = np.zeros(width), np.zeros(width)
    lower[:genes], upper[:genes] = LOW, HIGH
    problem = Problem(
        seed=1,
        island=0,
        genes=genes,
        segments=np.array([[REAL, 0, genes]]),
        lower=lower,
        upper=upper,
        sign=1.0,
        population=0,
        ending=Ending(2**40, evaluations, -math.inf, 0, 0.0),
        fitness=fitness,
    )
    algorithm = CmaEsSearch(problem, Defaults(restarts="none", separable=separable))
    state = algorithm.start(evaluations)
    algorithm.advance(state, evaluations)
    return int(state["counters"][EVALUATIONS])


def pycma(genes: int, evaluations: int, fitness: Callable[..., None], separable: bool) -> int:
    """Search by the package cma."""
    import cma

    options = {"bounds": [LOW, HIGH], "verbose": -9, "seed": 1, "CMA_diagonal": separable}
    mean, sigma = np.full(genes, 0.25 * (HIGH - LOW) + LOW), SIGMA * (HIGH - LOW)
    search = cma.CMAEvolutionStrategy(mean, sigma, options)
    spent = 0
    while spent < evaluations and not search.stop():
        rows = np.array(search.ask())
        values = np.zeros(len(rows))
        fitness(rows, 0, len(rows), values)
        search.tell(rows, values)
        spent += len(rows)
    return spent


def cmaes(genes: int, evaluations: int, fitness: Callable[..., None], separable: bool) -> int:
    """Search by the package cmaes."""
    from cmaes import CMA, SepCMA

    mean, sigma = np.full(genes, 0.25 * (HIGH - LOW) + LOW), SIGMA * (HIGH - LOW)
    bounds = np.array([[LOW, HIGH]] * genes)
    search = (SepCMA if separable else CMA)(mean=mean, sigma=sigma, bounds=bounds, seed=1)
    spent = 0
    while spent < evaluations and not search.should_stop():
        rows = np.array([search.ask() for _ in range(search.population_size)])
        values = np.zeros(len(rows))
        fitness(rows, 0, len(rows), values)
        search.tell(list(zip(rows, values.tolist(), strict=True)))
        spent += len(rows)
    return spent


CONTENDERS = {"ours": ours, "pycma": pycma, "cmaes": cmaes}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--evaluations", type=int, default=4000)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore")
    print("| genes | covariance | ours, µs | pycma | cmaes |\n|---|---|---|---|---|")
    for genes, separable in ((10, False), (30, False), (100, False), (200, True), (1000, True)):
        fitness, best = rosenbrock(genes), dict.fromkeys(CONTENDERS, math.inf)
        for _ in range(chosen.rounds):
            for name, search in CONTENDERS.items():
                began = time.perf_counter()
                spent = search(genes, chosen.evaluations, fitness, separable)
                best[name] = min(best[name], 1e6 * (time.perf_counter() - began) / spent)
        ratios = " | ".join(f"{best[peer] / best['ours']:.1f} times" for peer in ("pycma", "cmaes"))
        kind = "variances" if separable else "whole"
        print(f"| {genes} | {kind} | {best['ours']:.2f} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()

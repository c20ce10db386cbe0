"""The compiled genetic algorithm beside vectorised NumPy with the same operators.

Run from the root of the repository: `python tests/benchmarks/bench_evolution.py`. Population 1000,
30 genes, tournaments of 3, SBX (eta 15), Gaussian mutation of a tenth of the genes, one elite.
Rounds of the two are interleaved; figures are medians. Trust the ratios, not the microseconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.engine import Search

POPULATION, GENES, ETA, RATE, SIGMA = 1000, 30, 15.0, 0.1, 0.1
LOW, HIGH = -5.12, 5.12

FITNESS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sphere": lambda x: (x * x).sum(axis=1),
    "rastrigin": lambda x: 10 * x.shape[1] + (x * x - 10 * np.cos(2 * np.pi * x)).sum(axis=1),
    "rosenbrock": lambda x: (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(
        axis=1
    ),
}


class Vectorised:
    """The same algorithm on whole arrays, as one would write it with NumPy."""

    def __init__(self, fitness: Callable[[np.ndarray], np.ndarray]) -> None:
        self.fitness, self.random = fitness, np.random.default_rng(1)
        self.population = self.random.uniform(LOW, HIGH, (POPULATION, GENES))
        self.costs = fitness(self.population)

    def advance(self, generations: int) -> float:
        """Run on and return the least cost."""
        for _ in range(generations):
            self.step()
        return float(self.costs.min())

    def step(self) -> None:
        draw, pairs = self.random, POPULATION // 2
        drawn = draw.integers(0, POPULATION, (POPULATION, 3))
        winners = drawn[np.arange(POPULATION), self.costs[drawn].argmin(axis=1)]
        x, y = self.population[winners[:pairs]], self.population[winners[pairs:]]
        u = draw.random((pairs, GENES))
        root = np.where(u < 0.5, 2 * u, 2 - 2 * u)
        for _ in range(4):  # the power 1 / (eta + 1) by square roots, as the kernel has it
            np.sqrt(root, out=root)
        spread = np.where(u < 0.5, root, 1 / root)
        middle, reach = 0.5 * (x + y), 0.5 * spread * (y - x)
        crossed = (draw.random((pairs, 1)) < 0.9) & (draw.random((pairs, GENES)) < 0.5)
        first, second = np.where(crossed, middle - reach, x), np.where(crossed, middle + reach, y)
        exchanged = draw.random((pairs, GENES)) < 0.5
        children = np.concatenate(
            [np.where(exchanged, second, first), np.where(exchanged, first, second)]
        )
        mutated = draw.random(children.shape) < RATE
        children[mutated] += draw.normal(0, SIGMA * (HIGH - LOW), int(mutated.sum()))
        np.clip(children, LOW, HIGH, out=children)
        children[0] = self.population[self.costs.argmin()]
        self.population, self.costs = children, self.fitness(children)


def search_for(function: str) -> Search:
    """Return the search of the benchmark over a named function."""
    value = {
        "genome": {"genes": [{"name": "x", "min": LOW, "max": HIGH, "count": GENES}]},
        "fitness": {"function": function},
        "population": POPULATION,
        "operators": {"mutation": {"type": "gaussian", "rate": RATE, "sigma": SIGMA}},
        "termination": {"generations": 1_000_000},
        "seed": 1,
    }
    return Search(EvolutionSpec.model_validate(value))


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(function: str, rounds: int) -> None:
    """Print the two side by side for one function."""
    search = search_for(function)
    state, peer = search.start(), Vectorised(FITNESS[function])
    compiled, vectorised = [], []
    for _ in range(rounds):
        compiled.append(timed(lambda: search.advance(state, state.generation + 50)) / 50)
        vectorised.append(timed(lambda: peer.advance(10)) / 10)
    ours, theirs = statistics.median(compiled), statistics.median(vectorised)
    print(
        f"{function:<12} {ours * 1e6:9.0f} {theirs * 1e6:9.0f} "
        f"{theirs / ours:7.1f} x {POPULATION / ours / 1e6:12.1f} M/s"
    )


FIRST = "from tests.benchmarks.bench_evolution import search_for; search_for('sphere').start()"


def first_generation() -> None:
    """Print how long a new process takes to the first generation, cold and from the cache."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"XDG_CACHE_HOME": folder, "PYTHONPATH": str(Path.cwd())}
        for name in ("cold", "cached"):
            seconds = timed(
                lambda: subprocess.run([sys.executable, "-c", FIRST], env=environment, check=True)
            )
            print(f"first generation in a new process, {name}: {seconds:.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print(f"{'us/generation':<12} {'compiled':>9} {'NumPy':>9} {'ratio':>9} {'evaluations':>14}")
    for name in FITNESS:
        compare(name, rounds)
    first_generation()

"""The genetic algorithm beside vectorised NumPy with the same operators, and other libraries.

Run from the root: `OPENBLAS_NUM_THREADS=1 python -m tests.benchmarks.bench_evolution`. Population
1000, 30 genes, tournaments of 3, SBX (eta 15) of nine pairs in ten, Gaussian mutation of a tenth of
the genes, one elite, one thread. PyGAD has no SBX and does uniform crossover; pymoo selects as it
does by default and removes duplicates; pygmo computes sphere by a Python function and the others by
its own. Rounds of all are interleaved; figures are the least of a round, of which noise takes the
least. Trust the ratios, not the microseconds. Libraries that are not installed are named and left
out. `bench_islands` has threads, `bench_bits` packed bits.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.genetic import GeneticSearch
from chimera.builtin.evolution.search.problem import problem_of
from chimera.builtin.evolution.search.scoring import compiled

POPULATION, GENES, TOURNAMENT, ETA, CROSSED, RATE, SIGMA = 1000, 30, 3, 15.0, 0.9, 0.1, 0.1
LOW, HIGH = -5.12, 5.12
STEP = SIGMA * (HIGH - LOW)

Fitness = Callable[[np.ndarray], np.ndarray]
FITNESS: dict[str, Fitness] = {
    "sphere": lambda x: (x * x).sum(axis=1),
    "rastrigin": lambda x: 10 * x.shape[1] + (x * x - 10 * np.cos(2 * np.pi * x)).sum(axis=1),
    "rosenbrock": lambda x: (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(
        axis=1
    ),
}
PURE: dict[str, Callable[[Sequence[float]], float]] = {
    "sphere": lambda x: sum(g * g for g in x),
    "rastrigin": lambda x: 10 * len(x) + sum(g * g - 10 * math.cos(2 * math.pi * g) for g in x),
    "rosenbrock": lambda x: sum(
        100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1)
    ),
}
Advance = Callable[[int], object]


def ours(name: str) -> Advance:
    """Return what runs on by so many generations."""
    value = {
        "genome": {"genes": [{"name": "x", "min": LOW, "max": HIGH, "count": GENES}]},
        "fitness": {"function": name},
        "algorithm": {"type": "genetic"},
        "population": POPULATION,
        "operators": {"mutation": {"type": "gaussian", "rate": RATE, "sigma": SIGMA}},
        "termination": {"generations": 1_000_000},
        "seed": 1,
    }
    spec = EvolutionSpec.model_validate(value)
    search = GeneticSearch(problem_of(spec, 0, 1.0, compiled(spec, "fitness")), spec)
    state = search.start(1_000_000)

    def advance(generations: int) -> None:
        search.advance(state, int(state["counters"][0]) + generations)

    return advance


class Vectorised:
    """The same algorithm on whole arrays, as one would write it with NumPy."""

    def __init__(self, name: str) -> None:
        self.fitness, self.random = FITNESS[name], np.random.default_rng(1)
        self.population = self.random.uniform(LOW, HIGH, (POPULATION, GENES))
        self.costs = self.fitness(self.population)

    def advance(self, generations: int) -> None:
        for _ in range(generations):
            self.step()

    def step(self) -> None:
        draw, pairs = self.random, POPULATION // 2
        drawn = draw.integers(0, POPULATION, (POPULATION, TOURNAMENT))
        winners = drawn[np.arange(POPULATION), self.costs[drawn].argmin(axis=1)]
        x, y = self.population[winners[:pairs]], self.population[winners[pairs:]]
        u = draw.random((pairs, GENES))
        root = np.where(u < 0.5, 2 * u, 2 - 2 * u)
        for _ in range(4):  # the power 1 / (eta + 1), faster by square roots than by `**`
            np.sqrt(root, out=root)
        spread = np.where(u < 0.5, root, 1 / root)
        middle, reach = 0.5 * (x + y), 0.5 * spread * (y - x)
        crossed = (draw.random((pairs, 1)) < CROSSED) & (draw.random((pairs, GENES)) < 0.5)
        first, second = np.where(crossed, middle - reach, x), np.where(crossed, middle + reach, y)
        exchanged = draw.random((pairs, GENES)) < 0.5
        children = np.concatenate(
            [np.where(exchanged, second, first), np.where(exchanged, first, second)]
        )
        mutated = draw.random(children.shape) < RATE
        children[mutated] += draw.normal(0, STEP, int(mutated.sum()))
        np.clip(children, LOW, HIGH, out=children)
        children[0] = self.population[self.costs.argmin()]
        self.population, self.costs = children, self.fitness(children)


def with_pygmo(name: str) -> Advance:
    import pygmo

    class Sphere:
        def fitness(self, x: np.ndarray) -> list[float]:
            return [float(x @ x)]

        def get_bounds(self) -> tuple[list[float], list[float]]:
            return [LOW] * GENES, [HIGH] * GENES

    problem = Sphere() if name == "sphere" else getattr(pygmo, name)(GENES)
    operators = {
        "crossover": "sbx",
        "eta_c": ETA,
        "mutation": "gaussian",
        "param_m": SIGMA,
        "selection": "tournament",
        "param_s": TOURNAMENT,
    }
    algorithm = pygmo.algorithm(pygmo.sga(1, cr=CROSSED, m=RATE, seed=1, **operators))
    holder = [pygmo.population(pygmo.problem(problem), POPULATION, seed=1)]

    def advance(generations: int) -> None:
        for _ in range(generations):
            holder[0] = algorithm.evolve(holder[0])

    return advance


def with_deap(name: str) -> Advance:
    from deap import algorithms, base, creator, tools

    if not hasattr(creator, "Reals"):
        creator.create("Minimum", base.Fitness, weights=(-1.0,))
        creator.create("Reals", list, fitness=creator.Minimum)
    toolbox, draw = base.Toolbox(), random.Random(1)
    rows = [creator.Reals(draw.uniform(LOW, HIGH) for _ in range(GENES)) for _ in range(POPULATION)]
    toolbox.register("evaluate", lambda row: (PURE[name](row),))
    toolbox.register("mate", tools.cxSimulatedBinary, eta=ETA)
    toolbox.register("mutate", tools.mutGaussian, mu=0, sigma=STEP, indpb=RATE)
    toolbox.register("select", tools.selTournament, tournsize=TOURNAMENT)
    holder = [rows]

    def advance(generations: int) -> None:
        holder[0], _ = algorithms.eaSimple(
            holder[0], toolbox, CROSSED, 1.0, generations, verbose=False
        )

    return advance


def with_pygad(name: str) -> Advance:
    import pygad

    def advance(generations: int) -> None:
        search.num_generations = generations
        search.run()

    search = pygad.GA(
        num_generations=1,
        num_parents_mating=POPULATION,
        fitness_func=lambda _, rows, places: -FITNESS[name](np.asarray(rows)),
        fitness_batch_size=POPULATION,
        sol_per_pop=POPULATION,
        num_genes=GENES,
        gene_space={"low": LOW, "high": HIGH},
        parent_selection_type="tournament",
        K_tournament=TOURNAMENT,
        crossover_type="uniform",
        crossover_probability=CROSSED,
        mutation_type="random",
        mutation_probability=RATE,
        keep_elitism=1,
        random_seed=1,
        suppress_warnings=True,
    )
    return advance


def with_pymoo(name: str) -> Advance:
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.gauss import GaussianMutation

    class Reals(Problem):
        def __init__(self) -> None:
            super().__init__(n_var=GENES, n_obj=1, xl=LOW, xu=HIGH)

        def _evaluate(self, x: np.ndarray, out: dict, *args: object, **kwargs: object) -> None:
            out["F"] = FITNESS[name](x)

    search = GA(
        pop_size=POPULATION,
        crossover=SBX(prob=CROSSED, eta=ETA),
        mutation=GaussianMutation(sigma=SIGMA, prob=1.0, prob_var=RATE),
    )
    search.setup(Reals(), termination=("n_gen", 1_000_000), seed=1)

    def advance(generations: int) -> None:
        for _ in range(generations):
            search.next()

    return advance


PEERS: dict[str, Callable[[str], Advance]] = {
    "pygmo": with_pygmo,
    "pymoo": with_pymoo,
    "PyGAD": with_pygad,
    "DEAP": with_deap,
}


def contestants(name: str, *, peers: bool) -> Iterator[tuple[str, Advance, int]]:
    """Yield who takes part, and how many generations a round of theirs has."""
    yield "Chimera", ours(name), 10
    yield "NumPy", Vectorised(name).advance, 1
    for peer, make in PEERS.items() if peers else ():
        try:
            yield peer, make(name), 1
        except ImportError:
            print(f"{peer} is not installed")


def compare(name: str, rounds: int, *, peers: bool) -> None:
    """Print who takes how long for a generation."""
    taking_part = list(contestants(name, peers=peers))
    least = dict.fromkeys((who for who, _, _ in taking_part), math.inf)
    for _, advance, _ in taking_part:
        advance(2)
    for number in range(40 * rounds):
        for who, advance, generations in taking_part:
            if who in PEERS and number % 40 > 0:
                continue  # they take long, so that noise is less
            start = time.perf_counter()
            advance(generations)
            least[who] = min(least[who], (time.perf_counter() - start) / generations)
    for who, seconds in least.items():
        ratio = seconds / least["Chimera"]
        print(f"{name:<11} {who:<8} {seconds * 1e6:11.1f} us/generation {ratio:8.1f} x", flush=True)


FIRST = "from tests.benchmarks.bench_evolution import ours; ours('sphere')(1)"


def first_generation() -> None:
    """Print how long a new process takes to the first generation, cold and from the cache."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"XDG_CACHE_HOME": folder, "PYTHONPATH": str(Path.cwd())}
        for name in ("cold", "cached"):
            start, before = time.perf_counter(), os.times().children_user
            subprocess.run([sys.executable, "-c", FIRST], env=environment, check=True)
            seconds, busy = time.perf_counter() - start, os.times().children_user - before
            print(
                f"first generation in a new process, {name}: {seconds:.2f} s, {busy:.2f} s of CPU"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    for function in FITNESS:
        compare(function, options.rounds, peers=not options.no_peers)
    first_generation()

"""Searches over packed bits beside vectorised NumPy with the same operators, and other libraries.

Run from the root: `OPENBLAS_NUM_THREADS=1 python -m tests.benchmarks.bench_bits`. Population 1000,
1000 bits, tournaments of 3, uniform crossover of nine pairs in ten, one bit flipped a child on
average, one elite. Rounds of all are interleaved; figures are the least of a round, of which noise
takes the least. Trust the ratios, not the microseconds. Libraries that are not installed are left
out.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator

import numpy as np

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.bits import BitsSearch
from chimera.builtin.evolution.search.problem import problem_of
from chimera.builtin.evolution.search.scoring import compiled

POPULATION, GENES, TOURNAMENT, PROBABILITY = 1000, 1000, 3, 0.9
CAPACITY = 25_000.0
WEIGHTS = np.random.default_rng(1).integers(1, 100, GENES).astype(float)
PRICES = np.random.default_rng(2).integers(1, 100, GENES).astype(float)

EXPRESSIONS = {
    "onemax": "sum(g for g in genes)",
    "knapsack": f"sum(prices[i] * x[i] for i in range({GENES}))"
    f" if sum(weights[i] * x[i] for i in range({GENES})) <= {CAPACITY} else 0",
}
Fitness = Callable[[np.ndarray], np.ndarray]
"""Fitnesses of rows of bits, one byte each."""
FITNESS: dict[str, Fitness] = {
    "onemax": lambda rows: rows.sum(axis=1),
    "knapsack": lambda rows: np.where(rows @ WEIGHTS <= CAPACITY, rows @ PRICES, 0.0),
}
Advance = Callable[[int], object]


def ours(name: str) -> Advance:
    """Return what runs on by so many generations."""
    spec = EvolutionSpec.model_validate(
        {
            "genome": {"genes": [{"type": "bit", "name": "x", "count": GENES}]},
            "fitness": {
                "expression": EXPRESSIONS[name],
                "parameters": {"weights": WEIGHTS.tolist(), "prices": PRICES.tolist()},
            },
            "objective": "maximize",
            "algorithm": {"type": "genetic"},
            "population": POPULATION,
            "termination": {"generations": 1_000_000},
            "seed": 1,
        }
    )
    search = BitsSearch(problem_of(spec, 0, 1.0, compiled(spec, "packed")), spec)
    state = search.start(1_000_000)

    def advance(generations: int) -> None:
        search.advance(state, int(state["counters"][0]) + generations)

    return advance


class Bytes:
    """The same algorithm on whole arrays, a byte a gene, as one would write it with NumPy."""

    def __init__(self, name: str) -> None:
        self.name, self.random = name, np.random.default_rng(1)
        self.rows = self.first()
        self.costs = self.evaluate(self.rows)

    def first(self) -> np.ndarray:
        return self.random.integers(0, 2, (POPULATION, GENES), dtype=np.uint8)

    def evaluate(self, rows: np.ndarray) -> np.ndarray:
        if self.name == "onemax":
            return -rows.sum(axis=1, dtype=np.int64)
        return -FITNESS[self.name](rows.astype(np.float64))

    def masks(self, pairs: int) -> np.ndarray:
        return self.random.integers(0, 2, (pairs, GENES), dtype=np.uint8)

    def flip(self, rows: np.ndarray, row: np.ndarray, gene: np.ndarray) -> None:
        np.bitwise_xor.at(rows, (row, gene), np.uint8(1))

    def advance(self, generations: int) -> None:
        for _ in range(generations):
            self.step()

    def step(self) -> None:
        draw, pairs = self.random, POPULATION // 2
        drawn = draw.integers(0, POPULATION, (POPULATION, TOURNAMENT))
        winners = drawn[np.arange(POPULATION), self.costs[drawn].argmin(axis=1)]
        x, y = self.rows[winners[:pairs]], self.rows[winners[pairs:]]
        masks = self.masks(pairs)
        masks[draw.random(pairs) >= PROBABILITY] = 0
        exchanged = (x ^ y) & masks
        children = np.concatenate((x ^ exchanged, y ^ exchanged))
        flips = draw.binomial(POPULATION * GENES, 1 / GENES)
        self.flip(children, draw.integers(0, POPULATION, flips), draw.integers(0, GENES, flips))
        children[0] = self.rows[self.costs.argmin()]
        self.rows, self.costs = children, self.evaluate(children)


class Words(Bytes):
    """The same, 64 genes in a word: an expert's NumPy."""

    def first(self) -> np.ndarray:
        bits = np.zeros((POPULATION, -(-GENES // 64) * 64), np.uint8)
        bits[:, :GENES] = super().first()
        return np.packbits(bits, axis=1, bitorder="little").view(np.uint64)

    def evaluate(self, rows: np.ndarray) -> np.ndarray:
        if self.name == "onemax":
            return -np.bitwise_count(rows).sum(axis=1, dtype=np.int64)
        bits = np.unpackbits(rows.view(np.uint8), axis=1, count=GENES, bitorder="little")
        return super().evaluate(bits)

    def masks(self, pairs: int) -> np.ndarray:
        shape = (pairs, self.rows.shape[1])
        return self.random.integers(0, 2**64, shape, dtype=np.uint64)

    def flip(self, rows: np.ndarray, row: np.ndarray, gene: np.ndarray) -> None:
        place = np.uint64(1) << (gene % 64).astype(np.uint64)
        np.bitwise_xor.at(rows, (row, gene // 64), place)


def with_pygmo(name: str) -> Advance:
    import pygmo

    class Problem:
        def fitness(self, x: np.ndarray) -> list[float]:
            return [-float(FITNESS[name](x[None, :])[0])]

        def get_bounds(self) -> tuple[list[int], list[int]]:
            return [0] * GENES, [1] * GENES

        def get_nix(self) -> int:
            return GENES

    algorithm = pygmo.algorithm(
        pygmo.sga(1, cr=PROBABILITY, m=1 / GENES, param_s=TOURNAMENT, mutation="uniform")
    )
    holder = [pygmo.population(pygmo.problem(Problem()), POPULATION, seed=1)]

    def advance(generations: int) -> None:
        for _ in range(generations):
            holder[0] = algorithm.evolve(holder[0])

    return advance


def with_deap(name: str) -> Advance:
    from deap import algorithms, base, creator, tools

    if not hasattr(creator, "Bits"):
        creator.create("Maximum", base.Fitness, weights=(1.0,))
        creator.create("Bits", list, fitness=creator.Maximum)
    toolbox, draw = base.Toolbox(), random.Random(1)
    individuals = [creator.Bits(draw.randrange(2) for _ in range(GENES)) for _ in range(POPULATION)]
    if name == "onemax":
        toolbox.register("evaluate", lambda bits: (sum(bits),))
    else:
        toolbox.register("evaluate", lambda bits: (FITNESS[name](np.array([bits], float))[0],))
    toolbox.register("mate", tools.cxUniform, indpb=0.5)
    toolbox.register("mutate", tools.mutFlipBit, indpb=1 / GENES)
    toolbox.register("select", tools.selTournament, tournsize=TOURNAMENT)
    holder = [individuals]

    def advance(generations: int) -> None:
        holder[0], _ = algorithms.eaSimple(
            holder[0], toolbox, PROBABILITY, 1.0, generations, verbose=False
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
        fitness_func=lambda _, rows, places: FITNESS[name](rows.astype(float)),
        fitness_batch_size=POPULATION,
        sol_per_pop=POPULATION,
        num_genes=GENES,
        gene_type=int,
        gene_space=[0, 1],
        parent_selection_type="tournament",
        K_tournament=TOURNAMENT,
        crossover_type="uniform",
        crossover_probability=PROBABILITY,
        mutation_type="random",
        mutation_probability=1 / GENES,
        keep_elitism=1,
        random_seed=1,
        suppress_warnings=True,
    )
    return advance


def with_pymoo(name: str) -> Advance:
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.ux import UniformCrossover
    from pymoo.operators.mutation.bitflip import BitflipMutation
    from pymoo.operators.sampling.rnd import BinaryRandomSampling

    class Bits(Problem):
        def __init__(self) -> None:
            super().__init__(n_var=GENES, n_obj=1, xl=0, xu=1, vtype=bool)

        def _evaluate(self, x: np.ndarray, out: dict, *args: object, **kwargs: object) -> None:
            out["F"] = -FITNESS[name](x.astype(float))

    search = GA(
        pop_size=POPULATION,
        sampling=BinaryRandomSampling(),
        crossover=UniformCrossover(prob=PROBABILITY),
        mutation=BitflipMutation(prob_var=1 / GENES),
        eliminate_duplicates=False,
    )
    search.setup(Bits(), termination=("n_gen", 1_000_000), seed=1)

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
    yield "Chimera", ours(name), 100
    yield "NumPy", Bytes(name).advance, 20
    yield "NumPy, packed", Words(name).advance, 20
    for peer, make in PEERS.items() if peers else ():
        try:
            yield peer, make(name), 1
        except ImportError:
            print(f"{peer} is not installed")


def compare(name: str, rounds: int, *, peers: bool) -> None:
    """Print who takes how long for a generation."""
    taking_part = list(contestants(name, peers=peers))
    least = dict.fromkeys((who for who, _, _ in taking_part), float("inf"))
    for _, advance, _ in taking_part:
        advance(1)
    for number in range(rounds):
        for who, advance, generations in taking_part:
            if number >= 3 and who in PEERS:
                continue  # they take seconds a generation
            start = time.perf_counter()
            advance(generations)
            least[who] = min(least[who], (time.perf_counter() - start) / generations)
    for who, seconds in least.items():
        ratio = seconds / least["Chimera"]
        print(f"{name:<10} {who:<14} {seconds * 1e6:12.1f} us/generation {ratio:9.1f} x")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    for problem in EXPRESSIONS:
        compare(problem, options.rounds, peers=not options.no_peers)

"""Genomes that are not real, with known optima: `python -m tests.quality.discrete`.

The knapsack's optimum is found by dynamic programming, those of tours by geometry: around a
circle, and over a grid of even size, where every step has length 1. Traps are of Deb and Goldberg,
Analyzing deception in trap functions (1993). The mixed problem is separable, so that its optimum is
known, and has local optima in every number. Peers are the GAs of pymoo and pygad with the operators
that their documentation gives for such genomes, and the same population and evaluations.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.quality.reaching import Known, evaluator, report

POPULATION = 100


def _bits(count: int) -> dict[str, Any]:
    return {"genes": [{"type": "bit", "name": "b", "count": count}]}


def _knapsack(items: int, seed: int, floor: float) -> Known:
    """Return a strongly correlated knapsack: each value is the weight and 10 more."""
    stream = random.Random(seed)
    weights = [stream.randint(5, 50) for _ in range(items)]
    values = [weight + 10 for weight in weights]
    capacity = sum(weights) // 2
    best = [0] * (capacity + 1)
    for weight, value in zip(weights, values, strict=True):
        for room in range(capacity, weight - 1, -1):
            best[room] = max(best[room], best[room - weight] + value)
    fits = {"expression": "sum(weights[i] * b[i] for i in range(len(weights))) <= capacity"}
    return Known(
        f"knapsack, {items} items",
        _bits(items) | {"constraints": [fits]},
        "sum(values[i] * b[i] for i in range(len(values)))",
        float(best[capacity]),
        50_000,
        {"genetic": floor},
        objective="maximize",
        within=1e-9,
        parameters={"weights": weights, "values": values, "capacity": capacity},
        population=POPULATION,
    )


def _trap(blocks: int, size: int, floor: float) -> Known:
    ones = f"sum(b[{size} * k + i] for i in range({size}))"
    return Known(
        f"trap, {blocks} of {size} bits",
        _bits(blocks * size),
        f"sum({size} if {ones} == {size} else {size - 1} - {ones} for k in range({blocks}))",
        float(blocks * size),
        100_000,
        {"genetic": floor},
        objective="maximize",
        within=1e-9,
        population=500,
        operators={"crossover": {"type": "two-point"}},
    )


def _tour(name: str, places: Sequence[tuple[float, float]], optimum: float, floor: float) -> Known:
    count = len(places)
    distance = [[math.dist(a, b) for b in places] for a in places]
    return Known(
        name,
        {"genes": [{"type": "permutation", "name": "tour", "length": count}]},
        f"sum(distance[tour[k], tour[k + 1]] for k in range({count - 1}))"
        f" + distance[tour[{count - 1}], tour[0]]",
        optimum,
        2_000 * count,
        {"genetic": floor},
        within=1e-9,
        parameters={"distance": distance},
        population=POPULATION,
    )


def _circle(count: int) -> Known:
    stream = random.Random(count)
    angles = sorted(stream.uniform(0, 2 * math.pi) for _ in range(count))
    places = [(math.cos(angle), math.sin(angle)) for angle in angles]
    around = sum(math.dist(places[k], places[k - 1]) for k in range(count))
    stream.shuffle(places)
    return _tour(f"tour of {count} on a circle", places, around, 0.7)


def _grid(side: int) -> Known:
    places = [(float(x), float(y)) for x in range(side) for y in range(side)]
    return _tour(f"tour of a grid of {side} by {side}", places, float(side * side), 0.0)


ONE_MAX = Known(
    "onemax, 200 bits",
    _bits(200),
    "sum(x for x in b)",
    200.0,
    20_000,
    {"genetic": 0.85},
    objective="maximize",
    within=1e-9,
    population=POPULATION,
)
LEADING = Known(
    "leading ones, 60 bits",
    _bits(60),
    "sum(prod(b[j] for j in range(i + 1)) for i in range(60))",
    60.0,
    50_000,
    {"genetic": 0.85},
    objective="maximize",
    within=1e-9,
    population=POPULATION,
)
MIXED = Known(
    "mixed, 10 real, 10 integer, 5 categories",
    {
        "genes": [
            {"type": "real", "name": "x", "min": -5.12, "max": 5.12, "count": 10},
            {"type": "integer", "name": "n", "min": -20, "max": 40, "count": 10},
            {"type": "categorical", "name": "c", "values": [3, 1, 0, 2, 4], "count": 5},
        ]
    },
    "sum(10 + g ** 2 - 10 * cos(2 * pi * g) for g in x)"
    " + sum(10 + i ** 2 - 10 * cos(pi / 2 * i) for i in n) + sum(10 * each for each in c)",
    0.0,
    50_000,
    {"genetic": 0.85},
    within=1e-2,
    population=POPULATION,
)
ASSIGNMENT = Known(
    "assignment of 30",
    {"genes": [{"type": "permutation", "name": "p", "length": 30}]},
    "sum(abs(p[i] - wanted[i]) for i in range(30))",
    0.0,
    50_000,
    {"genetic": 0.85},
    within=1e-9,
    parameters={"wanted": [(7 * i + 3) % 30 for i in range(30)]},
    population=POPULATION,
    operators={"permutation": {"crossover": "pmx", "mutation": "swap"}},
)
PROBLEMS = (
    ONE_MAX,
    LEADING,
    _knapsack(50, 1, 0.3),
    _knapsack(100, 2, 0.0),
    _trap(10, 4, 0.85),
    _trap(20, 5, 0.0),
    _circle(25),
    _circle(50),
    _grid(6),
    ASSIGNMENT,
    MIXED,
)


def _type_of(known: Known) -> str:
    kinds = {gene["type"] for gene in known.genome["genes"]}
    return "mixed" if len(kinds) > 1 else kinds.pop()


def pymoos_ga(known: Known, seed: int) -> float:
    """Return the best feasible fitness that pymoo's GA finds; NaN for mixed genomes."""
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.ox import OrderCrossover
    from pymoo.operators.crossover.pntx import TwoPointCrossover
    from pymoo.operators.mutation.bitflip import BitflipMutation
    from pymoo.operators.mutation.inversion import InversionMutation
    from pymoo.operators.sampling.rnd import BinaryRandomSampling, PermutationRandomSampling
    from pymoo.optimize import minimize

    kind, evaluate = _type_of(known), evaluator(known)
    if kind == "mixed":
        return math.nan
    count = known.spec("genetic").genome.length
    sign = 1.0 if known.objective == "minimize" else -1.0

    class Same(Problem):  # type: ignore[misc]
        def _evaluate(self, x: Any, out: Any, *args: Any, **kwargs: Any) -> None:
            values, violated = evaluate(x)
            out["F"], out["G"] = sign * values[:, None], violated[:, None]

    if kind == "bit":
        operators = {
            "sampling": BinaryRandomSampling(),
            "crossover": TwoPointCrossover(),
            "mutation": BitflipMutation(),
        }
    else:
        operators = {
            "sampling": PermutationRandomSampling(),
            "crossover": OrderCrossover(),
            "mutation": InversionMutation(),
        }
    highest = 1 if kind == "bit" else count - 1
    found = minimize(
        Same(n_var=count, n_obj=1, n_ieq_constr=1, xl=0, xu=highest),
        GA(pop_size=known.population, eliminate_duplicates=True, **operators),
        ("n_eval", known.evaluations),
        seed=seed,
    )
    return math.inf if found.F is None else sign * float(found.F[0])


def pygads_ga(known: Known, seed: int) -> float:
    """Return the best feasible fitness that pygad finds; NaN for permutations."""
    import pygad

    kind, evaluate = _type_of(known), evaluator(known)
    if kind == "permutation":
        return math.nan
    sign = 1.0 if known.objective == "maximize" else -1.0
    best = -math.inf

    def fitness(search: Any, rows: Any, places: Any) -> Any:
        nonlocal best
        values, violated = evaluate(np.atleast_2d(np.asarray(rows, float)))
        worth = sign * values
        feasible = worth[violated == 0]
        best = max(best, *feasible.tolist()) if len(feasible) else best
        return np.where(violated == 0, worth, -1e12 - violated)

    space: list[Any] = []
    types: list[Any] = []
    for gene in known.spec("genetic").genome.genes:
        if gene.type == "real":
            one, kept = {"low": gene.min, "high": gene.max}, float
        elif gene.type == "integer":
            one, kept = {"low": gene.min, "high": gene.max + 1, "step": 1}, int
        else:
            one, kept = list(range(2 if gene.type == "bit" else len(gene.values))), int
        space += [one] * gene.length
        types += [kept] * gene.length
    search = pygad.GA(
        num_generations=known.evaluations // known.population - 1,
        sol_per_pop=known.population,
        num_parents_mating=known.population // 2,
        num_genes=len(space),
        gene_space=space,
        gene_type=types,
        fitness_func=fitness,
        fitness_batch_size=known.population,
        parent_selection_type="tournament",
        crossover_type="uniform",
        mutation_type="random",
        mutation_probability=1.0 / len(space),
        keep_elitism=1,
        random_seed=seed,
        suppress_warnings=True,
    )
    search.run()
    return math.inf if best == -math.inf else sign * best


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 if a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", nargs="*", help="beginnings of their names")
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--peers-seeds", type=int, default=15, help="0: without peers")
    parser.add_argument("--keep", type=Path, help="where peers' figures are kept")
    options = parser.parse_args(arguments)
    begins = tuple(options.problems or [""])
    problems = [known for known in PROBLEMS if known.name.startswith(begins)]
    peers = {} if options.peers_seeds == 0 else {"pymoo GA": pymoos_ga, "pygad": pygads_ga}
    seeds, others = (range(1, 1 + count) for count in (options.seeds, options.peers_seeds))
    return int(report(problems, ("genetic",), peers, seeds, others, options.keep) > 0)


if __name__ == "__main__":
    sys.exit(main())

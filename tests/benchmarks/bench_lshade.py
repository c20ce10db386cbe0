"""CPU ns an evaluation: our L-SHADE and pygmo's sade on rosenbrock of 30 genes, one thread.

Both begin with 540 candidates, which is ours by default, and have 300,000 evaluations; the fitness
is compiled on both sides. `python -m tests.benchmarks.bench_lshade`; needs pygmo (group `peers`).
"""

from __future__ import annotations

import statistics
import sys
import time

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.engine import Search

GENES, POPULATION, EVALUATIONS, ROUNDS = 30, 540, 300_000, 9


def ours(seed: int) -> float:
    """Return what an evaluation took, compiling aside."""
    spec = EvolutionSpec.model_validate(
        {
            "genome": {"genes": [{"name": "x", "min": -5, "max": 10, "count": GENES}]},
            "fitness": {"function": "rosenbrock"},
            "algorithm": "l-shade",
            "termination": {"evaluations": EVALUATIONS},
            "budget": {"workers": 1},
            "seed": seed,
        }
    )
    search = Search(spec)
    state = search.start()
    search.advance(state, 1)
    before, began = state.evaluations, time.process_time()
    search.finish(state)
    return (time.process_time() - began) / (state.evaluations - before) * 1e9


def sade(seed: int) -> float:
    """Return what an evaluation of pygmo's self-adaptive differential evolution took."""
    import pygmo

    generations = EVALUATIONS // POPULATION
    algorithm = pygmo.algorithm(pygmo.sade(gen=generations, ftol=0, xtol=0, seed=seed))
    population = pygmo.population(pygmo.problem(pygmo.rosenbrock(GENES)), POPULATION, seed=seed)
    began = time.process_time()
    population = algorithm.evolve(population)
    took = time.process_time() - began
    return took / (population.problem.get_fevals() - POPULATION) * 1e9


def main() -> int:
    """Take turns, and print medians and fastest rounds."""
    contenders = {"L-SHADE": ours}
    try:
        import pygmo  # noqa: F401
    except ImportError:
        print("pygmo is not installed: ours alone")
    else:
        contenders["pygmo sade"] = sade
    ours(0)
    took: dict[str, list[float]] = {name: [] for name in contenders}
    for seed in range(1, ROUNDS + 1):
        for name, contender in contenders.items():
            took[name].append(contender(seed))
    print("| CPU ns an evaluation | median | fastest |\n|---|---|---|")
    for name, found in took.items():
        print(f"| {name} | {statistics.median(found):.0f} | {min(found):.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

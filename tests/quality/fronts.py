"""NSGA-II beside pymoo's on ZDT and DTLZ: `python -m tests.quality.fronts --seeds 11`.

Both get the same population, generations and parameters of operators (SBX η = 15 with probability
0.9, polynomial mutation η = 20 of one gene on average). What is compared are medians of the exact
hypervolume over seeds; the exit code says whether each of ours is at least 99 % of pymoo's. Peers'
figures are kept (`--keep FOLDER`), ours are always made anew. Needs `pymoo`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from chimera.builtin.evolution.kernels.fronts import hypervolume
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.algorithm import Floats
from chimera.builtin.evolution.search.engine import Search
from tests.quality.published import FRONTS

POPULATION = 100
LEAST_SHARE = 0.99

GENERATIONS = {
    "zdt1": 250,
    "zdt2": 250,
    "zdt3": 250,
    "zdt4": 500,
    "zdt6": 500,
    "dtlz1": 500,
    "dtlz2": 250,
    "dtlz3": 1000,
    "dtlz4": 250,
}
"""Generations of each problem, the first one included."""

Find = Callable[[str, int], Floats]


def spec_of(name: str, seed: int, generations: int) -> EvolutionSpec:
    """Return a problem as a spec whose run makes so many generations."""
    front = FRONTS[name]
    free = len(front.expressions) - 1
    low, high = front.domain
    genes = [
        {"type": "real", "name": "x", "min": 0, "max": 1, "count": free},
        {"type": "real", "name": "y", "min": low, "max": high, "count": front.genes - free},
    ]
    aims = [{"name": f"f{m}", "expression": text} for m, text in enumerate(front.expressions)]
    return EvolutionSpec.model_validate(
        {
            "genome": {"genes": genes},
            "objectives": aims,
            "algorithm": "nsga-2",
            "population": POPULATION,
            "termination": {"generations": generations - 1},
            "seed": seed,
        }
    )


def searched(name: str, seed: int, generations: int | None = None) -> Floats:
    """Return the costs of the front that our NSGA-II finds."""
    search = Search(spec_of(name, seed, generations or GENERATIONS[name]))
    state = search.start()
    search.finish(state)
    return search.islands[0].algorithm.front(state.islands[0])[1]


def peers(name: str, seed: int) -> Floats:
    """Return the costs of the front that pymoo's NSGA-II finds."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.optimize import minimize
    from pymoo.problems import get_problem

    genes = FRONTS[name].genes
    sizes = {"n_var": genes} | ({"n_obj": 3} if name.startswith("dtlz") else {})
    algorithm = NSGA2(
        pop_size=POPULATION,
        crossover=SBX(eta=15, prob=0.9),
        mutation=PM(eta=20, prob=1.0, prob_var=1.0 / genes),
    )
    ending = ("n_gen", GENERATIONS[name])
    return minimize(get_problem(name, **sizes), algorithm, ending, seed=seed).F


def reference_of(name: str) -> Floats:
    """Return the point that hypervolumes are measured within: 10 % beyond the front."""
    if name == "dtlz1":
        return np.full(3, 0.55)
    return np.full(len(FRONTS[name].expressions), 1.1)


def volumes(name: str, find: Find, seeds: Sequence[int]) -> list[float]:
    """Return the hypervolume of what each seed finds."""
    reference = reference_of(name)
    return [hypervolume(np.ascontiguousarray(find(name, seed)), reference) for seed in seeds]


def kept(name: str, seeds: Sequence[int], folder: Path | None) -> list[float]:
    """Return pymoo's figures, from `folder` where they were kept."""
    path = None if folder is None else folder / f"pymoo-{name}-{len(seeds)}.json"
    if path is not None and path.exists():
        return json.loads(path.read_text())
    found = volumes(name, peers, seeds)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 if any of our medians is too small."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problems", nargs="*", default=list(GENERATIONS))
    parser.add_argument("--seeds", type=int, default=11)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args(arguments)
    seeds, failed = range(1, options.seeds + 1), False
    print("| problem | generations | ours: median (quartiles) | pymoo's | ratio |")
    print("|---|---|---|---|---|")
    for name in options.problems:
        ours, theirs = volumes(name, searched, seeds), kept(name, seeds, options.keep)
        ratio = float(np.median(ours) / np.median(theirs))
        failed = failed or not ratio >= LEAST_SHARE
        cells = " | ".join(map(summary, (ours, theirs)))
        print(f"| {name} | {GENERATIONS[name]} | {cells} | {ratio:.4f} |", flush=True)
    return int(failed)


def summary(found: Sequence[float]) -> str:
    """Return median and quartiles as text."""
    low, middle, high = np.quantile(found, [0.25, 0.5, 0.75])
    return f"{middle:.4f} ({low:.4f} to {high:.4f})"


if __name__ == "__main__":
    sys.exit(main())

"""NSGA-II beside pymoo's on ZDT and DTLZ: `python -m tests.quality.fronts --seeds 11`.

Both get the same population, generations and parameters of operators (SBX η = 15 with probability
0.9, polynomial mutation η = 20 of one gene on average). What is compared are medians of the exact
hypervolume over seeds; the exit code says whether each of ours is at least 99 % of pymoo's. Peers'
figures are kept (`--keep FOLDER`), ours are always made anew. Needs `pymoo`.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chimera.builtin.evolution.kernels.fronts import hypervolume
from chimera.builtin.evolution.kernels.recording import Ending
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.algorithm import REAL, Floats, Problem
from chimera.builtin.evolution.search.nsga2 import Nsga2
from tests.quality.front_problems import PROBLEMS, FrontProblem

POPULATION = 100
LEAST_SHARE = 0.99


def searched(problem: FrontProblem, seed: int, population: int = POPULATION) -> Floats:
    """Return the costs of the front that our NSGA-II finds."""
    names = [f"f{m}" for m in range(len(problem.reference))]
    spec = EvolutionSpec.model_validate(
        {
            "genome": {"genes": [{"type": "real", "name": "x", "min": 0, "max": 1}]},
            "objectives": [{"name": name, "expression": "x"} for name in names],
            "algorithm": "nsga-2",
            "seed": seed,
        }
    )
    width = -(-problem.genes // 8) * 8
    lower, upper = (np.concatenate((b, np.zeros(width - len(b)))) for b in problem.bounds())
    ending = Ending(problem.generations, 2**62, -math.inf, 0, 0.0)
    segments = np.array([[REAL, 0, problem.genes]])
    search = Nsga2(
        Problem(
            seed,
            0,
            problem.genes,
            segments,
            lower,
            upper,
            1.0,
            population,
            ending,
            problem.objectives,
        ),
        spec,
    )
    state = search.start(problem.generations + 1)
    search.advance(state, problem.generations)
    return search.front(state)[1]


def peers(problem: FrontProblem, seed: int) -> Floats:
    """Return the costs of the front that pymoo's NSGA-II finds."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.optimize import minimize
    from pymoo.problems import get_problem

    algorithm = NSGA2(
        pop_size=POPULATION,
        crossover=SBX(eta=15, prob=0.9),
        mutation=PM(eta=20, prob=1.0, prob_var=1.0 / problem.genes),
    )
    sizes = {"n_var": problem.genes} | ({"n_obj": 3} if problem.name.startswith("dtlz") else {})
    return minimize(
        get_problem(problem.name, **sizes),
        algorithm,
        ("n_gen", problem.generations + 1),
        seed=seed,
    ).F


def volumes(problem: FrontProblem, find: object, seeds: Sequence[int]) -> list[float]:
    """Return the hypervolume of what each seed finds."""
    reference = np.array(problem.reference)
    return [hypervolume(np.ascontiguousarray(find(problem, seed)), reference) for seed in seeds]


def kept(problem: FrontProblem, seeds: Sequence[int], folder: Path | None) -> list[float]:
    """Return pymoo's figures, from `folder` where they were kept."""
    path = None if folder is None else folder / f"pymoo-{problem.name}-{len(seeds)}.json"
    if path is not None and path.exists():
        return json.loads(path.read_text())
    found = volumes(problem, peers, seeds)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 if any of our medians is too small."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=11)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args(arguments)
    seeds, failed = range(1, options.seeds + 1), False
    print("| problem | generations | ours: median (quartiles) | pymoo's | ratio |")
    print("|---|---|---|---|---|")
    for name in options.problems:
        problem = PROBLEMS[name]
        ours, theirs = volumes(problem, searched, seeds), kept(problem, seeds, options.keep)
        ratio = float(np.median(ours) / np.median(theirs))
        failed = failed or not ratio >= LEAST_SHARE
        cells = ["{1:.4f} ({0:.4f}-{2:.4f})".format(*np.quantile(v, [0.25, 0.5, 0.75])) for v in (ours, theirs)]
        print(f"| {name} | {problem.generations + 1} | {cells[0]} | {cells[1]} | {ratio:.4f} |", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

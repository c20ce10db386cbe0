"""Searches over the 24 BBOB functions: `python -m tests.quality.bbob l-shade auto --instances 1 2`.

A run's record says after how many evaluations each of 51 targets was reached. From that follow, for
any budget, the share of targets reached (the ECDF of Hansen et al., COCO: a platform for comparing
continuous optimizers in a black-box setting, 2021) and of functions solved to 1e-8. Peers' records
are kept (`--keep FOLDER`), ours are always made anew. The exit code says whether what `FLOORS` asks
of a contender was reached. Needs `ioh`; peers need `minionpy` and `cma`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.quality.contenders import CONTENDERS, PEERS

FUNCTIONS = range(1, 25)
TARGETS = [10.0 ** (2 - k / 5) for k in range(51)]
"""Distances from the optimum: 51, evenly spaced in the exponent, from 1e2 to 1e-8."""

SHARES = (100, 1000, 10_000)
"""Budgets in evaluations for each gene."""

FLOORS: dict[str, tuple[float, float]] = {"auto": (0.80, 0.74)}
"""The ECDF and the share solved that a contender must reach at the last budget."""

RIVALS = {"l-shade": "minionpy", "cma-es": "pycma"}
NEAR = 0.02
"""Whom a contender's ECDF must not be further below than this, at any budget."""


class SpentError(Exception):
    """Ends a search that has reached the last target or spent its budget."""


class BlackBox:
    """One function to minimise within [-5, 5]^D, that notes when each target is reached."""

    def __init__(self, function: int, instance: int, dimension: int, budget: int) -> None:
        import ioh

        self.problem = ioh.get_problem(function, instance, dimension, ioh.ProblemClass.BBOB)
        self._optimum = self.problem.optimum.y
        self.function, self.instance = function, instance
        self.dimension, self.budget = dimension, budget
        self.evaluations = 0
        self.hits: list[int] = []

    @property
    def is_done(self) -> bool:
        """Whether the last target is reached or the budget spent."""
        return self.evaluations >= self.budget or len(self.hits) == len(TARGETS)

    def __call__(self, rows: Any) -> list[float]:
        """Return the values of rows, a list of lists; raises `SpentError` where `is_done`."""
        if self.is_done:
            raise SpentError
        values = self.problem(rows)
        self._note(values[: self.budget - self.evaluations])
        self.evaluations = min(self.budget, self.evaluations + len(values))
        return values

    def _note(self, values: Sequence[float]) -> None:
        goal = self._optimum + TARGETS[len(self.hits)]
        if min(values) > goal:
            return
        for place, value in enumerate(values):
            while len(self.hits) < len(TARGETS) and (
                value - self._optimum <= TARGETS[len(self.hits)]
            ):
                self.hits.append(self.evaluations + place + 1)


@dataclass(frozen=True)
class Run:
    """When one search reached each target; `hits` ends with the last that it reached."""

    function: int
    instance: int
    dimension: int
    budget: int
    hits: list[int]


def run(contender: str, function: int, instance: int, dimension: int, budget: int) -> Run:
    """Search one function, the seed following from what is searched."""
    box = BlackBox(function, instance, dimension, budget)
    with contextlib.suppress(SpentError):
        CONTENDERS[contender](box, 1000 * instance + function)
    return Run(function, instance, dimension, budget, box.hits)


def ecdf(runs: Iterable[Run], evaluations: int) -> float:
    """Return the share of targets that were reached within so many evaluations."""
    return float(np.mean([sum(h <= evaluations for h in r.hits) / len(TARGETS) for r in runs]))


def solved(runs: Iterable[Run], evaluations: int) -> float:
    """Return the share of runs that reached the last target within so many evaluations."""
    reached = [len(r.hits) == len(TARGETS) and r.hits[-1] <= evaluations for r in runs]
    return float(np.mean(reached))


def _run_all(task: tuple[str, int, int, int, int]) -> Run:
    return run(*task)


def measure(
    contender: str,
    instances: Sequence[int],
    dimension: int = 10,
    share: int = SHARES[-1],
    functions: Iterable[int] = FUNCTIONS,
    keep: Path | None = None,
    executor: Callable[..., Iterable[Run]] = map,
) -> list[Run]:
    """Run a contender on functions and instances; a peer's runs are read from `keep` if there."""
    found: list[Run] = []
    missing: list[tuple[str, int, int, int, int]] = []
    for instance in instances:
        path = _kept(keep, contender, dimension, share, instance)
        if path is not None and path.is_file():
            kept = [Run(**value) for value in json.loads(path.read_text())]
            found += [r for r in kept if r.function in functions]
        else:
            missing += [(contender, f, instance, dimension, share * dimension) for f in functions]
    made = list(executor(_run_all, missing))
    for instance in {r.instance for r in made}:
        path = _kept(keep, contender, dimension, share, instance)
        runs = [r for r in made if r.instance == instance]
        if path is not None and len(runs) == len(FUNCTIONS):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps([asdict(r) for r in runs]) + "\n")
    return found + made


def _kept(keep: Path | None, contender: str, dimension: int, share: int, instance: int):
    if keep is None or contender not in PEERS:
        return None
    return keep / f"{contender}-d{dimension}-b{share}-i{instance}.json"


def table(results: dict[str, list[Run]]) -> str:
    """Return a Markdown table: a row for each contender, a column for each budget."""
    most = max(r.budget // r.dimension for runs in results.values() for r in runs)
    shares = [share for share in SHARES if share < most] + [most]
    heads = [f"{share} D" for share in shares]
    lines = [
        "| contender | " + " | ".join(f"ECDF {h}" for h in heads) + " | solved " + heads[-1] + " |",
        "|---|" + "---|" * (len(shares) + 1),
    ]
    for name, runs in results.items():
        dimension = runs[0].dimension
        cells = [f"{ecdf(runs, share * dimension):.3f}" for share in shares]
        cells.append(f"{solved(runs, most * dimension):.3f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def table_by_function(results: dict[str, list[Run]], evaluations: int) -> str:
    """Return a Markdown table: the ECDF of each contender on each function."""
    lines = ["| function | " + " | ".join(results) + " |", "|---|" + "---|" * len(results)]
    for function in FUNCTIONS:
        cells = []
        for runs in results.values():
            own = [r for r in runs if r.function == function]
            cells.append(f"{ecdf(own, evaluations):.2f}" if own else "")
        lines.append(f"| f{function} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def failures(results: dict[str, list[Run]]) -> list[str]:
    """Say which contenders stayed below what `FLOORS` asks of them, or below their rivals."""
    found = []
    for name, (least_ecdf, least_solved) in FLOORS.items():
        runs = results.get(name, [])
        budget = SHARES[-1] * runs[0].dimension if runs else 0
        if runs and runs[0].budget == budget:
            reached, share = ecdf(runs, budget), solved(runs, budget)
            if reached < least_ecdf or share < least_solved:
                found.append(
                    f"{name}: ECDF {reached:.3f} and {share:.3f} solved, "
                    f"at least {least_ecdf} and {least_solved} wanted"
                )
    for name, rival in RIVALS.items():
        if name in results and rival in results:
            found += _behind(name, results[name], rival, results[rival])
    return found


def _behind(name: str, ours: list[Run], rival: str, theirs: list[Run]) -> Iterator[str]:
    for share in SHARES:
        evaluations = share * ours[0].dimension
        reached, wanted = ecdf(ours, evaluations), ecdf(theirs, evaluations)
        if reached < wanted - NEAR:
            yield f"{name}: ECDF {reached:.3f} at {share} D, {rival} has {wanted:.3f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure contenders, print tables, and judge them by `FLOORS`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contenders", nargs="*", default=list(FLOORS), choices=[*CONTENDERS])
    parser.add_argument("--instances", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--dimension", type=int, default=10)
    parser.add_argument("--share", type=int, default=SHARES[-1], help="evaluations for each gene")
    parser.add_argument("--functions", nargs="+", type=int, default=list(FUNCTIONS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder that peers' runs are kept in")
    chosen = parser.parse_args(arguments)
    os.nice(10)
    results = {}
    with ProcessPoolExecutor(chosen.workers) as pool:
        for name in chosen.contenders:
            results[name] = measure(
                name,
                chosen.instances,
                chosen.dimension,
                chosen.share,
                functions=chosen.functions,
                keep=chosen.keep,
                executor=pool.map,
            )
    print(table(results), end="\n\n")
    print(table_by_function(results, chosen.share * chosen.dimension))
    found = failures(results)
    print(*found, sep="\n", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""How often searches reach a known optimum: one table, a row for each problem.

A run reaches an optimum if its champion is feasible and no further from it than a share of its size
(or that much, where it is 0). Runs of all contenders end after the same number of evaluations.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chimera.builtin.evolution.comparing.runs import run_all
from chimera.builtin.evolution.comparing.statistics import median
from chimera.builtin.evolution.fitness.compile import compile_objectives
from chimera.builtin.evolution.fitness.expressions import read_constraint, read_expression
from chimera.builtin.evolution.kinds import EvolutionSpec

Peer = Callable[["Known", int], float]
"""Returns the best feasible fitness that a peer finds with a seed: infinite if there is none, NaN
where it does not take such a problem."""

OF_REALS = ("cma-es", "l-shade")


@dataclass(frozen=True)
class Known:
    """A problem whose optimum is known, and the share of seeds that are to reach it.

    `floors` holds that share for each contender that is asked for one. `population` and `operators`
    are those of all genetic algorithms.
    """

    name: str
    genome: Mapping[str, Any]
    fitness: str
    optimum: float
    evaluations: int
    floors: Mapping[str, float]
    objective: str = "minimize"
    within: float = 1e-4
    parameters: Mapping[str, Any] = field(default_factory=dict)
    population: int | None = None
    operators: Mapping[str, Any] | None = None

    def spec(self, algorithm: Any) -> EvolutionSpec:
        """Return the problem as a spec."""
        value = {
            "genome": self.genome,
            "fitness": {"expression": self.fitness, "parameters": self.parameters},
            "objective": self.objective,
            "algorithm": algorithm,
            "termination": {"evaluations": self.evaluations},
            "seed": 0,
        }
        if algorithm == "genetic":
            value |= {"population": self.population, "operators": self.operators}
        return EvolutionSpec.model_validate(value)

    @property
    def is_real(self) -> bool:
        """Whether all genes are."""
        return all(gene["type"] == "real" for gene in self.genome["genes"])

    def error(self, fitness: float | None) -> float:
        """Return how far a fitness is from the optimum, as a share of its size."""
        if fitness is None or not math.isfinite(fitness):
            return math.inf
        sign = 1.0 if self.objective == "minimize" else -1.0
        return sign * (fitness - self.optimum) / (abs(self.optimum) or 1.0)


def evaluator(known: Known) -> Callable[[Any], tuple[Any, Any]]:
    """Return what computes values and sums of violations of rows, by our compiled expressions."""
    genome = known.spec("auto").genome
    violations = [
        read_constraint(each.expression, genome.genes, known.parameters, each.tolerance).tree
        for each in genome.constraints
    ]
    tree = read_expression(known.fitness, genome.genes, known.parameters).tree
    compiled = compile_objectives([tree], violations)

    def evaluate(rows: Any) -> tuple[Any, Any]:
        padded = np.zeros((len(rows), -(-len(rows[0]) // 8) * 8))
        padded[:, : len(rows[0])] = rows
        values, violated = np.zeros((len(rows), 1)), np.zeros(len(rows))
        compiled(padded, 0, len(rows), values, violated)
        return values[:, 0], violated

    return evaluate


def errors_of(known: Known, contender: str, seeds: Sequence[int]) -> list[float]:
    """Return the errors of our runs with each seed."""
    return [known.error(run.fitness) for run in run_all(known.spec(contender), seeds)]


def peers_errors(
    known: Known, name: str, peer: Peer, seeds: Sequence[int], folder: Path | None
) -> list[float]:
    """Return the errors of a peer's runs, from `folder` where they were kept."""
    path = None if folder is None else folder / f"{name}-{known.name}-{len(seeds)}.json"
    if path is not None and path.exists():
        return [math.inf if each is None else each for each in json.loads(path.read_text())]
    fitnesses = [peer(known, seed) for seed in seeds]
    if any(map(math.isnan, fitnesses)):
        return []
    found = [known.error(fitness) for fitness in fitnesses]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([each if math.isfinite(each) else None for each in found]))
    return found


def reach(known: Known, errors: Sequence[float]) -> float:
    """Return the share of runs that reached the optimum."""
    return sum(error <= known.within for error in errors) / len(errors)


def cell(known: Known, errors: Sequence[float]) -> str:
    """Return a table's cell: the share of runs that reached it, and the median error."""
    if not errors:
        return ""
    middle = median(errors)
    text = "none" if math.isinf(middle) else f"{max(middle, 0.0) + 0.0:.1e}"
    return f"{reach(known, errors):.2f} ({text})"


def report(
    problems: Sequence[Known],
    contenders: Sequence[str],
    peers: Mapping[str, Peer],
    seeds: Sequence[int],
    peers_seeds: Sequence[int],
    folder: Path | None = None,
) -> int:
    """Print the table; return how many floors were missed, or optima beaten by more than rounding.

    Algorithms of real genes are left out where there are others.
    """
    missed: list[str] = []
    print(f"| problem | optimum | evaluations | {' | '.join((*contenders, *peers))} |")
    print("|---" * (3 + len(contenders) + len(peers)) + "|")
    for known in problems:
        cells = [known.name, f"{known.optimum:.10g}", str(known.evaluations)]
        for name in contenders:
            if name in OF_REALS and not known.is_real:
                cells.append("")
                continue
            errors = errors_of(known, name, seeds)
            cells.append(cell(known, errors))
            missed += _missed(known, name, errors)
        for name, peer in peers.items():
            cells.append(cell(known, peers_errors(known, name, peer, peers_seeds, folder)))
        print(f"| {' | '.join(cells)} |", flush=True)
    print()
    for line in missed:
        print(line)
    return len(missed)


def _missed(known: Known, name: str, errors: Sequence[float]) -> list[str]:
    """Say what is wrong with a contender's runs: a floor missed, or an optimum that is none."""
    found = []
    share, floor = reach(known, errors), known.floors.get(name, 0.0)
    if share < floor:
        found.append(f"{name} reaches {known.name} in {share:.2f} of runs, not in {floor:.2f}")
    if min(errors) < -known.within:
        found.append(f"{name} finds {known.name} better than its optimum by {-min(errors):.1e}")
    return found

"""NSGA-II on one island: settings from a spec, arrays, and one generation after another.

Where `Algorithm` says float64[N], costs are float64[N, M + 1] here: a column for each objective
and, last, the sum of violations, 0 where a row is feasible and infinite where it is not valid.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chimera.builtin.evolution.kernels import nsga2
from chimera.builtin.evolution.kernels.recording import (
    ADVANCE,
    ASK,
    BEST,
    GENERATION,
    MEAN,
    TELL,
)
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.algorithm import (
    Floats,
    Integers,
    Problem,
    State,
    first_counters,
)
from chimera.builtin.evolution.search.breeding import layout_of, settings_of
from chimera.builtin.evolution.spec.defaults import MAX_OBJECTIVES
from chimera.model import ChimeraError


class Nsga2Search:
    """Searches for the front of several objectives: an `Algorithm`, but for the costs."""

    def __init__(self, problem: Problem, spec: EvolutionSpec) -> None:
        """Make settings; `problem.fitness` is compiled as `evaluating.OBJECTIVES_SIGNATURE`."""
        if not 2 <= len(spec.objectives) <= MAX_OBJECTIVES:
            raise ChimeraError(
                f"nsga-2 takes 2 to {MAX_OBJECTIVES} objectives, and not {len(spec.objectives)}",
                help="weigh some of the objectives against one another in one expression",
            )
        self._problem = problem
        self._signs = signs_of(spec)
        self._settings, self._layout = settings_of(problem, spec), layout_of(problem, spec)
        self._scratch = nsga2.scratch_of(problem.population, self._signs.shape[0], problem.width)

    def start(self, capacity: int) -> State:
        """Return the state before generation 0."""
        rows, objectives = 2 * self._problem.population, self._signs.shape[0]
        return {
            "rows": np.zeros((rows, self._problem.width)),
            "costs": np.zeros((rows, objectives)),
            "violations": np.zeros(rows),
            "ranks": np.zeros(rows, np.int64),
            "crowding": np.zeros(rows),
            "reference": np.full(objectives, math.inf),
            "champion": np.zeros(self._problem.width),
            "history": np.zeros((capacity, MEAN + 1)),
            "counters": first_counters(),
        }

    def advance(self, state: State, until: int) -> None:
        """Move on to generation `until`, or to where a criterion stops."""
        self._run(state, ADVANCE, until, self._problem.fitness)

    def ask(self, state: State) -> Floats:
        """Return the candidates of the next generation, a view of float64[N, W]."""
        self._run(state, ASK, int(state["counters"][GENERATION]) + 1, nsga2.unknown)
        return state["rows"][self._problem.population :]

    def tell(self, state: State, costs: Floats) -> None:
        """Finish the generation, given float64[N, M + 1]."""
        count = self._problem.population
        state["costs"][count:], state["violations"][count:] = costs[:, :-1], costs[:, -1]
        self._run(state, TELL, int(state["counters"][GENERATION]) + 1, nsga2.unknown)

    def population(self, state: State) -> tuple[Floats, Floats]:
        """Return the parents, a view, and their costs; `order` says which are the best."""
        count = self._problem.population
        costs = np.column_stack((state["costs"][:count], state["violations"][:count]))
        return state["rows"][:count], costs

    def order(self, state: State) -> Integers:
        """Return the positions of the parents, the best first: by rank, then by crowding."""
        count = self._problem.population
        return np.lexsort((-state["crowding"][:count], state["ranks"][:count]))

    def front(self, state: State) -> tuple[Floats, Floats]:
        """Return the feasible candidates that none dominates, without doubles, and their costs.

        float64[F, W] and float64[F, M], in ascending order of the costs.
        """
        count = self._problem.population
        crowding, ranks = state["crowding"][:count], state["ranks"][:count]
        chosen = (ranks == 0) & (crowding >= 0) & (state["violations"][:count] == 0)
        costs = state["costs"][:count][chosen]
        order = np.lexsort(costs.T[::-1])
        return state["rows"][:count][chosen][order], costs[order]

    def observe(self, state: State) -> dict[str, float]:
        """Return how many candidates the front has, and the share of parents that are feasible."""
        count = self._problem.population
        feasible = float(np.mean(state["violations"][:count] == 0))
        return {"feasible": feasible, "front": float(len(self.front(state)[0]))}

    def hypervolume(self, state: State) -> float:
        """Return the greatest hypervolume of a generation so far, within `state["reference"]`."""
        return -float(state["history"][state["counters"][GENERATION], BEST])

    def immigrate(self, state: State, candidates: Floats, costs: Floats) -> None:
        """Take in candidates of other islands, in place of the worst, and rank all anew."""
        worst = self.order(state)[self._problem.population - candidates.shape[0] :]
        state["rows"][worst] = candidates
        state["costs"][worst], state["violations"][worst] = costs[:, :-1], costs[:, -1]
        nsga2.rank(self._arrays(state), self._scratch, self._problem.population)

    def _run(self, state: State, work: int, until: int, objectives: Any) -> None:
        nsga2.generations(
            self._arrays(state),
            self._scratch,
            self._layout,
            self._settings,
            self._problem.ending,
            objectives,
            work,
            until,
        )

    def _arrays(self, state: State) -> nsga2.Arrays:
        return nsga2.Arrays(**state, signs=self._signs)


def signs_of(spec: EvolutionSpec) -> Floats:
    """Return 1 for each objective that is minimised and -1 for each that is maximised."""
    return np.array([1.0 if aim.objective == "minimize" else -1.0 for aim in spec.objectives])


def costs_of(values: Floats, violations: Floats, signs: Floats) -> Floats:
    """Return the costs to tell, given values as their authors mean them: invalid ones infinite."""
    costs = np.column_stack((values * signs, violations))
    costs[~np.isfinite(costs).all(axis=1)] = math.inf
    return costs

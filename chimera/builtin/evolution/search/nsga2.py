"""NSGA-II on one island: settings from a spec, arrays, and one generation after another.

Where `Algorithm` says float64[N], costs are float64[N, M + 1] here: a column for each objective
and, last, the sum of violations, 0 where a row is feasible and infinite where it is not valid.
"""

from __future__ import annotations

import math

import numpy as np

from chimera.builtin.evolution.kernels import nsga2, portable
from chimera.builtin.evolution.kernels.recording import BEST, COUNTERS, MEAN, begin
from chimera.builtin.evolution.kinds import EvolutionSpec, GaussianMutation
from chimera.builtin.evolution.search.algorithm import Floats, Integers, Problem, State
from chimera.builtin.evolution.spec.defaults import crossover_of, mutation_of
from chimera.model import ChimeraError

MAX_OBJECTIVES = 5
"""Every generation's hypervolume is exact, and the time for it grows with each objective."""

_KEPT = nsga2.Arrays._fields[:-2]


class Nsga2:
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
        self._settings, self._bounds = settings_of(problem, spec), bounds_of(problem, spec)
        self._scratch = nsga2.scratch_of(problem.population, self._signs.shape[0], problem.width)

    def start(self, capacity: int) -> State:
        """Return the state before generation 0."""
        rows, objectives = 2 * self._problem.population, self._signs.shape[0]
        state = {
            "rows": np.zeros((rows, self._problem.width)),
            "costs": np.zeros((rows, objectives)),
            "violations": np.zeros(rows),
            "ranks": np.zeros(rows, np.int64),
            "crowding": np.zeros(rows),
            "reference": np.full(objectives, math.inf),
            "champion": np.zeros(self._problem.width),
            "history": np.zeros((capacity, MEAN + 1)),
            "counters": np.zeros(COUNTERS, np.int64),
        }
        begin(state["counters"])
        return state

    def advance(self, state: State, until: int) -> None:
        """Move on to generation `until`, or to where a criterion stops."""
        ending, fitness = self._problem.ending, self._problem.fitness
        nsga2.evolve(self._arrays(state), self._scratch, self._settings, ending, fitness, until)

    def ask(self, state: State) -> Floats:
        """Return the candidates of the next generation, a view of float64[N, W]."""
        nsga2.breed(self._arrays(state), self._scratch, self._settings)
        return state["rows"][self._problem.population :]

    def tell(self, state: State, costs: Floats) -> None:
        """Finish the generation, given float64[N, M + 1]."""
        count = self._problem.population
        state["costs"][count:], state["violations"][count:] = costs[:, :-1], costs[:, -1]
        nsga2.settle(self._arrays(state), self._scratch, self._settings, self._problem.ending)

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

    def hypervolume(self, state: State) -> float:
        """Return the greatest hypervolume of a generation so far, within `state["reference"]`."""
        return -float(state["history"][state["counters"][0], BEST])

    def immigrate(self, state: State, candidates: Floats, costs: Floats) -> None:
        """Take in candidates of other islands, in place of the worst, and rank all anew."""
        worst = self.order(state)[self._problem.population - candidates.shape[0] :]
        state["rows"][worst] = candidates
        state["costs"][worst], state["violations"][worst] = costs[:, :-1], costs[:, -1]
        nsga2.rank(self._arrays(state), self._scratch, self._problem.population)

    def _arrays(self, state: State) -> nsga2.Arrays:
        return nsga2.Arrays(
            *(state[name] for name in _KEPT), signs=self._signs, bounds=self._bounds
        )


def signs_of(spec: EvolutionSpec) -> Floats:
    """Return 1 for each objective that is minimised and -1 for each that is maximised."""
    return np.array([1.0 if aim.objective == "minimize" else -1.0 for aim in spec.objectives])


def costs_of(values: Floats, violations: Floats, signs: Floats) -> Floats:
    """Return the costs to tell, given values as their authors mean them: invalid ones infinite."""
    costs = np.column_stack((values * signs, violations))
    costs[~np.isfinite(costs).all(axis=1)] = math.inf
    return costs


def settings_of(problem: Problem, spec: EvolutionSpec) -> nsga2.Settings:
    """Return the spec as the kernels take it."""
    crossover, mutation = crossover_of(spec), mutation_of(spec)
    rate = 1.0 / problem.genes if mutation.rate is None else mutation.rate
    kept = 1.0 - rate
    eta = getattr(mutation, "eta", 0.0)
    spread = getattr(crossover, "eta", 15.0)
    return nsga2.Settings(
        seed=np.uint64(problem.seed),
        island=problem.island,
        genes=problem.genes,
        population=problem.population,
        crossover_probability=crossover.probability,
        crossover_exponent=1.0 / (spread + 1.0),
        crossover_roots=_roots(spread),
        mutation_rate=rate if kept < 1.0 else 0.0,
        mutation_gap=1.0 / portable.log(kept) if 0.0 < kept < 1.0 else 0.0,
        mutation_is_gaussian=isinstance(mutation, GaussianMutation),
        mutation_exponent=1.0 / (eta + 1.0),
        mutation_roots=_roots(eta),
    )


def bounds_of(problem: Problem, spec: EvolutionSpec) -> Floats:
    """Return lower bound, upper bound and mutation scale of each gene, as float64[3, W]."""
    mutation = mutation_of(spec)
    scale = mutation.sigma if isinstance(mutation, GaussianMutation) else 1.0
    return np.array([problem.lower, problem.upper, scale * (problem.upper - problem.lower)])


def _roots(eta: float) -> int:
    """Return the k for which η + 1 is 2**k, or -1."""
    mantissa, exponent = math.frexp(eta + 1.0)
    return exponent - 1 if mantissa == 0.5 else -1

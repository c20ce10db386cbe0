"""CMA-ES with restarts as an algorithm of the search; the numbers are made in `kernels.cmaes`.

Between two generations all lies in the state, by the names of `cmaes_layout.Arrays`. Restarts
double the population, so that the arrays of candidates grow, here and between two calls of a
kernel: a generation allocates nothing. Refuses genes that are not real.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chimera.builtin.evolution.kernels import cmaes, portable, restarts
from chimera.builtin.evolution.kernels import cmaes_layout as at
from chimera.builtin.evolution.kernels.genes import REAL
from chimera.builtin.evolution.kernels.recording import (
    ADVANCE,
    ASK,
    COUNTERS,
    GENERATION,
    RUNNING,
    STOPPED,
    TELL,
)
from chimera.builtin.evolution.search.algorithm import Floats, Problem, State
from chimera.model import ChimeraError

SEPARABLE_FROM = 200
"""Genes from which only variances are learned unless the spec says otherwise: up to here a whole
covariance costs below a millisecond an evaluation, and its n² / 2 elements need some 10 n² of them
to be learned, which is more than searches of that many genes are given."""

RESTARTS = {"none": at.NONE, "ipop": at.IPOP, "bipop": at.BIPOP}


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a spec can say of CMA-ES, and what it does where nothing is said.

    `None` leaves a choice to the algorithm; `sigma` is a share of the width of the bounds, and
    `population` that of the first run.
    """

    restarts: Literal["bipop", "ipop", "none"] = "bipop"
    separable: bool | None = None
    sigma: float = 0.3
    population: int | None = None


class CmaEsSearch:
    """Covariance matrix adaptation on one island."""

    def __init__(self, problem: Problem, spec: Defaults | None = None) -> None:
        """Prepare; raises `ChimeraError` if some gene is not real."""
        if (problem.segments[:, 0] != REAL).any():
            raise ChimeraError(
                "cma-es searches real genes alone",
                help="choose another algorithm, or leave the choice to `auto`",
            )
        self._problem = problem
        self._settings = settings_of(problem, spec or Defaults())
        self._space = space_of(problem)
        self._scratch = self._scratch_for(self._settings.population)

    def start(self, capacity: int) -> State:
        """Return the state before generation 0, its history with room for `capacity` rows."""
        genes, width = self._problem.genes, self._problem.width
        rows = 1 if self._settings.separable else genes
        population = self._settings.population
        arrays = at.Arrays(
            counters=np.zeros(COUNTERS, np.int64),
            champion=np.zeros(width),
            history=np.zeros((capacity, 2)),
            candidates=np.zeros((population, width)),
            costs=np.zeros(population),
            steps=np.zeros((population, width)),
            lengths=np.zeros(population),
            weights=np.zeros(population),
            mean=np.zeros(width),
            covariance=np.zeros((rows, width)),
            basis=np.zeros((rows, width)),
            axes=np.zeros(width),
            paths=np.zeros((2, width)),
            strategy=np.zeros(at.STRATEGY),
            ledger=np.zeros(at.LEDGER, np.int64),
            recent=np.zeros((3, restarts.memory(genes, population))),
            immigrants=np.zeros((0, width)),
        )
        cmaes.initialise(arrays, self._settings)
        return arrays._asdict()

    def advance(self, state: State, until: int) -> None:
        """Move on to generation `until`, or to where a criterion stops."""
        counters = state["counters"]
        while counters[STOPPED] == RUNNING and counters[GENERATION] < until:
            self._make_room(state)
            self._evolve(state, until, ADVANCE, self._problem.fitness)

    def ask(self, state: State) -> Floats:
        """Return the candidates of the next generation to evaluate, a view of float64[M, W]."""
        self._make_room(state)
        self._evolve(state, 0, ASK, cmaes.unknown)
        return state["candidates"][: state["ledger"][at.POPULATION]]

    def tell(self, state: State, costs: Floats) -> None:
        """Finish the generation whose candidates were asked for, given their costs."""
        state["costs"][: costs.shape[0]] = costs
        self._evolve(state, int(state["counters"][GENERATION]) + 1, TELL, cmaes.unknown)

    def _evolve(self, state: State, until: int, work: int, fitness: Any) -> None:
        cmaes.evolve(
            _arrays(state),
            self._scratch,
            self._space,
            self._settings,
            self._problem.ending,
            fitness,
            until,
            work,
        )

    def population(self, state: State) -> tuple[Floats, Floats]:
        """Return the candidates of the last generation and their costs: views."""
        count = state["ledger"][at.EVALUATED]
        return state["candidates"][:count], state["costs"][:count]

    def immigrate(self, state: State, candidates: Floats, costs: Floats) -> None:
        """Take in candidates: the next generation has steps towards them, in place of samples.

        They are evaluated again where those steps lead; half a generation is taken in at most.
        """
        order = np.argsort(costs, kind="stable")
        state["immigrants"] = np.ascontiguousarray(candidates[order])
        state["ledger"][at.IMMIGRANTS] = len(order)

    def observe(self, state: State) -> Mapping[str, float]:
        """Return what tells how the current run goes, and which it is."""
        strategy, ledger = state["strategy"], state["ledger"]
        return {
            "sigma": float(strategy[at.SIGMA]),
            "population": float(ledger[at.POPULATION]),
            "restarts": float(ledger[at.RUNS] - 1),
        }

    def _make_room(self, state: State) -> None:
        """Grow what has a row for each candidate if the next generation is the largest so far."""
        needed, present = int(state["ledger"][at.POPULATION]), len(state["costs"])
        if needed > present:
            for name in ("candidates", "costs", "steps", "lengths", "weights"):
                grown = np.zeros((needed, *state[name].shape[1:]))
                grown[:present] = state[name]
                state[name] = grown
        rows = len(state["costs"])
        if rows > len(self._scratch.scores):  # also where another process has grown them
            self._scratch = self._scratch_for(rows)

    def _scratch_for(self, population: int) -> at.Scratch:
        genes, width = self._problem.genes, self._problem.width
        window = restarts.memory(genes, self._settings.population)
        rows = 1 if self._settings.separable else genes
        return at.Scratch(
            order=np.zeros(max(population, window), np.int64),
            merged=np.zeros(max(population, window), np.int64),
            row=np.zeros(width),
            shift=np.zeros(width),
            window=np.zeros(window),
            scores=np.zeros(population),
            turned=np.zeros((rows, width)),
            product=np.zeros((rows, width)),
            transposed=np.zeros((rows, width)),
        )


def settings_of(problem: Problem, spec: Defaults) -> at.Settings:
    """Return problem and spec as the kernels take them."""
    population = spec.population or 4 + math.floor(3 * portable.log(float(problem.genes)))
    return at.Settings(
        seed=np.uint64(problem.seed),
        island=problem.island,
        genes=problem.genes,
        sign=problem.sign,
        sigma=spec.sigma,
        population=population,
        restarts=RESTARTS[spec.restarts],
        separable=problem.genes >= SEPARABLE_FROM if spec.separable is None else spec.separable,
    )


def space_of(problem: Problem) -> Floats:
    """Return the bounds and the distance between them."""
    return np.stack((problem.lower, problem.upper, problem.upper - problem.lower))


def _arrays(state: State) -> at.Arrays:
    return at.Arrays(**{name: state[name] for name in at.Arrays._fields})

"""Each criterion that ends a run, and what run follows."""

import math

import numba
import numpy as np
import pytest

from chimera.builtin.evolution.kernels import cmaes_layout as at
from chimera.builtin.evolution.kernels.evaluating import FITNESS_SIGNATURE
from chimera.builtin.evolution.kernels.genes import REAL
from chimera.builtin.evolution.kernels.recording import Ending
from chimera.builtin.evolution.kernels.restarts import judge, longest_age
from chimera.builtin.evolution.search.algorithm import Problem
from chimera.builtin.evolution.search.cmaes import CmaEsSearch, Defaults, settings_of

GENES, POPULATION, AGE = 4, 8, 400


@numba.njit(FITNESS_SIGNATURE, error_model="numpy")
def terraces(population, first, last, values):
    """Return a slope of terraces, each of which a run converges on."""
    for row in range(first, last):
        values[row] = 0.0
        for j in range(GENES):
            values[row] += np.floor(8.0 * abs(population[row, j] - 0.3))


def problem(evaluations=2**62):
    return Problem(
        seed=5,
        island=0,
        genes=GENES,
        segments=np.array([[REAL, 0, GENES]]),
        lower=np.zeros(8),
        upper=np.array([1.0] * GENES + [0.0] * 4),
        sign=1.0,
        population=0,
        ending=Ending(2**40, evaluations, -math.inf, 0, 0.0),
        fitness=terraces,
    )


class Judged:
    """A run that goes on, until a test changes what it is judged by."""

    def __init__(self, *, separable=False):
        spec = Defaults(population=POPULATION, separable=separable)
        self.settings = settings_of(problem(), spec)
        algorithm = CmaEsSearch(problem(), spec)
        self.arrays = at.Arrays(**algorithm.start(10))
        self.scratch = algorithm._scratch
        arrays = self.arrays
        arrays.ledger[at.AGE] = AGE
        arrays.ledger[at.SPENT] = AGE * POPULATION
        arrays.mean[:GENES] = 0.5
        arrays.axes[:GENES] = 1.0
        arrays.covariance[:, :GENES] = 1.0 if separable else np.eye(GENES)
        arrays.basis[:, :GENES] = 0.0 if separable else np.eye(GENES)
        arrays.strategy[at.SIGMA] = arrays.strategy[at.FIRST_SIGMA] = 0.3
        arrays.costs[:POPULATION] = np.arange(POPULATION, 0.0, -1.0)
        size = arrays.recent.shape[1]
        for generation in range(AGE - size, AGE):
            self.remember(generation, best=AGE - generation, median=2 * AGE - generation)

    def remember(self, generation, best, median, flat=0.0):
        place = generation % self.arrays.recent.shape[1]
        self.arrays.recent[:, place] = best, median, flat

    def judge(self):
        return judge(self.arrays, self.scratch, self.settings)


@pytest.mark.parametrize("separable", [False, True])
def test_a_run_that_improves_goes_on(separable):
    assert Judged(separable=separable).judge() == at.GOES_ON


def change_age(run):
    run.arrays.ledger[at.AGE] = longest_age(GENES, POPULATION)


def change_budget(run):
    run.arrays.ledger[at.LIMIT] = run.arrays.ledger[at.SPENT]


def change_flatness(run):
    for generation in (AGE - 1, AGE - 3):
        run.remember(generation, AGE - generation, 2 * AGE - generation, flat=1.0)


def change_range(run):
    run.arrays.costs[:POPULATION] = 7.0
    for generation in range(AGE - 40, AGE):
        run.remember(generation, 7.0, 7.0)


def change_trend(run):
    for generation in range(AGE - run.arrays.recent.shape[1], AGE):
        run.remember(generation, 5.0, 6.0)


def change_axes(run):
    run.arrays.axes[0] = 2e-7
    run.arrays.axes[1] = 2.1


def change_step_up(run):
    run.arrays.strategy[at.SIGMA] = 3001.0


def change_step_down(run):
    run.arrays.strategy[at.SIGMA] = 0.9e-12 * 0.3
    run.arrays.mean[:GENES] = 0.0


def change_coordinate(run):
    run.arrays.mean[2] = 1e17


def change_axis(run):
    run.arrays.axes[:GENES] = 1e-3
    run.arrays.mean[:GENES] = 4e11


CHANGES = {
    at.MAX_ITERATIONS: change_age,
    at.OUT_OF_BUDGET: change_budget,
    at.EQUAL_VALUES: change_flatness,
    at.TOL_FUN: change_range,
    at.STAGNATES: change_trend,
    at.CONDITION: change_axes,
    at.TOL_X_UP: change_step_up,
    at.TOL_X: change_step_down,
    at.NO_EFFECT_COORDINATE: change_coordinate,
    at.NO_EFFECT_AXIS: change_axis,
}


@pytest.mark.parametrize("criterion", CHANGES)
def test_a_run_ends_by_each_criterion(criterion):
    run = Judged()
    CHANGES[criterion](run)
    assert run.judge() == criterion


def test_an_axis_without_length_ends_a_run():
    run = Judged()
    run.arrays.axes[0] = 0.0
    assert run.judge() == at.CONDITION


def test_two_flat_generations_that_are_not_the_last_do_not_end_a_run():
    run = Judged()
    for generation in (AGE - 2, AGE - 3):
        run.remember(generation, AGE - generation, 2 * AGE - generation, flat=1.0)
    assert run.judge() == at.GOES_ON


def test_a_falling_median_alone_keeps_a_run_from_stagnating():
    run = Judged()
    for generation in range(AGE - run.arrays.recent.shape[1], AGE):
        run.remember(generation, 5.0, 2 * AGE - generation)
    assert run.judge() == at.GOES_ON


@pytest.mark.parametrize("cost", [math.inf, 1.5e300])
def test_generations_without_a_feasible_candidate_end_as_equal_ones_do(cost):
    run = Judged()
    run.arrays.costs[:POPULATION] = cost
    for generation in range(AGE - run.arrays.recent.shape[1], AGE):
        run.remember(generation, cost, cost, flat=1.0)
    assert run.judge() == at.EQUAL_VALUES


def runs_of(restarts, evaluations=30_000):
    """Return what the ledger says of each run, at its first generation and at its last."""
    algorithm = CmaEsSearch(problem(evaluations), Defaults(restarts, population=POPULATION))
    state = algorithm.start(evaluations)
    found, generation = [], 0
    while state["counters"][5] == 0:
        algorithm.advance(state, generation)
        ledger, generation = state["ledger"], generation + 1
        if len(found) < ledger[at.RUNS]:
            found.append([ledger.copy(), state["strategy"][at.FIRST_SIGMA], None])
        else:
            found[-1][2] = ledger.copy()
    return found


def test_ipop_doubles_the_population_of_each_run():
    populations = [int(first[at.POPULATION]) for first, _, _ in runs_of("ipop")]
    doubled = populations[: populations.index(POPULATION, 1)]  # what is left suffices for no more
    assert len(doubled) > 5
    assert doubled == [POPULATION << k for k in range(len(doubled))]


def test_bipop_gives_each_regime_what_the_other_has_spent():
    runs = runs_of("bipop", 100_000)
    latest, largest_small_spent = POPULATION, 0
    for first, sigma, _ in runs[1:]:
        population = first[at.POPULATION]
        small, large = first[at.SPENT_SMALL], first[at.SPENT_LARGE]
        assert bool(first[at.IS_SMALL]) == bool(small < large)
        if first[at.IS_SMALL]:
            assert POPULATION <= population <= latest // 2
            assert 0.003 <= sigma <= 0.3
            assert first[at.LIMIT] < large
            largest_small_spent = max(largest_small_spent, small)
        else:
            assert population == 2 * latest
            assert sigma == 0.3
            latest = population
    assert latest > 4 * POPULATION
    assert largest_small_spent > 0
    assert len({first[at.POPULATION] for first, _, _ in runs if first[at.IS_SMALL]}) > 2


def test_a_small_run_spends_half_of_what_the_large_one_before_it_did_at_most():
    spent_large = 0
    for first, _, last in runs_of("bipop", 100_000):
        if last is None:
            continue
        if first[at.IS_SMALL] and spent_large:
            assert last[at.SPENT] < spent_large // 2 + 2 * first[at.POPULATION]
        elif not first[at.IS_SMALL]:
            spent_large = last[at.SPENT] + first[at.POPULATION]


def test_a_population_too_large_for_what_is_left_begins_again_as_the_first():
    runs = runs_of("ipop", 4000)
    assert [int(first[at.POPULATION]) for first, _, _ in runs][-1] == POPULATION

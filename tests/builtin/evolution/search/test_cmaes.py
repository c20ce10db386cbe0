"""CMA-ES as an algorithm of the search: laws of the agreement, and costs that are no use."""

import math
from dataclasses import replace

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.builtin.evolution.kernels import cmaes_layout as at
from chimera.builtin.evolution.kernels.evaluating import FITNESS_SIGNATURE, INFEASIBLE
from chimera.builtin.evolution.kernels.genes import INTEGER, REAL
from chimera.builtin.evolution.kernels.recording import (
    BEST,
    CONVERGED,
    EVALUATIONS,
    EVALUATIONS_SPENT,
    GENERATION,
    INVALID,
    RUNNING,
    STOPPED,
    TARGET,
    Ending,
)
from chimera.builtin.evolution.search.algorithm import Problem
from chimera.builtin.evolution.search.cmaes import SEPARABLE_FROM, CmaEsSearch, Defaults
from chimera.model import ChimeraError


@numba.njit(FITNESS_SIGNATURE, error_model="numpy")
def ellipsoid(population, first, last, values):
    """Return an ellipsoid of condition 1e4 around 0.25."""
    for row in range(first, last):
        total, scale = 0.0, 1.0
        for j in range(5):
            total += scale * (population[row, j] - 0.25) ** 2
            scale *= 10.0
        values[row] = total


@numba.njit(FITNESS_SIGNATURE, error_model="numpy")
def hostile(population, first, last, values):
    """Return no number, a violation, a plateau or a slope, by where a candidate lies."""
    for row in range(first, last):
        x, y = population[row, 0], population[row, 1]
        values[row] = x + y
        if x > 0.75:
            values[row] = math.nan
        elif x > 0.5:
            values[row] = INFEASIBLE * (1.0 + y / (1.0 + y))
        elif y > 0.5:
            values[row] = math.inf
        elif y > 0.25:
            values[row] = 1.0


@numba.njit(FITNESS_SIGNATURE, error_model="numpy")
def nothing(population, first, last, values):
    """Return no number."""
    for row in range(first, last):
        values[row] = math.nan


@numba.njit(FITNESS_SIGNATURE, error_model="numpy")
def level(population, first, last, values):
    """Return a constant."""
    for row in range(first, last):
        values[row] = 4.0


@numba.njit(FITNESS_SIGNATURE, error_model="numpy")
def corner(population, first, last, values):
    """Return a slope whose optimum is the corner of the upper bounds."""
    for row in range(first, last):
        total = 0.0
        for j in range(5):
            total -= (1.0 + j) * population[row, j]
        values[row] = total


@numba.njit(FITNESS_SIGNATURE, error_model="numpy")
def scaled(population, first, last, values):
    """Return a separable ellipsoid over all columns that are not padding."""
    for row in range(first, last):
        total = 0.0
        for j in range(population.shape[1]):
            total += (1.0 + j) * population[row, j] * population[row, j]
        values[row] = total


def problem(fitness=ellipsoid, genes=5, low=-1.0, high=2.0, evaluations=2**62, **changes):
    width = -(-genes // 8) * 8
    lower, upper = np.zeros(width), np.zeros(width)
    lower[:genes], upper[:genes] = low, high
    values = {
        "seed": 2**63 + 9,
        "island": 1,
        "genes": genes,
        "segments": np.array([[REAL, 0, genes]]),
        "lower": lower,
        "upper": upper,
        "sign": 1.0,
        "population": 0,
        "ending": Ending(2**40, evaluations, -math.inf, 0, 0.0),
        "fitness": fitness,
    }
    return Problem(**values | changes)


def bits(state, *but):
    return {
        name: (array.shape, array.tobytes()) for name, array in state.items() if name not in but
    }


def costs_of(fitness, candidates):
    values = np.zeros(len(candidates))
    fitness(candidates, 0, len(candidates), values)
    return np.where(np.isfinite(values), values, math.inf)


CASES = {
    "restarts that grow": (problem(hostile, 2, 0.0, 1.0), Defaults(population=4)),
    "separable": (problem(hostile, 2, 0.0, 1.0), Defaults(separable=True, restarts="ipop")),
    "one run": (problem(evaluations=3000), Defaults(restarts="none")),
}


@settings(deadline=None, max_examples=15)
@given(case=st.sampled_from(list(CASES)), data=st.data())
def test_slices_processes_and_asking_leave_the_bits_of_one_call(case, data):
    searched, spec = CASES[case]
    until = data.draw(st.integers(1, 250))
    whole = CmaEsSearch(searched, spec)
    wanted = whole.start(260)
    whole.advance(wanted, until)
    state = CmaEsSearch(searched, spec).start(260)
    while state["counters"][GENERATION] < until and state["counters"][STOPPED] == RUNNING:
        restored = {name: array.copy() for name, array in state.items()}
        algorithm = CmaEsSearch(searched, spec)  # as in another process
        if data.draw(st.booleans()):
            slice_end = min(until, restored["counters"][GENERATION] + data.draw(st.integers(1, 60)))
            algorithm.advance(restored, slice_end)
        else:
            candidates = algorithm.ask(restored).copy()
            assert (algorithm.ask(restored) == candidates).all()
            algorithm.tell(restored, costs_of(searched.fitness, candidates))
        state = restored
    assert bits(state) == bits(wanted)


def test_an_ellipsoid_is_solved_and_the_reason_is_the_target():
    ending = Ending(2**40, 20_000, 1e-10, 0, 0.0)
    algorithm = CmaEsSearch(problem(ending=ending), Defaults())
    state = algorithm.start(20_000)
    algorithm.advance(state, 20_000)
    assert state["counters"][STOPPED] == TARGET
    assert state["counters"][EVALUATIONS] < 3000
    assert np.allclose(state["champion"][:5], 0.25, atol=1e-4)
    assert (state["champion"][5:] == 0).all()


def test_the_optimum_in_a_corner_of_the_bounds_is_found_exactly():
    algorithm = CmaEsSearch(problem(corner, evaluations=1000), Defaults())
    state = algorithm.start(1000)
    algorithm.advance(state, 1000)
    assert state["champion"][:5].tolist() == [2.0] * 5


@pytest.mark.parametrize("fitness", [nothing, level, hostile])
def test_costs_that_are_no_use_keep_all_numbers_finite(fitness):
    searched = problem(fitness, 2, 0.0, 1.0, evaluations=20_000)
    algorithm = CmaEsSearch(searched, Defaults())
    state = algorithm.start(20_000)
    for until in range(0, 20_000, 50):
        algorithm.advance(state, until)
        for name in ("mean", "covariance", "axes", "paths", "strategy", "steps", "candidates"):
            assert np.isfinite(state[name]).all()
        rows, costs = algorithm.population(state)
        assert (rows[:, :2] >= 0.0).all()
        assert (rows[:, :2] <= 1.0).all()
        assert len(rows) == len(costs) > 0
    assert state["ledger"][at.RUNS] > 2
    assert state["counters"][STOPPED] == EVALUATIONS_SPENT
    evaluations = state["counters"][EVALUATIONS]
    assert 19_000 < evaluations <= 20_000
    assert state["counters"][INVALID] == evaluations if fitness is nothing else evaluations > 0


def test_a_run_on_a_plateau_ends_as_flat():
    algorithm = CmaEsSearch(problem(level), Defaults(restarts="none"))
    state = algorithm.start(1000)
    algorithm.advance(state, 999)
    assert state["counters"][STOPPED] == CONVERGED
    assert state["ledger"][at.ENDED_BY] == at.EQUAL_VALUES


def test_without_restarts_a_search_stops_where_it_converged():
    algorithm = CmaEsSearch(problem(), Defaults(restarts="none"))
    state = algorithm.start(5000)
    algorithm.advance(state, 5000)
    assert state["counters"][STOPPED] == CONVERGED
    assert state["history"][state["counters"][GENERATION], BEST] < 1e-12


def test_genes_with_one_possible_value_disturb_no_other():
    searched = problem(evaluations=20_000)
    searched.lower[3] = searched.upper[3] = 0.5
    algorithm = CmaEsSearch(searched, Defaults())
    state = algorithm.start(20_000)
    algorithm.advance(state, 20_000)
    assert state["champion"][3] == 0.5
    assert np.allclose(state["champion"][[0, 1, 2, 4]], 0.25, atol=1e-4)


def test_one_gene_is_enough():
    algorithm = CmaEsSearch(problem(scaled, 1, evaluations=2000), Defaults())
    state = algorithm.start(2000)
    algorithm.advance(state, 2000)
    assert abs(state["champion"][0]) < 1e-6


def test_many_genes_are_searched_by_variances_alone():
    ending = Ending(2**40, 400_000, 1e-6, 0, 0.0)
    searched = problem(scaled, SEPARABLE_FROM, ending=ending)
    algorithm = CmaEsSearch(searched, Defaults())
    state = algorithm.start(40_000)
    assert state["covariance"].shape == (1, SEPARABLE_FROM)
    algorithm.advance(state, 40_000)
    assert state["counters"][STOPPED] == TARGET
    assert CmaEsSearch(searched, Defaults(separable=False)).start(1)["covariance"].shape[0] > 1


def test_immigrants_lead_half_of_the_next_generation_at_most():
    algorithm = CmaEsSearch(problem(), Defaults(population=6))
    state = algorithm.start(100)
    algorithm.advance(state, 3)
    optimum = np.zeros((4, 8))
    optimum[:, :5] = 0.25
    optimum[1, 0] = 0.3
    native = algorithm.ask(state).copy()
    algorithm.immigrate(state, optimum, np.array([0.0, 5.0, 2.0, 1.0]))
    led = algorithm.ask(state).copy()
    assert (led[3:] == native[3:]).all()
    assert (led[:3] != native[:3]).any(axis=1).all()
    assert np.linalg.norm(led[0, :5] - 0.25) < np.linalg.norm(native[0, :5] - 0.25)
    algorithm.tell(state, costs_of(ellipsoid, led))
    assert state["ledger"][at.IMMIGRANTS] == 0
    assert np.isfinite(state["covariance"]).all()


def test_an_immigrant_near_the_mean_is_taken_in_as_it_is():
    algorithm = CmaEsSearch(problem(), Defaults(population=6))
    state = algorithm.start(100)
    algorithm.advance(state, 3)
    native = algorithm.ask(state)[5:].copy()
    algorithm.immigrate(state, native, np.array([1.0]))
    assert np.allclose(algorithm.ask(state)[0], native[0], rtol=1e-12)


def test_islands_and_seeds_have_candidates_of_their_own():
    first = [
        CmaEsSearch(replace(problem(), seed=seed, island=island), Defaults())
        for seed, island in ((1, 0), (1, 1), (2, 0))
    ]
    rows = [algorithm.ask(algorithm.start(1)).tobytes() for algorithm in first]
    assert len(set(rows)) == 3


def test_maximising_is_minimising_the_negative():
    states = []
    for fitness, sign in ((ellipsoid, 1.0), (negative, -1.0)):
        algorithm = CmaEsSearch(problem(fitness, sign=sign), Defaults())
        states.append(algorithm.start(100))
        algorithm.advance(states[-1], 50)
    assert bits(states[0]) == bits(states[1])


@numba.njit(FITNESS_SIGNATURE, error_model="numpy")
def negative(population, first, last, values):
    """Return the ellipsoid upside down."""
    ellipsoid(population, first, last, values)
    for row in range(first, last):
        values[row] = -values[row]


def test_genes_that_are_not_real_are_refused():
    with pytest.raises(ChimeraError, match="real genes"):
        CmaEsSearch(problem(segments=np.array([[REAL, 0, 4], [INTEGER, 4, 5]])), Defaults())


def test_it_can_be_observed():
    algorithm = CmaEsSearch(problem(), Defaults())
    state = algorithm.start(100)
    algorithm.advance(state, 50)
    assert algorithm.observe(state).keys() == {"sigma", "population", "restarts"}
    assert 0 < algorithm.observe(state)["sigma"] < 0.3

"""The turns of a portfolio, and that it leaves the same bits however it is run."""

import math

import numba
import numpy as np
import pytest

from chimera.builtin.evolution.kernels.evaluating import FITNESS_SIGNATURE
from chimera.builtin.evolution.kernels.genes import REAL
from chimera.builtin.evolution.kernels.recording import (
    EVALUATIONS,
    EVALUATIONS_SPENT,
    GENERATION,
    GENERATIONS,
    RUNNING,
    STOPPED,
    TARGET,
    Ending,
)
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.algorithm import Problem
from chimera.builtin.evolution.search.portfolio import PortfolioSearch

FOREVER = 2**62


@numba.njit(FITNESS_SIGNATURE)
def steps(rows, first, last, values):
    """Rastrigin's function with unequal scales: many optima along each gene."""
    for row in range(first, last):
        total = 0.0
        for j in range(6):
            x = rows[row, j] * 10.0 ** (0.3 * j)
            total += 10.0 + x * x - 10.0 * np.cos(2.0 * np.pi * x)
        values[row] = total


@numba.njit(FITNESS_SIGNATURE)
def turned(rows, first, last, values):
    """Rastrigin's function, mirrored at a plane: many optima, along no gene."""
    for row in range(first, last):
        along = 0.0
        for j in range(6):
            along += (j + 1.0) * rows[row, j] / 91.0
        total = 0.0
        for j in range(6):
            x = rows[row, j] - 2.0 * (j + 1.0) * along
            total += 10.0 + x * x - 10.0 * np.cos(2.0 * np.pi * x)
        values[row] = total


@numba.njit(FITNESS_SIGNATURE)
def sphere(rows, first, last, values):
    """One optimum, at which every run converges."""
    for row in range(first, last):
        total = 0.0
        for j in range(6):
            total += rows[row, j] * rows[row, j]
        values[row] = total


def make(
    evaluations=6000,
    generations=10**6,
    target=-math.inf,
    fitness=steps,
    population=0,
    **parameters,
):
    lower, upper = np.zeros(8), np.zeros(8)
    lower[:6], upper[:6] = -5.0, 4.0
    problem = Problem(
        seed=7,
        island=0,
        genes=6,
        segments=np.array([[REAL, 0, 6]]),
        lower=lower,
        upper=upper,
        sign=1.0,
        population=population,
        ending=Ending(generations, evaluations, target, 0, 0.0),
        fitness=fitness,
    )
    spec = EvolutionSpec.model_validate(
        {
            "genome": {"genes": [{"name": "x", "min": 0, "max": 1}]},
            "fitness": {"function": "sphere"},
            "algorithm": {"type": "portfolio", **parameters},
            "seed": 0,
        }
    )
    return PortfolioSearch(problem, spec)


def step(search, state):
    search.advance(state, int(state["counters"][GENERATION]) + 1)


def spent_by_turn(search):
    state, spent = search.start(7000), [0, 0, 0, 0]
    while state["counters"][STOPPED] == RUNNING:
        before = int(state["counters"][EVALUATIONS])
        step(search, state)
        spent[int(search.observe(state)["turn"])] += int(state["counters"][EVALUATIONS]) - before
    assert state["counters"][STOPPED] == EVALUATIONS_SPENT
    return spent


def test_members_have_their_shares_in_turns():
    spent = spent_by_turn(make(opening=0.2, interlude=0.5, broad=0.2))
    assert spent == pytest.approx([1200, 3000, 1200, 600], abs=20)
    assert 5980 < sum(spent) <= 6000


def test_what_a_converged_broad_run_leaves_is_for_the_last_turn():
    spent = spent_by_turn(make(opening=0.1, interlude=0.1, broad=0.7, fitness=sphere, population=9))
    assert 500 < spent[2] < 3000
    assert sum(spent[2:]) == pytest.approx(4800, abs=20)


def same(one, other):
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name])
        for name in one
    )


def test_slices_asking_and_another_object_leave_the_same_bits():
    whole = make().start(7000)
    make().advance(whole, 10**6)
    sliced = make().start(7000)
    while sliced["counters"][STOPPED] == RUNNING:
        restored = make()  # knows nothing but the state
        for _ in range(7):
            step(restored, sliced)
    search, asked = make(), make().start(7000)
    while asked["counters"][STOPPED] == RUNNING:
        candidates = search.ask(asked).copy()
        search.ask(asked)  # asking again changes nothing
        costs = np.zeros(len(candidates))
        steps(candidates, 0, len(candidates), costs)
        search.tell(asked, costs)
    assert same(whole, sliced)
    assert same(whole, asked)


def test_the_turn_of_l_shade_solves_what_cma_es_could_not():
    search = make(evaluations=60_000, target=1e-8)
    state = search.start(60_000)
    search.advance(state, 10**6)
    assert state["counters"][STOPPED] == TARGET
    assert search.observe(state) == {"turn": 1.0}


def test_a_broad_run_solves_what_neither_restarts_nor_l_shade_could():
    search = make(evaluations=80_000, target=1e-6, fitness=turned)
    state = search.start(80_000)
    search.advance(state, 10**6)
    assert state["counters"][STOPPED] == TARGET
    assert search.observe(state) == {"turn": 2.0}


def test_a_limit_of_generations_stops_it_in_any_turn():
    for generations in (3, 70, 130):
        search = make(generations=generations)
        state = search.start(200)
        search.advance(state, 10**6)
        assert state["counters"][STOPPED] == GENERATIONS
        assert state["counters"][GENERATION] == generations


def test_too_few_evaluations_for_a_turn_are_the_next_ones():
    search = make(evaluations=60)
    state = search.start(100)
    search.advance(state, 10**6)
    assert state["counters"][STOPPED] == EVALUATIONS_SPENT
    assert 50 < state["counters"][EVALUATIONS] <= 60


def test_without_a_limit_of_evaluations_it_is_cma_es():
    search = make(evaluations=FOREVER, generations=300)
    state = search.start(400)
    search.advance(state, 10**6)
    assert search.observe(state) == {"turn": 0.0}


def test_the_population_is_that_of_the_latest_generation():
    search = make()
    state = search.start(7000)
    seen = set()
    while state["counters"][STOPPED] == RUNNING:
        step(search, state)
        rows, costs = search.population(state)
        expected = np.zeros(len(rows))
        steps(np.ascontiguousarray(rows), 0, len(rows), expected)
        assert np.array_equal(costs, expected)
        seen.add(len(rows))
    search.immigrate(state, np.zeros((1, 8)), np.zeros(1))
    assert min(seen) == 4

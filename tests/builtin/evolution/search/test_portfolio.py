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


def make(evaluations=6000, generations=10**6, target=-math.inf, **parameters):
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
        population=0,
        ending=Ending(generations, evaluations, target, 0, 0.0),
        fitness=steps,
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


def test_members_have_their_shares_in_turns():
    search = make(opening=0.2, interlude=0.5)
    state, spent = search.start(7000), [0, 0, 0]
    while state["counters"][STOPPED] == RUNNING:
        before = int(state["counters"][EVALUATIONS])
        step(search, state)
        spent[int(search.observe(state)["turn"])] += int(state["counters"][EVALUATIONS]) - before
    assert state["counters"][STOPPED] == EVALUATIONS_SPENT
    assert spent[0] == pytest.approx(1200, abs=20)
    assert spent[1] == pytest.approx(3000, abs=20)
    assert 5980 < sum(spent) <= 6000


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

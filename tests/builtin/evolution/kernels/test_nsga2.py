"""NSGA-II against a naive reference, bit for bit, and with the compiler off."""

import hashlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.builtin.evolution.kernels import nsga2
from chimera.builtin.evolution.kernels.evaluating import OBJECTIVES_SIGNATURE
from chimera.builtin.evolution.kernels.fronts import hypervolume
from chimera.builtin.evolution.kernels.genes import REAL
from chimera.builtin.evolution.kernels.recording import STAGNATION, Ending
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.algorithm import Problem
from chimera.builtin.evolution.search.nsga2 import Nsga2Search

ROOT = Path(__file__).parents[4]


def spec_of(signs, **changes):
    """Return a spec with as many objectives; what they are comes from the problem."""
    words = {1: "minimize", -1: "maximize"}
    aims = [
        {"name": f"f{i}", "objective": words[sign], "expression": "x[0]"}
        for i, sign in enumerate(signs)
    ]
    genes = [{"type": "real", "name": "x", "min": -1, "max": 3, "count": 5}]
    value = {"genome": {"genes": genes}, "objectives": aims, "algorithm": "nsga-2", "seed": 7}
    return EvolutionSpec.model_validate(value | changes)


def problem_of(fitness, population=20, seed=7, **ending):
    """Return a problem of five real genes."""
    lower, upper = np.zeros(8), np.zeros(8)
    lower[:5], upper[:5] = -1.0, 3.0
    ends = Ending(100, 2**62, -math.inf, 0, 0.0)._replace(**ending)
    segments = np.array([[REAL, 0, 5]])
    return Problem(seed, 0, 5, segments, lower, upper, 1.0, population, ends, fitness)


@numba.njit(OBJECTIVES_SIGNATURE)
def spheres(population, first, last, values, violations):
    """Distances from corners, on a grid so that costs tie; some rows invalid, some infeasible."""
    for row in range(first, last):
        for m in range(values.shape[1]):
            total = 0.0
            for j in range(5):
                total += (population[row, j] - (1.0 if j == m else 0.0)) ** 2
            values[row, m] = np.floor(4.0 * total) / 4.0
        excess = population[row, 3] + population[row, 4] - 2.0
        violations[row] = np.floor(8.0 * excess) if excess > 0.0 else 0.0
        if population[row, 2] > 2.5:
            values[row, 1] = np.nan
        elif population[row, 2] > 2.0:
            values[row, 0] = np.inf


def dominates(a, b):
    """Deb's constrained domination of two rows of costs, the last column being the violation."""
    if a[-1] != b[-1] and (a[-1] > 0 or b[-1] > 0):
        return a[-1] < b[-1]
    return a[-1] == 0 and all(x <= y for x, y in zip(a, b, strict=True)) and a != b


def naive_ranks(costs):
    """Peel one front after another."""
    ranks, left, rank = {}, set(range(len(costs))), 0
    while left:
        front = {i for i in left if not any(dominates(costs[j], costs[i]) for j in left)}
        ranks |= dict.fromkeys(front, rank)
        left, rank = left - front, rank + 1
    return [ranks[i] for i in range(len(costs))]


def naive_crowding(costs, ranks):
    """Sum the gaps around each row in its front; rows that repeat an earlier one have none."""
    found = [0.0] * len(costs)
    for rank in set(ranks):
        front = [i for i, r in enumerate(ranks) if r == rank and costs[i][-1] == 0]
        distinct = [i for i in front if not any(costs[j] == costs[i] for j in front if j < i)]
        for i in set(front) - set(distinct):
            found[i] = -1.0
        for m in range(len(costs[0]) - 1):
            ordered = sorted(distinct, key=lambda i, m=m: (*costs[i][m:], i))
            for place, i in enumerate(ordered):
                if place in (0, len(ordered) - 1):
                    found[i] = math.inf
                elif (width := costs[ordered[-1]][m] - costs[ordered[0]][m]) > 0:
                    gap = costs[ordered[place + 1]][m] - costs[ordered[place - 1]][m]
                    found[i] += gap / width
    return found


def naive_survivors(costs, ranks, crowding):
    """Return for each place of a parent which row takes it."""
    count = len(costs) // 2
    best = sorted(range(2 * count), key=lambda i: (ranks[i], -crowding[i], i))[:count]
    children = iter(sorted(i for i in best if i >= count))
    return [i if i in best else next(children) for i in range(count)]


def naive_champion(front):
    """Return the position in a front, rows of costs, that is nearest to its ideal point."""
    low, high = np.min(front, axis=0), np.max(front, axis=0)
    squares = [0.0] * len(front)
    for m in range(len(low)):
        for i, costs in enumerate(front):
            width = high[m] - low[m]
            squares[i] += ((costs[m] - low[m]) / width) ** 2 if width > 0 else 0.0
    return squares.index(min(squares))


def rows_of(state, last=None):
    """Return costs and violations as rows of numbers."""
    costs = np.column_stack((state["costs"], state["violations"]))[:last]
    return [tuple(row) for row in costs.tolist()]


def step(search, problem, state, signs):
    """Make a generation by ask and tell."""
    asked = search.ask(state)
    count, objectives = problem.population, len(signs)
    values, violations = np.zeros((count, objectives)), np.zeros(count)
    problem.fitness(np.ascontiguousarray(asked), 0, count, values, violations)
    costs = np.column_stack((values * signs, violations))
    costs[~np.isfinite(costs).all(axis=1)] = math.inf
    search.tell(state, costs)


@pytest.mark.parametrize("signs", [(1, 1), (1, -1, 1), (1, 1, 1, 1)])
@pytest.mark.parametrize("population", [4, 33])
def test_generations_agree_with_the_reference_bit_for_bit(signs, population):
    problem = problem_of(spheres, population)
    search = Nsga2Search(problem, spec_of(signs))
    state = search.start(21)
    step(search, problem, state, signs)
    reference, volume = None, -state["history"][0, 1]
    for generation in range(20):
        parents = rows_of(state, population)
        ranks = naive_ranks(parents)
        if generation == 0:
            assert state["ranks"][:population].tolist() == ranks
            assert state["crowding"][:population].tolist() == naive_crowding(parents, ranks)
            finite = [costs for costs in parents if costs[0] < math.inf]
            reference = np.max(finite, axis=0)[:-1] if finite else None
        search.ask(state)
        before = state["rows"].copy()
        step(search, problem, state, signs)
        merged = parents + rows_of(state)[population:]
        ranks = naive_ranks(merged)
        crowding = naive_crowding(merged, ranks)
        chosen = naive_survivors(merged, ranks, crowding)
        assert rows_of(state, population) == [merged[i] for i in chosen]
        assert state["rows"][:population].tolist() == before[chosen].tolist()
        assert state["ranks"][:population].tolist() == [ranks[i] for i in chosen]
        assert state["crowding"][:population].tolist() == [crowding[i] for i in chosen]
        front = [i for i in chosen if ranks[i] == 0 and merged[i][-1] == 0]
        if front and reference is not None:
            costs = [merged[i][:-1] for i in front]
            assert state["reference"].tolist() == reference.tolist()
            if len(signs) < 4 or (generation + 1) % 10 == 0 or volume == -math.inf:
                volume = hypervolume(np.array(costs), reference)
            assert state["history"][generation + 1, 1] == -volume
            assert state["champion"].tolist() == before[front[naive_champion(costs)]].tolist()
    assert front, "the reference was never asked about a feasible front"


@st.composite
def tied_rows(draw):
    """An even number of rows of two or three costs and a violation, with many ties."""
    m = draw(st.integers(2, 3))
    count = 2 * draw(st.integers(1, 12))
    cost, violation = st.integers(0, 4), st.sampled_from([0, 0, 0, 1, 2])
    return draw(st.lists(st.tuples(*[cost] * m, violation), min_size=count, max_size=count))


@given(tied_rows())
@settings(max_examples=300)
def test_ranks_and_crowding_are_those_of_the_definition(rows):
    table = np.array(rows, float)
    count, objectives = len(rows), table.shape[1] - 1
    state = Nsga2Search(problem_of(spheres, count // 2), spec_of((1,) * objectives)).start(1)
    state["costs"][:], state["violations"][:] = table[:, :-1], table[:, -1]
    arrays = nsga2.Arrays(**state, signs=np.ones(objectives))
    nsga2.rank(arrays, nsga2.scratch_of(count // 2, objectives, 8), count)
    ranks = naive_ranks(rows)
    assert state["ranks"].tolist() == ranks
    assert state["crowding"].tolist() == naive_crowding(rows, ranks)


def test_parents_are_the_better_of_two_drawn():
    copies = {"crossover": {"type": "sbx", "probability": 0}, "mutation": {"type": "reset"}}
    copies["mutation"]["rate"] = 0
    problem = problem_of(spheres, 64)
    search = Nsga2Search(problem, spec_of((1, 1), operators=copies))
    state = search.start(9)
    search.advance(state, 3)
    parents, order = search.population(state)[0], search.order(state)
    worth = {tuple(parents[row]): place for place, row in reversed(list(enumerate(order)))}
    places = np.array([worth[tuple(child)] for child in search.ask(state)])
    assert places.mean() < 0.45 * len(order), "the mean place of the better of two is a third"


def test_slices_and_ask_and_tell_leave_the_same_bits():
    signs = (1, -1)
    problem = problem_of(spheres, 33)
    search = Nsga2Search(problem, spec_of(signs))
    whole, sliced, told = (search.start(40) for _ in range(3))
    search.advance(whole, 30)
    for until in (0, 1, 7, 7, 30):
        search.advance(sliced, until)
    for _ in range(31):
        step(search, problem, told, signs)
    for name, array in whole.items():
        assert array.tobytes() == sliced[name].tobytes() == told[name].tobytes(), name
    assert whole["counters"][2] > 0, "some candidates are invalid"


def test_a_restored_state_goes_on_with_the_same_bits():
    problem = problem_of(spheres, 20)
    here, there = (Nsga2Search(problem, spec_of((1, 1, 1))) for _ in range(2))
    state = here.start(40)
    here.advance(state, 9)
    restored = {name: array.copy() for name, array in state.items()}
    here.advance(state, 30)
    there.advance(restored, 30)
    for name, array in state.items():
        assert array.tobytes() == restored[name].tobytes(), name


def test_immigrants_take_the_places_of_the_worst():
    problem = problem_of(spheres, 20)
    search = Nsga2Search(problem, spec_of((1, 1)))
    state = search.start(40)
    search.advance(state, 2)
    worst = search.order(state)[-2:]
    best = np.zeros((2, 8))
    search.immigrate(state, best, np.array([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]))
    assert not state["rows"][worst].any()
    assert np.flatnonzero(state["ranks"][:20] == 0).tolist() == sorted(worst)
    search.advance(state, 5)
    assert search.front(state)[1].min() == -1.0


@numba.njit(OBJECTIVES_SIGNATURE)
def hopeless(population, first, last, values, violations):
    for row in range(first, last):
        values[row, 0], values[row, 1] = np.nan, np.inf
        violations[row] = np.nan if row % 2 else np.inf


@numba.njit(OBJECTIVES_SIGNATURE)
def infeasible(population, first, last, values, violations):
    for row in range(first, last):
        values[row, 0], values[row, 1] = population[row, 0], -population[row, 0]
        violations[row] = 5.0 + population[row, 1]


def test_without_a_valid_or_a_feasible_candidate_the_search_goes_on():
    search = Nsga2Search(problem_of(hopeless), spec_of((1, 1)))
    state = search.start(101)
    search.advance(state, 100)
    assert state["counters"].tolist() == [100, 2020, 2020, -1, 0, 3]
    assert np.isinf(state["history"]).all()
    assert len(search.front(state)[0]) == 0

    search = Nsga2Search(problem_of(infeasible), spec_of((1, 1)))
    state = search.start(101)
    search.advance(state, 100)
    assert state["violations"][:20].max() < 4.01, "the violation is what is minimised"
    assert np.isinf(state["history"]).all()


def test_a_run_stops_when_its_hypervolume_stands_still():
    problem = problem_of(spheres, stagnation=10)
    search = Nsga2Search(problem, spec_of((1, 1)))
    state = search.start(101)
    search.advance(state, 100)
    generation, stopped = state["counters"][[0, 5]]
    assert stopped == STAGNATION
    assert 10 < generation < 100
    best = state["history"][: generation + 1, 0]
    assert best[-1] == best[-11]
    assert (np.diff(best[np.isfinite(best)]) <= 0).all()
    assert search.hypervolume(state) == -best[-1]


SCRIPT = """
import json, sys
import numpy as np
np.seterr(all="ignore")
from tests.builtin.evolution.kernels.test_nsga2 import digests
print(json.dumps(digests()))
"""


def digests():
    """Return what short runs leave, as digests."""
    found = []
    for signs in ((1, 1), (1, -1, 1), (1, 1, 1, 1)):
        search = Nsga2Search(problem_of(spheres, 17), spec_of(signs))
        state = search.start(9)
        search.advance(state, 8)
        data = b"".join(array.tobytes() for array in state.values())
        found.append(hashlib.sha256(data).hexdigest())
    return found


def test_the_compiler_off_and_another_process_change_nothing():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == digests()


def test_a_generation_allocates_nothing():
    import tracemalloc

    search = Nsga2Search(problem_of(spheres, 200), spec_of((1, 1, 1)))
    state = search.start(101)
    search.advance(state, 5)
    tracemalloc.start()
    search.advance(state, 100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < state["rows"].nbytes / 2

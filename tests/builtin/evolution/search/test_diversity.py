"""Diversity: what is measured, and what immigrants do."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.builtin.evolution.kernels.diversity import draw_anew, measure
from chimera.builtin.evolution.search.engine import Search

LOWER = np.array([-2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
UPPER = np.array([3.0, 9.0, 2.0, 1.0, 1.0, 2.0, 2.0, 2.0])
SEGMENTS = np.array([[0, 0, 1], [1, 1, 2], [2, 2, 3], [3, 3, 5], [4, 5, 8]])


def measured(rows, segments=SEGMENTS):
    scratch = np.zeros(8), np.zeros(3, np.int64)
    found = measure(np.ascontiguousarray(rows), segments, LOWER, UPPER, *scratch)
    assert not scratch[1].any(), "the tally is left as it was"
    return found


def reference(rows):
    """In plain Python: distance to the centroid for numbers, pairs that differ for the rest."""
    count = len(rows)
    scaled = [[(row[j] - LOWER[j]) / (UPPER[j] - LOWER[j]) for j in (0, 1)] for row in rows]
    centre = [sum(row[j] for row in scaled) / count for j in (0, 1)]
    spread = sum(math.dist(row, centre) for row in scaled) / count * math.sqrt(12 / 2)
    total = 2 * spread
    for j in range(2, 8):
        pairs = sum(a[j] != b[j] for a in rows for b in rows) / count**2
        most = 1 - 1 / min(UPPER[j] + 1, count)
        total += pairs / most if most else 0.0
    return total / 8


def drawn(count, seed=7, generation=3, island=0):
    rows = np.zeros((count, 8))
    draw_anew(rows, SEGMENTS, LOWER, UPPER, np.uint64(seed), generation, island)
    return rows


@settings(max_examples=50, deadline=None)
@given(count=st.integers(1, 20), seed=st.integers(0, 2**32))
def test_the_kernel_measures_what_the_reference_does(count, seed):
    rows = drawn(count, seed)
    assert measured(rows) == pytest.approx(reference(rows.tolist()), rel=1e-12, abs=1e-12)


def test_candidates_that_are_all_alike_have_none():
    assert measured(np.repeat(drawn(1), 9, axis=0)) == pytest.approx(0.0, abs=1e-15)


def test_candidates_drawn_evenly_have_about_one():
    assert measured(drawn(4000)) == pytest.approx(1.0, abs=0.05)


def test_what_is_drawn_is_what_genes_can_be_and_all_of_it():
    rows = drawn(500)
    assert ((rows >= LOWER) & (rows <= UPPER)).all()
    assert (rows[:, 1:] == np.floor(rows[:, 1:])).all()
    assert (np.sort(rows[:, 5:], axis=1) == [0, 1, 2]).all()
    assert set(rows[:, 1]) == set(range(1, 10))
    assert len(np.unique(rows[:, 5:], axis=0)) == 6


def test_draws_are_of_one_seed_generation_and_island():
    assert (drawn(5) == drawn(9)[:5]).all()
    for other in (drawn(5, seed=8), drawn(5, generation=4), drawn(5, island=1)):
        assert (other != drawn(5)).any()


def test_immigrants_take_the_place_of_the_worst_and_are_counted(make_spec):
    control = {"minimum": 0.9, "every": 30, "immigrants": 0.25}
    search = Search(make_spec(diversity=control, termination={"generations": 100}))
    plain = Search(make_spec(termination={"generations": 100}))
    state, other = search.start(), plain.start()
    search.advance(state, 30)
    plain.advance(other, 30)
    rows, costs = search.islands[0].algorithm.population(state.islands[0])
    before, before_costs = plain.islands[0].algorithm.population(other.islands[0])
    kept = (rows == before).all(axis=1)
    assert kept.sum() == 15
    assert before_costs[kept].max() <= before_costs[~kept].min()
    assert state.evaluations == other.evaluations + 5
    assert measured_of(search, state) > 2 * measured_of(plain, other)
    assert costs[~kept] == pytest.approx((rows[~kept] ** 2).sum(axis=1))


def measured_of(search, state):
    return search.islands[0].observe(state.islands[0])["diversity"]


def test_no_immigrants_come_while_candidates_differ_enough(make_spec):
    for minimum, comes in ((0.0, False), (1.0, True)):
        control = {"minimum": minimum, "every": 10}
        search = Search(make_spec(diversity=control))
        state = search.start()
        search.finish(state)
        assert (state.evaluations > 20 + 30 * 19) == comes


def test_immigrants_stay_within_the_evaluations_there_are(make_spec):
    control = {"minimum": 1.0, "every": 1, "immigrants": 1.0}
    search = Search(make_spec(diversity=control, termination={"evaluations": 333}))
    state = search.start()
    search.finish(state)
    assert state.evaluations <= 333
    assert state.stopped == "evaluations"

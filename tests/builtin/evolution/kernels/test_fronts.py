"""Ranks and measures of fronts against their definitions and against moocore."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.evolution.kernels.fronts import hypervolume, igd, igd_plus


@st.composite
def small_points(draw, most=6, dimensions=None):
    """Points on a small grid: many equal coordinates, and every product is exact."""
    m = dimensions or draw(st.integers(1, 5))
    rows = draw(st.lists(st.tuples(*[st.integers(0, 5)] * m), min_size=1, max_size=most))
    return np.array(rows, float)


def by_inclusion_and_exclusion(points, reference):
    """Add the boxes of points, less what each two share, plus what each three do, …"""
    total = 0.0
    for size in range(1, len(points) + 1):
        for chosen in itertools.combinations(points, size):
            corner = np.max(chosen, axis=0)
            total -= (-1) ** size * math.prod(np.maximum(reference - corner, 0.0).tolist())
    return total


@given(small_points())
def test_hypervolume_is_what_the_boxes_of_points_cover(points):
    reference = np.full(points.shape[1], 4.0)
    assert hypervolume(points, reference) == by_inclusion_and_exclusion(points, reference)


@given(small_points(), st.randoms(use_true_random=False))
def test_order_and_repetition_of_points_change_no_bit(points, random):
    points, reference = points / 7.0, np.full(points.shape[1], 0.7)
    order = random.choices(range(len(points)), k=3) + random.sample(range(len(points)), len(points))
    assert hypervolume(points[order], reference) == hypervolume(points, reference)


@given(small_points(dimensions=3), small_points(most=1, dimensions=3))
def test_a_point_more_never_lessens_the_hypervolume_and_counts_unless_dominated(points, more):
    reference = np.full(3, 6.0)
    before, after = (hypervolume(p, reference) for p in (points, np.vstack((points, more))))
    covered = any((point <= more[0]).all() for point in points)
    assert after == before if covered else after > before


@given(small_points(), st.integers(1, 4))
def test_what_lies_beyond_the_reference_adds_nothing(points, limit):
    reference = np.full(points.shape[1], float(limit))
    within = points[(points < limit).all(axis=1)]
    expected = hypervolume(within, reference) if len(within) else 0.0
    assert hypervolume(points, reference) == expected


@pytest.mark.parametrize(("objectives", "count"), [(2, 300), (3, 200), (4, 60), (5, 40)])
def test_measures_agree_with_moocore(objectives, count):
    moocore = pytest.importorskip("moocore", reason="an oracle of the group peers")
    rng = np.random.default_rng(objectives)
    for scale in (1.0, 0.1):
        points = rng.random((count, objectives))
        points /= np.linalg.norm(points, axis=1)[:, None] ** (1 - scale)
        known = rng.random((50, objectives))
        reference = np.full(objectives, 1.1)
        expected = moocore.hypervolume(points, ref=reference)
        assert hypervolume(points, reference) == pytest.approx(expected, rel=1e-12)
        assert igd(points, known) == pytest.approx(moocore.igd(points, known), rel=1e-12)
        assert igd_plus(points, known) == pytest.approx(moocore.igd_plus(points, known), rel=1e-12)


@given(small_points(dimensions=3), small_points(dimensions=3))
def test_distances_follow_their_definitions(found, known):
    def mean(distance):
        return sum(min(distance(f, k) for f in found) for k in known) / len(known)

    assert igd(found, known) == pytest.approx(mean(math.dist), rel=1e-14)
    worse = mean(lambda f, k: math.dist(np.maximum(f, k), k))
    assert igd_plus(found, known) == pytest.approx(worse, rel=1e-14)


@given(small_points(dimensions=3), small_points(dimensions=3))
def test_igd_plus_never_prefers_a_dominated_set(found, known):
    better = found - 1.0
    assert igd_plus(better, known) <= igd_plus(found, known)


def test_a_known_front_is_at_no_distance_from_itself():
    front = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
    assert igd(front, front) == igd_plus(front, front) == 0.0
    assert igd(front + 1.0, front) == pytest.approx(math.sqrt(2.0))

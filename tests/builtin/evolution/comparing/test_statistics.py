"""Statistics against scipy, against arrangements counted one by one, and by their laws."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from chimera.builtin.evolution.comparing.statistics import (
    a12,
    bootstrap,
    holm,
    magnitude,
    mann_whitney,
    median,
    quantile,
    wilcoxon,
)
from chimera.context import stream

grid = st.integers(0, 4).map(float)
samples = st.lists(grid, min_size=1, max_size=6)
INF = math.inf


def by_hand(ranks, chosen_sums, total):
    below = sum(each <= total for each in chosen_sums) / len(chosen_sums)
    above = sum(each >= total for each in chosen_sums) / len(chosen_sums)
    return min(1.0, 2 * min(below, above))


@given(samples, samples)
def test_mann_whitney_counts_every_arrangement_of_tied_values(a, b):
    ranks = stats.rankdata([*a, *b])
    sums = [sum(chosen) for chosen in itertools.combinations(ranks, len(a))]
    expected = by_hand(ranks, sums, sum(ranks[: len(a)]))
    assert mann_whitney(a, b) == pytest.approx(expected, rel=1e-12)


@given(st.lists(st.tuples(grid, grid), min_size=1, max_size=8))
def test_wilcoxon_counts_every_sign_of_tied_differences(pairs):
    differences = [x - y for x, y in pairs if x != y]
    ranks = stats.rankdata(np.abs(differences))
    signs = itertools.product((0, 1), repeat=len(ranks))
    sums = [sum(rank for rank, sign in zip(ranks, each, strict=True) if sign) for each in signs]
    total = sum(rank for rank, d in zip(ranks, differences, strict=True) if d > 0)
    expected = by_hand(ranks, sums, total)
    assert wilcoxon(*zip(*pairs, strict=True)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(2, 3), (11, 11), (20, 31), (50, 50)])
def test_exact_tests_agree_with_scipy(n, m):
    rng = np.random.default_rng(n)
    for shift in (0.0, 0.5, 3.0):
        a, b = rng.normal(size=n), rng.normal(size=m) + shift
        expected = stats.mannwhitneyu(a, b, method="exact").pvalue
        assert mann_whitney(a, b) == pytest.approx(expected, rel=1e-9)
        paired = rng.normal(size=n) + shift
        expected = stats.wilcoxon(a, paired, method="exact").pvalue
        assert wilcoxon(a, paired) == pytest.approx(expected, rel=1e-9)


def test_large_samples_agree_with_scipy_ties_included():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 30, 120).astype(float), rng.integers(2, 33, 150).astype(float)
    expected = stats.mannwhitneyu(a, b, method="asymptotic", use_continuity=True).pvalue
    assert mann_whitney(a, b) == pytest.approx(expected, rel=1e-9)
    a, b = rng.normal(size=(2, 130))
    expected = stats.wilcoxon(a, b + 0.2, method="asymptotic", correction=True).pvalue
    assert wilcoxon(a, b + 0.2) == pytest.approx(expected, rel=1e-9)
    tied = rng.integers(0, 9, (2, 130)).astype(float)
    expected = stats.wilcoxon(*tied, method="asymptotic", correction=True).pvalue
    assert wilcoxon(*tied) == pytest.approx(expected, rel=1e-9)


@given(samples, samples)
def test_tests_are_symmetric_and_see_nothing_in_equal_samples(a, b):
    assert mann_whitney(a, b) == mann_whitney(b, a)
    assert mann_whitney(a, a) == wilcoxon(a, a) == 1.0


def test_infinite_values_rank_last_and_tie_with_one_another():
    a, b = [1.0, 2.0, INF, INF], [INF] * 4
    assert mann_whitney(a, b) == mann_whitney([1, 2, 9, 9], [9] * 4)
    assert wilcoxon(a, b) == wilcoxon([1, 2], [9, 9.5]) == 0.5


def test_a12_is_the_chance_to_do_better():
    assert a12([1, 2], [3, 4]) == 1.0
    assert a12([3, INF], [INF, 1]) == (1 + 0 + 0.5 + 0) / 4
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=20), rng.normal(size=25)
    u = stats.mannwhitneyu(a, b).statistic
    assert a12(a.tolist(), b.tolist()) == pytest.approx(1 - u / 500)


def test_effects_are_called_as_published():
    names = [magnitude(effect) for effect in (0.5, 0.559, 0.56, 0.639, 0.64, 0.709, 0.71, 1.0)]
    assert names == [*["negligible"] * 2, *["small"] * 2, *["medium"] * 2, *["large"] * 2]
    assert magnitude(0.0) == "large"
    assert magnitude(0.45) == "negligible"


def test_holm_steps_down():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lessens_a_p_value_and_keeps_their_order(p_values):
    adjusted = holm(p_values)
    assert all(a >= p for a, p in zip(adjusted, p_values, strict=True))
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    assert [adjusted[i] for i in order] == sorted(adjusted)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), st.floats(0, 1))
def test_quantiles_are_numpys(values, share):
    assert quantile(values, share) == pytest.approx(float(np.quantile(values, share)), abs=1e-9)


def test_quantiles_of_what_was_not_reached_are_infinite():
    assert median([1.0, INF, INF]) == INF
    assert median([1.0, 2.0, INF]) == 2.0


def test_bootstrapped_intervals_cover_the_median_as_often_as_they_say():
    rng = np.random.default_rng(4)
    covered = 0
    for trial in range(200):
        sample = rng.normal(size=30).tolist()
        low, high = bootstrap(sample, median, stream("cover", str(trial)), 0.9, 300)
        covered += low <= 0.0 <= high
    assert 0.83 * 200 <= covered <= 0.97 * 200


def test_bootstrapped_intervals_follow_from_the_stream():
    sample = [1.0, 5.0, 2.0, 8.0, 3.0]
    found = [bootstrap(sample, median, stream(seed)) for seed in ("a", "a", "b")]
    assert found[0] == found[1]
    assert min(sample) <= found[0][0] <= 3.0 <= found[0][1] <= max(sample)

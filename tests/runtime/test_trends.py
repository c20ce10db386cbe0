"""Lines through measurements: least squares, a true interval, and where they lead."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.runtime.trends import LEAST, _quantile, trend_of

NUMBERS = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(st.integers(-10_000, 10_000), NUMBERS), min_size=LEAST, max_size=40))
def test_the_slope_is_that_of_least_squares(points: list[tuple[float, float]]) -> None:
    trend = trend_of(points)
    if len({x for x, _ in points}) < LEAST:
        assert trend is None
        return
    assert trend is not None
    slope, intercept = statistics.linear_regression(*zip(*points, strict=True))
    assert trend.slope == pytest.approx(slope, abs=1e-6)
    assert trend.at(0) == pytest.approx(intercept, abs=1e-2)


def test_fewer_than_five_moments_tell_nothing() -> None:
    assert trend_of([(x, x) for x in range(LEAST - 1)]) is None
    assert trend_of([(1.0, x) for x in range(100)]) is None
    assert trend_of([(x, float("nan")) for x in range(100)]) is None


def test_a_line_without_deviations_is_certain() -> None:
    trend = trend_of([(x, 3.0 * x + 1) for x in range(10)])
    assert trend is not None
    assert (trend.slope, trend.margin, trend.direction) == (3.0, 0.0, "rising")
    assert trend.reaches(61.0) == (20.0, 20.0, 20.0)
    assert trend.reaches(-50.0) is None


def test_the_interval_holds_the_true_slope_nineteen_times_of_twenty() -> None:
    source = random.Random(7)
    held = 0
    for _ in range(1000):
        trend = trend_of([(x, 2 * x + source.gauss(0, 5)) for x in range(12)])
        assert trend is not None
        held += abs(trend.slope - 2) <= trend.margin
    assert 930 <= held <= 970


@pytest.mark.parametrize(
    ("freedom", "value"), [(1, 12.706), (30, 2.042), (60, 2.000), (120, 1.980)]
)
def test_quantiles_are_those_of_students_table(freedom: int, value: float) -> None:
    assert _quantile(freedom) == pytest.approx(value, abs=6e-4)


def test_what_is_not_clear_reaches_nothing() -> None:
    trend = trend_of([(x, (-1) ** x + 0.001 * x) for x in range(20)])
    assert trend is not None
    assert trend.direction == "unclear"
    assert trend.reaches(100) is None


def test_the_earliest_comes_before_the_latest() -> None:
    source = random.Random(1)
    trend = trend_of([(x, x + source.gauss(0, 1)) for x in range(30)])
    assert trend is not None
    found = trend.reaches(100)
    assert found is not None
    at, earliest, latest = found
    assert earliest < at < latest

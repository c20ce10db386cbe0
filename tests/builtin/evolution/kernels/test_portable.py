"""Elementary functions against libm, and where they have no answer."""

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.evolution.kernels import portable

INFINITY, NAN = math.inf, math.nan


def ulps(found, expected):
    """Return the distance in units of the expected value's last place."""
    return abs(found - expected) / math.ulp(expected)


@given(st.floats(-740, 709))
def test_exp_is_within_an_ulp_of_libm(x):
    assert ulps(portable.exp(x), math.exp(x)) <= 1


@given(st.floats(min_value=5e-324, max_value=1.7e308))
def test_log_is_within_an_ulp_of_libm(x):
    assert ulps(portable.log(x), math.log(x)) <= 1


@given(st.floats(-1e6, 1e6))
def test_sine_and_cosine_are_within_an_ulp_of_libm(x):
    assert ulps(portable.sin(x), math.sin(x)) <= 1
    assert ulps(portable.cos(x), math.cos(x)) <= 1


@given(st.floats(-(2.0**45), 2.0**45))
def test_sine_and_cosine_of_large_angles_err_less_than_the_angle(x):
    assert abs(portable.sin(x) - math.sin(x)) <= math.ulp(x) + 2**-52
    assert abs(portable.cos(x) - math.cos(x)) <= math.ulp(x) + 2**-52


@given(st.floats(1e-3, 1e3), st.floats(-20, 20))
def test_power_is_near_libm(x, y):
    assert portable.power(x, y) == pytest.approx(x**y, rel=1e-13)


UNIT = st.floats(min_value=2**-53, max_value=1 - 2**-53)


@given(UNIT, st.floats(-1, 1))
def test_powers_and_logarithms_of_a_uniform_number_are_near_libm(u, y):
    assert portable.unit_log2(u) == pytest.approx(math.log2(u), rel=2e-7)
    power, log = portable.unit_power(u, y), y * math.log(u)
    assert power == pytest.approx(math.exp(log), rel=1e-6)
    assert power - 1 == pytest.approx(math.expm1(log), rel=1e-6, abs=1e-15)


@given(st.floats(0, 1, exclude_max=True))
def test_a_turn_is_cosine_and_sine_of_the_whole_circle(u):
    assert portable.turn(u) == pytest.approx(
        (math.cos(2 * math.pi * u), math.sin(2 * math.pi * u)), abs=1e-15
    )


@given(UNIT)
def test_normal_is_the_quantile_of_the_normal_distribution(p):
    assert portable.normal(p) == pytest.approx(NormalDist().inv_cdf(p), rel=1e-14, abs=1e-300)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        ("exp", 710.0, INFINITY),
        ("exp", INFINITY, INFINITY),
        ("exp", -746.0, 0.0),
        ("exp", -INFINITY, 0.0),
        ("exp", NAN, NAN),
        ("log", 0.0, -INFINITY),
        ("log", -0.0, -INFINITY),
        ("log", -1.0, NAN),
        ("log", INFINITY, INFINITY),
        ("log", NAN, NAN),
        ("log", 1.0, 0.0),
        ("cos", 0.0, 1.0),
        ("cos", INFINITY, NAN),
        ("cos", 1e300, NAN),
        ("sin", NAN, NAN),
    ],
)
def test_the_ends_of_the_number_line_have_stated_values(function, x, expected):
    found = getattr(portable, function)(x)
    assert found == expected or (math.isnan(found) and math.isnan(expected))


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [(0.0, 0.0, 1.0), (NAN, 0.0, 1.0), (0.0, 2.0, 0.0), (0.0, -1.0, INFINITY), (-2.0, 0.5, NAN)],
)
def test_power_has_stated_values_where_it_is_not_a_product(x, y, expected):
    found = portable.power(x, y)
    assert found == expected or (math.isnan(found) and math.isnan(expected))


@pytest.mark.parametrize(("x", "y"), [(NAN, 1.0), (1.0, NAN)])
def test_the_smaller_and_the_larger_of_nan_and_a_number_is_nan(x, y):
    assert math.isnan(portable.smaller(x, y))
    assert math.isnan(portable.larger(x, y))

"""Axes: every value lies on them, in order, and what stands beside them tells values apart."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.render.charts.scales import label, scale_of

NUMBERS = st.floats(min_value=-1e12, max_value=1e12).filter(lambda x: x == 0 or abs(x) > 1e-12)
POSITIVE = st.floats(min_value=1e-300, max_value=1e300)


@given(st.lists(NUMBERS, min_size=1))
def test_every_value_lies_on_a_linear_axis_in_order(values: list[float]) -> None:
    scale = scale_of(values)
    places = [scale.place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert -1e-9 <= places[0] <= places[-1] <= 1 + 1e-9


@given(st.lists(POSITIVE, min_size=1))
def test_every_positive_value_lies_on_a_logarithmic_axis_in_order(values: list[float]) -> None:
    scale = scale_of(values, is_log=True)
    assert scale.is_log
    places = [scale.place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert -1e-9 <= places[0] <= places[-1] <= 1 + 1e-9


@given(st.lists(st.floats(-1e5, 1e5).map(lambda x: round(x, 3)), min_size=1), st.booleans())
def test_ticks_are_few_apart_and_named_apart(values: list[float], is_log: bool) -> None:
    ticks = scale_of(values, is_log=is_log).ticks
    assert 2 <= len(ticks) <= 12
    assert list(ticks) == sorted(set(ticks))
    assert len({label(tick) for tick in ticks}) == len(ticks)


def test_a_logarithmic_axis_takes_no_value_that_is_not_positive() -> None:
    assert not scale_of([1.0, 0.0], is_log=True).is_log


def test_what_is_not_finite_is_not_on_the_axis() -> None:
    assert scale_of([1.0, math.inf, math.nan, 3.0]) == scale_of([1.0, 3.0])
    assert scale_of([]).ticks


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1200.0, "1,200"),
        (0.25, "0.25"),
        (-3.0, "\N{MINUS SIGN}3"),
        (1e-8, "1e-8"),
        (2.5e9, "2.5e9"),
    ],
)
def test_numbers_are_written_shortly(value: float, text: str) -> None:
    assert label(value) == text

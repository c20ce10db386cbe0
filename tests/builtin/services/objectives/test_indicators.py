"""Values, budgets and burn rates: by hand, and by laws."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.services.objectives.indicators import (
    budget_of,
    burns_of,
    is_bad,
    percentile,
    value_of,
)
from chimera.builtin.services.objectives.measurements import Measurement
from tests.builtin.services.objectives.conftest import NOW, measured, spec

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=60)


@given(VALUES, st.integers(1, 100))
def test_a_percentile_is_the_least_measured_value_that_enough_do_not_exceed(
    values: list[float], rank: int
) -> None:
    found = percentile(measured(*values), rank)
    enough = [v for v in values if 100 * sum(w <= v for w in values) >= rank * len(values)]
    assert found == min(enough)


@given(VALUES, st.integers(1, 100))
def test_counted_measurements_are_worth_as_many_single_ones(values: list[float], rank: int) -> None:
    counted = [Measurement(NOW, v, 1 + i % 3) for i, v in enumerate(values)]
    single = [Measurement(NOW, one.value) for one in counted for _ in range(one.count)]
    assert percentile(counted, rank) == percentile(single, rank)
    assert value_of(spec(), counted) == pytest.approx(value_of(spec(), single))
    assert budget_of(spec(), counted) == budget_of(spec(), single)


@given(VALUES)
def test_a_percentile_is_met_just_as_long_as_there_is_budget(values: list[float]) -> None:
    objective = spec("latency", target={"atMost": 1.0})
    found = measured(*values)
    budget = budget_of(objective, found)
    assert budget is not None
    assert objective.target.holds(value_of(objective, found)) == (budget.left >= -1e-9)


def test_percentiles_of_a_textbook() -> None:
    found = measured(15, 20, 35, 40, 50)
    assert [percentile(found, rank) for rank in (5, 30, 40, 50, 100)] == [15, 20, 20, 35, 50]
    assert percentile(measured(*range(1, 101)), 99.9) == 100
    assert percentile(measured(*range(1, 1001)), 99.9) == 999


def test_shares_means_and_cadences() -> None:
    assert value_of(spec(), measured(1, 1, 1, 0)) == 0.75
    assert value_of(spec("utilisation"), measured(0.5, 0.7, 0.9)) == pytest.approx(0.7)
    assert value_of(spec("cadence", window="7d"), measured(*[1] * 14)) == 2
    assert value_of(spec("cadence", window="7d"), []) == 0


def test_a_budget_is_spent_by_what_is_bad() -> None:
    budget = budget_of(spec(), measured(*[1] * 1999, 0))
    assert budget is not None
    assert (budget.total, budget.bad, budget.allowed) == (2000, 1, 0.001)
    assert budget.spent == pytest.approx(0.5)
    assert budget.left == pytest.approx(0.5)
    assert budget_of(spec("utilisation"), measured(0.7)) is None
    assert budget_of(spec(), []) is None


@pytest.mark.parametrize(
    ("type", "value", "bad"),
    [
        ("availability", 1, False),
        ("availability", 0, True),
        ("error-rate", 0, False),
        ("error-rate", 1, True),
        ("latency", 0.499, False),
        ("latency", 0.5, True),
    ],
)
def test_what_is_bad(type: str, value: float, bad: bool) -> None:
    assert is_bad(spec(type), measured(value)[0]) is bad


def test_the_limits_are_those_of_the_sre_workbook() -> None:
    found = burns_of(spec(window="30d"), [], NOW)
    assert [burn.limit for burn in found] == [14.4, 6.0, 1.0]
    assert [burn.alert.response for burn in found] == ["page", "page", "ticket"]


def test_somebody_is_told_where_both_windows_burn_too_fast() -> None:
    objective = spec(window="30d")
    all_bad = measured(*[0] * 60)
    hour_ago = [Measurement(one.at - timedelta(minutes=20), one.value) for one in all_bad]
    over = burns_of(objective, all_bad, NOW)
    assert over[0].long == pytest.approx(1000)
    assert over[0].is_passed
    ended = burns_of(objective, hour_ago, NOW)
    assert ended[0].long == pytest.approx(1000)
    assert ended[0].short is None
    assert not ended[0].is_passed
    slow = measured(*[1] * 989, *[0] * 11, every=timedelta(seconds=3))
    assert burns_of(objective, slow, NOW)[0].long == pytest.approx(11)
    assert not burns_of(objective, slow, NOW)[0].is_passed


def test_windows_that_are_longer_than_the_objectives_own_are_left_out() -> None:
    assert [b.limit for b in burns_of(spec(window="24h"), [], NOW)] == [0.48, 0.2]
    assert burns_of(spec("utilisation"), [], NOW) == ()

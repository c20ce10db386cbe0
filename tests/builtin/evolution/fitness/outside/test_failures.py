"""What counts as a fitness, where it comes from outside."""

import pytest

from chimera.builtin.evolution.fitness.outside.failures import LARGEST, Failure, number_of
from chimera.builtin.evolution.kernels.evaluating import INFEASIBLE


def test_no_fitness_reaches_what_says_that_constraints_are_violated():
    assert LARGEST == INFEASIBLE  # written twice: workers import no kernels


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (True, "type"),
        ("1.5", "type"),
        (None, "type"),
        (float("nan"), "nan"),
        (float("-inf"), "infinite"),
        (-LARGEST, "infinite"),
        (10**400, "infinite"),
    ],
)
def test_what_no_search_can_use_is_told_apart(value, cause):
    found = number_of(value)
    assert isinstance(found, Failure)
    assert found.cause == cause


@pytest.mark.parametrize("value", [0, -3, 1.5, 9e299])
def test_numbers_are_fitnesses(value):
    assert number_of(value) == value

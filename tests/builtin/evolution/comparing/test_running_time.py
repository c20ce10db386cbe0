"""Running times by their definitions."""

import math

from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.evolution.comparing.running_time import (
    distribution,
    expected_running_time,
    running_time,
)

COURSES = [[(10, 5.0), (30, 2.0), (60, 1.0)], [(20, 3.0), (50, 2.0)], []]


def test_a_running_time_is_when_a_target_was_reached():
    assert [running_time(COURSES[0], target) for target in (9.0, 2.0, 1.5)] == [10, 30, 60]
    assert running_time(COURSES[1], 1.0) == running_time(COURSES[2], 9.0) == math.inf


def test_expected_running_time_counts_what_failed_runs_spent():
    assert expected_running_time([30, 50, math.inf], [100, 100, 70]) == (30 + 50 + 70) / 2
    assert expected_running_time([math.inf] * 2, [100, 70]) == math.inf
    assert expected_running_time([30, 50], [100, 100]) == 40


def test_the_distribution_is_the_share_of_runs_and_targets_reached():
    found = distribution(COURSES, [3.0, 1.0])
    assert found == [(20, 1 / 6), (30, 2 / 6), (60, 3 / 6)]


@given(st.lists(st.dictionaries(st.integers(1, 9), st.integers(0, 9), max_size=4), min_size=1))
def test_the_distribution_rises_and_easier_targets_are_reached_sooner(drawn):
    trajectories = [
        list(zip(sorted(each), sorted(map(float, each.values()), reverse=True), strict=True))
        for each in drawn
    ]
    steps = distribution(trajectories, [2.0, 5.0])
    assert steps == sorted(steps)
    assert all(0 < share <= 1 for _, share in steps)
    for trajectory in trajectories:
        assert running_time(trajectory, 5.0) <= running_time(trajectory, 2.0)

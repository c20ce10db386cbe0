"""How long is waited before an attempt, and which failures are attempted again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.runtime.recovery import Category, Failure, Retry
from chimera.runtime.recovery.retrying import LONGEST_ASKED

SECOND = timedelta(seconds=1)
PASSING = Failure(Category.COMMUNICATION, True, "refused", "ConnectionRefusedError")
UNKNOWN = Failure(Category.WORKFLOW, False, "what", "RuntimeError")
PERMANENT = Failure(Category.WORKFLOW, False, "never", "PermanentError", permanent=True)


def asking(seconds):
    return Failure(
        Category.COMMUNICATION, True, "busy", "StepError", retry_after=timedelta(seconds=seconds)
    )


def plain(strategy, **options):
    return Retry(9, SECOND, 10 * SECOND, strategy=strategy, jitter=0, **options)


@pytest.mark.parametrize(
    ("strategy", "seconds"),
    [
        ("exponential", [1, 2, 4, 8, 10, 10]),
        ("linear", [1, 2, 3, 4, 5, 6]),
        ("fixed", [1, 1, 1, 1, 1, 1]),
    ],
)
def test_waits_of_each_strategy(strategy, seconds):
    waits = [plain(strategy).delay("key", attempt).total_seconds() for attempt in range(1, 7)]
    assert waits == seconds


retries = st.builds(
    Retry,
    st.integers(1, 10),
    st.timedeltas(timedelta(), timedelta(hours=1)),
    st.timedeltas(timedelta(), timedelta(hours=1)),
    st.sampled_from(["exponential", "linear", "fixed"]),
    st.floats(0, 1),
    st.sampled_from(["transient", "any"]),
)


@given(retries, st.text(), st.integers(1, 10_000), st.none() | st.integers(0, 3600))
def test_wait_is_within_its_bounds_and_a_function_of_key_and_attempt(retry, key, attempt, asked):
    failure = None if asked is None else asking(asked)
    wait = retry.delay(key, attempt, failure)
    least = timedelta(seconds=asked or 0)
    assert max(least, timedelta()) <= wait <= max(least, retry.max_delay)
    assert wait == retry.delay(key, attempt, failure)


@given(st.text(), st.integers(1, 100))
def test_jitter_takes_away_no_more_than_its_part(key, attempt):
    full = plain("linear").delay(key, attempt)
    wait = Retry(9, SECOND, 10 * SECOND, strategy="linear", jitter=0.25).delay(key, attempt)
    assert 0.75 * full - timedelta(microseconds=1) <= wait <= full


def test_jitter_differs_from_step_to_step():
    waits = {Retry(9).delay(f"key {n}", 1) for n in range(50)}
    assert len(waits) == 50


def test_whoever_asks_for_time_gets_it():
    assert plain("fixed").delay("key", 1, asking(7)) == timedelta(seconds=7)
    assert plain("fixed").delay("key", 1, asking(0.5)) == SECOND


def test_whoever_asks_for_too_much_is_not_waited_for():
    assert Retry(3).covers(asking(LONGEST_ASKED.total_seconds()))
    assert not Retry(3).covers(asking(LONGEST_ASKED.total_seconds() + 1))


def test_which_failures_are_retried():
    for on, failure, expected in [
        ("transient", PASSING, True),
        ("transient", UNKNOWN, False),
        ("transient", PERMANENT, False),
        ("any", PASSING, True),
        ("any", UNKNOWN, True),
        ("any", PERMANENT, False),
    ]:
        assert Retry(3, on=on).covers(failure) is expected


@pytest.mark.parametrize(
    "wrong",
    [{"max_attempts": 0}, {"jitter": 1.5}, {"base_delay": -SECOND}, {"max_delay": -SECOND}],
)
def test_retry_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValueError, match=r"attempted|negative"):
        Retry(**wrong)

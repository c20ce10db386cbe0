"""What is decided about a failure, and who is told of it."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.runtime.recovery import (
    DEFAULT_RECOVERY,
    Again,
    Category,
    Escalation,
    Facts,
    Failure,
    Fallback,
    GiveUp,
    Recovery,
    Retry,
    Rollback,
    Use,
    decide,
    owed,
)
from chimera.runtime.recovery.words import FailureCondition
from chimera.runtime.steps import Step

from .test_failures import failures
from .test_retrying import PASSING, PERMANENT, UNKNOWN, retries

CONDITIONS = get_args(FailureCondition)
OTHER = Step("other", lambda call: "other")
ALTERNATIVE = Fallback("alternative", step=OTHER)
DEGRADED = Fallback("degrade_gracefully", value={"partial": True})
CACHED = Fallback("use_cached_result")


def test_default_is_what_the_seed_says():
    retry = DEFAULT_RECOVERY.retry
    assert (retry.max_attempts - 1, retry.strategy) == (3, "exponential")
    assert (retry.base_delay, retry.on) == (timedelta(seconds=1), "transient")
    assert [(f.action, f.conditions) for f in DEFAULT_RECOVERY.fallbacks] == [
        ("use_cached_result", ("cache_available",)),
        ("degrade_gracefully", ("non_critical_operation",)),
    ]
    (rule,) = DEFAULT_RECOVERY.escalations
    assert (rule.conditions, rule.action) == (("max_retries_exceeded",), "notify_administrator")
    assert rule.severity == "high"


def test_default_retries_three_times_and_gives_up_on_a_critical_step():
    decisions = [decide(DEFAULT_RECOVERY, PASSING, attempt, "key") for attempt in (1, 2, 3, 4)]
    assert [type(decision) for decision in decisions] == [Again, Again, Again, GiveUp]


def test_default_does_not_retry_what_it_does_not_know_to_pass():
    assert decide(DEFAULT_RECOVERY, UNKNOWN, 1, "key") == GiveUp()


def test_default_prefers_a_recorded_result_to_a_degraded_one():
    both = Facts(cached=True, critical=False)
    decision = decide(DEFAULT_RECOVERY, PASSING, 4, "key", both)
    assert isinstance(decision, Use)
    assert (decision.fallback.action, decision.number, decision.flag) == (
        "use_cached_result",
        1,
        "cached",
    )
    decision = decide(DEFAULT_RECOVERY, PASSING, 4, "key", replace(both, cached=False))
    assert isinstance(decision, Use)
    assert (decision.fallback.action, decision.number) == ("degrade_gracefully", 2)


def test_critical_step_is_never_degraded_even_without_a_condition():
    recovery = Recovery(fallbacks=(DEGRADED,))
    assert decide(recovery, UNKNOWN, 1, "key", Facts(critical=True)) == GiveUp()
    used = decide(recovery, UNKNOWN, 1, "key", Facts(critical=False))
    assert isinstance(used, Use)
    assert used.fallback.value == {"partial": True}


def test_nothing_recorded_is_never_used_even_without_a_condition():
    assert decide(Recovery(fallbacks=(CACHED,)), UNKNOWN, 1, "key") == GiveUp()


def test_alternative_that_fails_too_leads_to_the_next_fallback_and_to_no_retry():
    recovery = Recovery(Retry(5), fallbacks=(ALTERNATIVE, CACHED))
    first = decide(recovery, PERMANENT, 1, "key", Facts(cached=True))
    assert isinstance(first, Use)
    assert (first.fallback.step, first.number, first.flag) == (OTHER, 1, "alternative")
    second = decide(recovery, PASSING, 1, "key", Facts(cached=True, tried=first.number))
    assert isinstance(second, Use)
    assert second.fallback is CACHED
    assert decide(recovery, PASSING, 1, "key", Facts(cached=True, tried=2)) == GiveUp()


@pytest.mark.parametrize(
    ("condition", "holds", "does_not"),
    [
        ("max_retries_exceeded", (PASSING, 3), (PERMANENT, 1)),
        ("not_retryable", (PERMANENT, 1), (PASSING, 3)),
        ("communication_error", (PASSING, 3), (UNKNOWN, 3)),
        ("workflow_error", (UNKNOWN, 3), (PASSING, 3)),
    ],
)
def test_fallback_is_used_where_its_condition_holds(condition, holds, does_not):
    recovery = Recovery(Retry(3), fallbacks=(Fallback("alternative", (condition,), step=OTHER),))
    assert isinstance(decide(recovery, *holds, "key"), Use)
    assert isinstance(decide(recovery, *does_not, "key"), GiveUp)


def test_each_category_is_a_condition():
    for category in Category:
        failure = Failure(category, False, "it broke", "Error")
        recovery = Recovery(fallbacks=(Fallback("alternative", (category.value,), step=OTHER),))
        assert isinstance(decide(recovery, failure, 1, "key"), Use)
        assert category.value in CONDITIONS


def test_giving_up_owes_the_rollback_that_is_declared():
    rollback = Rollback(OTHER)
    assert decide(Recovery(rollback=rollback), UNKNOWN, 1, "key") == GiveUp(rollback)


def test_administrator_is_told_once_retries_are_exceeded():
    again = decide(DEFAULT_RECOVERY, PASSING, 1, "key")
    assert owed(DEFAULT_RECOVERY, PASSING, again, 1) == ()
    facts = Facts(critical=False)
    degraded = decide(DEFAULT_RECOVERY, PASSING, 4, "key", facts)
    (notice,) = owed(DEFAULT_RECOVERY, PASSING, degraded, 4, facts)
    assert (notice.to, notice.severity, notice.outcome) == ("administrator", "high", "degraded")
    assert (notice.category, notice.message) == (Category.COMMUNICATION, "refused")
    given_up = decide(DEFAULT_RECOVERY, PASSING, 4, "key")
    (notice,) = owed(DEFAULT_RECOVERY, PASSING, given_up, 4)
    assert notice.outcome == "failed"


def test_escalations_go_by_category_and_by_what_was_decided():
    rules = (
        Escalation(("validation_error",), "low", to="author"),
        Escalation(("communication_error",), "critical", to="network"),
        Escalation(("given_up",), "medium", to="owner"),
    )
    recovery = Recovery(fallbacks=(DEGRADED,), escalations=rules)

    def told(facts):
        decision = decide(recovery, PASSING, 1, "key", facts)
        return [(n.rule, n.to, n.severity) for n in owed(recovery, PASSING, decision, 1, facts)]

    assert told(Facts(critical=False)) == [(1, "network", "critical")]
    assert told(Facts(critical=True)) == [(1, "network", "critical"), (2, "owner", "medium")]


fallbacks = st.lists(
    st.builds(
        Fallback,
        st.sampled_from(["use_cached_result", "degrade_gracefully", "alternative"]),
        st.lists(st.sampled_from(CONDITIONS), max_size=2).map(tuple),
        st.none(),
        st.sampled_from([None, OTHER]),
    ),
    max_size=4,
).map(tuple)
recoveries = st.builds(
    Recovery,
    retries,
    fallbacks,
    st.lists(
        st.builds(Escalation, st.lists(st.sampled_from(CONDITIONS), max_size=2).map(tuple)),
        max_size=3,
    ).map(tuple),
)
facts = st.builds(Facts, st.booleans(), st.booleans(), st.integers(0, 5))


@given(recoveries, failures, st.integers(1, 20), st.text(), facts)
def test_decision_is_a_function_of_what_it_is_given(recovery, failure, attempt, key, known):
    decision = decide(recovery, failure, attempt, key, known)
    assert decision == decide(recovery, failure, attempt, key, known)
    if isinstance(decision, Again):
        assert attempt < recovery.retry.max_attempts
        assert not failure.permanent
        assert known.tried == 0
        assert owed(recovery, failure, decision, attempt, known) == ()
    if isinstance(decision, Use):
        assert known.tried < decision.number
        assert decision.fallback.action != "use_cached_result" or known.cached
        assert decision.fallback.action != "degrade_gracefully" or not known.critical


@given(recoveries, failures, st.text(), facts)
def test_every_step_comes_to_an_end(recovery, failure, key, known):
    """Whatever fails, however often: attempts and fallbacks are used up, never twice."""
    attempt, tried = 1, known.tried
    for _ in range(recovery.retry.max_attempts + len(recovery.fallbacks) + 1):
        decision = decide(recovery, failure, attempt, key, replace(known, tried=tried))
        if isinstance(decision, GiveUp):
            return
        if isinstance(decision, Again):
            attempt += 1
        else:
            tried = decision.number
    pytest.fail("it went on")

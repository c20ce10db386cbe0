"""Circuit breakers: when they open, what they let through, and the laws that they keep."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chimera.runtime.recovery import (
    Breaker,
    BreakerRule,
    BulkheadFullError,
    BulkheadRule,
    CircuitOpenError,
    PermanentError,
    StepError,
    classify,
    is_counted,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
RULE = BreakerRule(
    failures=3, window=timedelta(seconds=60), cool_down=timedelta(seconds=30), trials=1
)


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def failed(*seconds, rule=RULE):
    breaker = Breaker()
    for second in seconds:
        breaker = breaker.failed(rule, at(second))
    return breaker


def test_breaker_opens_at_the_third_failure_within_the_window():
    assert failed(0, 1).state == "closed"
    assert failed(0, 1, 2).state == "open"


def test_failures_that_are_older_than_the_window_do_not_count():
    assert failed(0, 1, 61).state == "closed"
    assert failed(0, 30, 59).state == "open"


def test_open_breaker_says_how_long_is_to_be_waited():
    breaker, wait = failed(0, 1, 2).ask(RULE, at(12))
    assert (breaker.state, wait) == ("open", timedelta(seconds=20))


def test_breaker_that_has_cooled_down_is_tried_once_at_a_time():
    breaker, wait = failed(0, 1, 2).ask(RULE, at(32))
    assert (breaker.state, wait) == ("half-open", None)
    again, wait = breaker.ask(RULE, at(33))
    assert (again, wait) == (breaker, RULE.cool_down)
    assert breaker.succeeded(RULE, at(34)) == Breaker()
    assert breaker.failed(RULE, at(34)) == Breaker("open", opened=at(34))


def test_trial_that_says_nothing_makes_room_for_another():
    breaker, _ = failed(0, 1, 2).ask(RULE, at(32))
    again, wait = breaker.released().ask(RULE, at(33))
    assert (again.state, wait) == ("half-open", None)


def test_breaker_closes_when_all_of_its_trials_have_succeeded():
    rule = BreakerRule(failures=1, trials=2)
    breaker, _ = failed(0, rule=rule).ask(rule, at(60))
    breaker, wait = breaker.ask(rule, at(61))
    assert wait is None
    assert breaker.ask(rule, at(61))[1] is not None
    breaker = breaker.succeeded(rule, at(62))
    assert breaker.state == "half-open"
    assert breaker.succeeded(rule, at(63)) == Breaker()


def test_breaker_of_another_process_is_open_still_and_has_no_trial_under_way():
    breaker, _ = failed(0, 1, 2).ask(RULE, at(32))
    there = Breaker.from_json(json.loads(json.dumps(breaker.to_json())))
    assert there.state == "half-open"
    assert there.ask(RULE, at(33))[1] is None
    assert Breaker.from_json(failed(0, 1).to_json()) == failed(0, 1)


def test_clock_that_jumps_back_keeps_a_breaker_open_no_longer_than_its_cool_down():
    breaker, wait = failed(0, 1, 2).ask(RULE, at(-86_400))
    assert wait == RULE.cool_down
    assert breaker.ask(RULE, at(-86_400 + 30))[1] is None


def test_what_was_refused_and_what_was_asked_wrongly_does_not_count():
    assert is_counted(classify(RuntimeError("it broke")))
    assert is_counted(classify(ConnectionRefusedError()))
    assert not is_counted(classify(PermanentError("never")))
    assert not is_counted(classify(UnicodeDecodeError("utf-8", b"", 0, 1, "")))
    assert not is_counted(classify(CircuitOpenError("db", timedelta(seconds=1))))
    assert not is_counted(classify(BulkheadFullError("db", BulkheadRule(1, 0))))


def test_refusal_is_transient_and_says_when_to_come_again():
    failure = classify(CircuitOpenError("payments", timedelta(seconds=12)))
    assert failure.transient
    assert failure.retry_after == timedelta(seconds=12)
    assert failure.message == "the circuit breaker payments is open for another 12 s"


def test_refusal_keeps_its_kind_on_its_way_from_another_process():
    import pickle

    for error in (
        CircuitOpenError("db", timedelta(seconds=1)),
        BulkheadFullError("db", BulkheadRule(1, 0)),
    ):
        there = pickle.loads(pickle.dumps(error))
        assert isinstance(there, StepError)
        assert classify(there) == classify(error)


@pytest.mark.parametrize(
    "wrong", [{"failures": 0}, {"trials": 0}, {"window": timedelta()}, {"cool_down": timedelta()}]
)
def test_rule_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValueError, match="breaker"):
        BreakerRule(**wrong)


rules = st.builds(
    BreakerRule,
    st.integers(1, 4),
    st.integers(1, 100).map(lambda n: timedelta(seconds=n)),
    st.integers(1, 100).map(lambda n: timedelta(seconds=n)),
    st.integers(1, 3),
)


@given(rules, st.lists(st.integers(0, 300), max_size=12), st.integers(0, 300))
def test_more_failures_never_close_a_breaker(rule, seconds, extra):
    """Monotone: what is open after some failures is open after these and one more."""
    fewer = failed(*sorted(seconds), rule=rule)
    more = failed(*sorted([*seconds, extra]), rule=rule)
    assert fewer.state == "closed" or more.state == "open"


@given(rules, st.lists(st.integers(0, 300), max_size=30))
def test_breaker_remembers_no_more_than_it_needs(rule, seconds):
    assert len(failed(*sorted(seconds), rule=rule).failures) < rule.failures


class BreakerMachine(RuleBasedStateMachine):
    """Attempts that come, succeed, fail and are lost in any order, while time goes on."""

    def __init__(self):
        super().__init__()
        self.breaker, self.now, self.inside = Breaker(), NOW, 0
        self.setting = BreakerRule(2, timedelta(seconds=20), timedelta(seconds=10), trials=2)

    @rule(seconds=st.integers(1, 15))
    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule()
    def ask(self):
        before = self.breaker
        self.breaker, wait = before.ask(self.setting, self.now)
        self.inside += wait is None
        if before.state == "open" and before.opened + self.setting.cool_down > self.now:
            assert wait == before.opened + self.setting.cool_down - self.now
        if wait is not None:
            assert timedelta() < wait <= self.setting.cool_down
            assert self.breaker.state != "closed"

    @precondition(lambda self: self.inside)
    @rule(how=st.sampled_from(["succeeded", "failed", "released"]))
    def end(self, how):
        self.inside -= 1
        if how == "released":
            self.breaker = self.breaker.released()
        else:
            self.breaker = getattr(self.breaker, how)(self.setting, self.now)

    @rule()
    def restart(self):
        self.breaker, self.inside = Breaker.from_json(self.breaker.to_json()), 0

    @invariant()
    def trials_are_bounded(self):
        assert 0 <= self.breaker.trying + self.breaker.tried <= self.setting.trials
        assert (self.breaker.state == "closed") == (self.breaker.opened is None)

    @invariant()
    def one_that_is_left_alone_lets_through_in_the_end(self):
        if self.inside == 0:
            later = self.now + self.setting.cool_down
            assert self.breaker.ask(self.setting, later)[1] is None


TestBreakerMachine = BreakerMachine.TestCase

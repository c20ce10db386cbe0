"""Bulkheads: who is let in, who waits, who is turned away; and that none is lost."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chimera.runtime.recovery import Bulkhead, BulkheadFullError, BulkheadRule, classify


def test_those_who_come_are_let_in_then_wait_and_then_are_turned_away():
    bulkhead = Bulkhead(BulkheadRule(limit=1, queue=1))
    assert bulkhead.enter("a") == ("entered", None)
    assert bulkhead.enter("b") == ("waits", None)
    assert bulkhead.enter("c") == ("rejected", None)
    assert bulkhead.leave("a") == "b"
    assert bulkhead.leave("b") is None
    assert (bulkhead.inside, bulkhead.waiting) == (0, 0)


def test_whoever_waited_longest_can_be_turned_away_instead():
    bulkhead = Bulkhead(BulkheadRule(limit=1, queue=2, full="drop-oldest"))
    for id in "abc":
        bulkhead.enter(id)
    assert bulkhead.enter("d") == ("waits", "b")
    assert [bulkhead.leave(id) for id in "bacd"] == [None, "c", "d", None]


def test_without_a_queue_nobody_waits_whatever_the_policy():
    for full in ("reject", "drop-oldest"):
        bulkhead = Bulkhead(BulkheadRule(limit=1, queue=0, full=full))
        bulkhead.enter("a")
        assert bulkhead.enter("b") == ("rejected", None)


def test_whoever_waits_can_leave_and_lets_nobody_in():
    bulkhead = Bulkhead(BulkheadRule(limit=1))
    for id in "abc":
        bulkhead.enter(id)
    assert bulkhead.leave("b") is None
    assert bulkhead.leave("a") == "c"
    assert bulkhead.leave("nobody") is None


def test_nobody_comes_twice():
    bulkhead = Bulkhead(BulkheadRule(limit=1))
    for id in "ab":
        bulkhead.enter(id)
        with pytest.raises(ValueError, match="has come already"):
            bulkhead.enter(id)


def test_refusal_is_transient():
    failure = classify(BulkheadFullError("render", BulkheadRule(2, 5)))
    assert failure.transient
    assert failure.message == "the bulkhead render is full: 2 are inside and 5 wait"


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"queue": -1}])
def test_rule_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValueError, match="bulkhead"):
        BulkheadRule(**wrong)


class BulkheadMachine(RuleBasedStateMachine):
    """Who comes and goes in any order: never more than the limit, first come first served."""

    @initialize(
        limit=st.integers(1, 3),
        queue=st.none() | st.integers(0, 3),
        full=st.sampled_from(["reject", "drop-oldest"]),
    )
    def build(self, limit, queue, full):
        self.bulkhead = Bulkhead(BulkheadRule(limit, queue, full))
        self.inside, self.waiting, self.count = [], [], 0

    @rule()
    def enter(self):
        self.count += 1
        id = str(self.count)
        answer, dropped = self.bulkhead.enter(id)
        if dropped is not None:
            assert dropped == self.waiting.pop(0)
        if answer == "entered":
            assert not self.waiting
            self.inside.append(id)
        elif answer == "waits":
            self.waiting.append(id)

    @precondition(lambda self: self.inside)
    @rule(data=st.data())
    def leave(self, data):
        id = data.draw(st.sampled_from(self.inside))
        self.inside.remove(id)
        following = self.bulkhead.leave(id)
        assert following == (self.waiting[0] if self.waiting else None)
        if following is not None:
            self.inside.append(self.waiting.pop(0))

    @invariant()
    def bounds_are_kept(self):
        if not hasattr(self, "bulkhead"):
            return
        limit, queue = self.bulkhead.rule.limit, self.bulkhead.rule.queue
        assert self.bulkhead.inside == len(self.inside) <= limit
        assert self.bulkhead.waiting == len(self.waiting)
        assert queue is None or len(self.waiting) <= queue
        assert not self.waiting or len(self.inside) == limit  # nobody waits beside room


TestBulkheadMachine = BulkheadMachine.TestCase

"""Looking at many things at once: what is late is left, and what is over is not waited for."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.services.health.looking import Probe, look
from chimera.builtin.services.health.probing import Deadline, ProbeError
from chimera.builtin.services.health.standing import (
    Standing,
    answered,
    breaker_json,
    breaker_of,
)
from chimera.runtime.health import Health
from chimera.runtime.recovery import Breaker, BreakerRule
from tests.builtin.services.health.conftest import Ask, Serve, answer
from tests.builtin.services.health.test_observing import START

LATE = 3.0


def well(deadline: Deadline) -> str:
    return "well"


def test_what_was_found_comes_in_the_order_of_what_was_asked() -> None:
    def slow(deadline: Deadline) -> str:
        time.sleep(0.05)
        return "slow"

    found = look([Probe(slow, 5), Probe(well, 5), Probe(slow, 5)])
    assert [one.message for one in found] == ["slow", "well", "slow"]
    assert look([]) == []


def test_a_thread_that_never_comes_back_is_left() -> None:
    go_on = threading.Event()

    def deaf(deadline: Deadline) -> str:
        go_on.wait(30)
        return "too late"

    began = time.monotonic()
    found = look([Probe(deaf, 0.05), Probe(well, 5)] * 3)
    go_on.set()
    assert time.monotonic() - began < LATE
    assert [one.message for one in found] == ["no whole answer within 0.05 s", "well"] * 3


def test_more_than_may_be_looked_at_at_once_take_turns() -> None:
    most, now = 0, 0
    lock = threading.Lock()

    def counting(deadline: Deadline) -> str:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.005)
        with lock:
            now -= 1
        return "well"

    assert all(one.ok for one in look([Probe(counting, 5)] * 20, at_once=3))
    assert most == 3


def test_a_fault_of_ours_is_a_finding() -> None:
    def broken(deadline: Deadline) -> str:
        raise KeyError("x")

    (found,) = look([Probe(broken, 5, attempts=3)])
    assert (found.ok, found.attempts) == (False, 1)
    assert "KeyError('x')" in found.message


def test_a_machine_that_starts_no_thread_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    found = look([Probe(well, 5)] * 2)
    assert [one.message for one in found] == ["this machine starts no more threads"] * 2


def test_dead_and_live_hosts_take_as_long_as_the_longest_time(
    serve: Serve, ask: Ask, closed: int
) -> None:
    live, dead = serve(answer()), serve(None)
    began = time.monotonic()

    def of(port: int) -> Probe:
        return Probe(lambda deadline: _asked(ask, port), 0.3)

    found = look([*map(of, [live.port] * 30), *map(of, [dead.port] * 10), of(closed)])
    assert time.monotonic() - began < LATE
    assert [one.ok for one in found] == [True] * 30 + [False] * 11


def _asked(ask: Ask, port: int) -> str:
    found = ask("http", port, seconds=0.2)
    if not found.ok:
        raise ProbeError(found.message)
    return found.message


def test_attempts_end_with_the_time_of_the_look() -> None:
    asked = []

    def bad(deadline: Deadline) -> str:
        asked.append(deadline.left)
        raise ProbeError("bad")

    (found,) = look([Probe(bad, 0.1, attempts=10, pause=0.04)])
    assert found.message == "bad"
    assert 1 < len(asked) <= 4
    assert asked == sorted(asked, reverse=True)


LOOKS = st.lists(st.booleans(), max_size=30)
COUNTS = st.integers(1, 4)


@given(looks=LOOKS, unhealthy=COUNTS, healthy=COUNTS)
def test_it_changes_when_as_many_looks_in_a_row_say_so_and_not_before(
    looks: list[bool], unhealthy: int, healthy: int
) -> None:
    standing, is_well = Standing(), True
    for index, ok in enumerate(looks):
        standing = standing.after(ok=ok, unhealthy=unhealthy, healthy=healthy, now=START)
        wanted = unhealthy if is_well else healthy
        last = looks[max(0, index + 1 - wanted) : index + 1]
        if len(last) == wanted and not any(one is is_well for one in last):
            is_well = not is_well
        assert standing.is_well is is_well
        assert (standing.health is Health.UNHEALTHY) is not is_well
        assert Standing.from_json(standing.to_json()) == standing


@given(looks=LOOKS, trials=COUNTS)
def test_a_breaker_that_is_kept_between_looks_goes_on_where_it_was(
    looks: list[bool], trials: int
) -> None:
    rule = BreakerRule(failures=2, trials=trials)
    kept = held = Breaker()
    for number, ok in enumerate(looks):
        now = START + number * rule.cool_down * 0.4
        breaker, left = held.ask(rule, now)
        held = breaker if left is not None else answered(breaker, rule, ok=ok, now=now)
        again, waits = breaker_of(breaker_json(kept)).ask(rule, now)
        kept = again if waits is not None else answered(again, rule, ok=ok, now=now)
        assert breaker_json(kept) == breaker_json(held)
        assert waits == left

"""Waits for signals and times: parked, kept over restarts, and ended once."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from chimera.context import Context
from chimera.runtime import ControlAction, RunSettings, RunStatus, Step, Wait, control_run, due_runs

from .conftest import House, chain, echo

PATIENT = RunSettings(patience=None)


class SetClock:
    """A clock that is set."""

    def __init__(self):
        self.instant = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def now(self):
        return self.instant


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
def timed(tmp_path, clock):
    system = Context.system()
    context = Context(
        *(clock, system.ids, system.actor, system.processes, system.secrets, system.progress)
    )
    house = House(tmp_path, context)
    yield house
    house.state.close()


def approval(**options):
    return [
        Step("ask", lambda call: "asked"),
        Step("approved", wait=Wait(signal="approve"), needs=("ask",), **options),
        Step("go", echo, needs=("approved",), inputs=dict),
    ]


def test_run_that_only_waits_is_parked_and_goes_on_with_its_signal(house):
    first = house.execute(approval())
    assert first.status is RunStatus.WAITING
    assert first.outputs == {"ask": "asked"}
    assert due_runs(house.state, "local", house.context.clock.now()) == ()
    house.state.close()
    control_run(
        *(house.root, house.context, first.run, ControlAction.SIGNAL), name="approve", data=[1]
    )
    house.restart()
    (due,) = due_runs(house.state, "local", house.context.clock.now())
    assert due.uid == first.run
    result = house.resume(first, approval())
    assert result.outputs["go"] == {"approved": [1]}
    assert house.kinds(result, "ask") == ["START", "DONE"]
    assert house.kinds(result, "approved") == ["WAIT", "DONE"]


def test_signal_reaches_a_run_that_is_executed(house):
    asked = threading.Event()
    created = house.new_run()

    def ask(call):
        asked.set()

    def approve():
        asked.wait(20)
        control_run(
            *(house.root, house.context, created.uid, ControlAction.SIGNAL), name="go", data="yes"
        )

    thread = threading.Thread(target=approve)
    thread.start()
    steps = [Step("ask", ask), Step("wait", wait=Wait(signal="go"), needs=("ask",))]
    result = house.execute(steps, run=created, settings=PATIENT)
    thread.join()
    assert result.outputs["wait"] == "yes"


def test_signal_that_comes_early_is_kept_and_each_ends_one_wait(house):
    run = house.new_run()
    house.state.close()
    for number in (1, 2):
        control_run(
            *(house.root, house.context, run.uid, ControlAction.SIGNAL), name="n", data=number
        )
    house.restart()
    steps = [
        Step("first", wait=Wait(signal="n")),
        Step("second", wait=Wait(signal="n"), needs=("first",)),
        Step("third", wait=Wait(signal="n"), needs=("second",)),
    ]
    result = house.execute(steps, run=run)
    assert result.status is RunStatus.WAITING
    assert result.outputs == {"first": 1, "second": 2}
    house.restart()
    again = house.resume(result, steps)
    assert again.status is RunStatus.WAITING
    assert again.outputs == result.outputs


def test_timer_outlasts_the_process_and_fires_when_it_is_due(timed, clock):
    steps = chain(echo, echo)
    steps[1] = Step("s1", wait=Wait(seconds=3600), needs=("s0",))
    first = timed.execute(steps)
    assert first.status is RunStatus.WAITING
    run = timed.state.run(first.run)
    assert run.due == clock.instant + timedelta(hours=1)
    clock.instant += timedelta(minutes=59)
    timed.restart()
    assert due_runs(timed.state, "local", clock.instant) == ()
    assert timed.resume(first, steps).status is RunStatus.WAITING
    clock.instant += timedelta(minutes=1)
    assert [r.uid for r in due_runs(timed.state, "local", clock.instant)] == [first.run]
    timed.restart()
    result = timed.resume(first, steps)
    assert result.outputs["s1"] == clock.instant.isoformat()
    assert timed.kinds(result, "s1") == ["WAIT", "DONE"]


def test_wait_until_a_time_that_has_passed_is_over_at_once(timed, clock):
    step = Step("x", wait=lambda inputs: Wait(until=clock.instant - timedelta(days=1)))
    assert timed.execute([step]).status is RunStatus.SUCCEEDED


def test_short_wait_is_waited_for_by_who_is_patient(house):
    result = house.execute([Step("x", wait=Wait(seconds=0.02))], settings=PATIENT)
    assert result.status is RunStatus.SUCCEEDED


def test_what_is_due_soon_is_waited_for_and_nothing_else(house):
    settings = RunSettings(short_wait=timedelta(seconds=5))
    steps = [
        Step("soon", wait=Wait(seconds=0.02)),
        Step("again", wait=Wait(seconds=0.02), needs=("soon",)),
        Step("later", wait=Wait(seconds=30), needs=("again",)),
        Step("never", wait=Wait(signal="go")),
    ]
    result = house.execute(steps, settings=settings)
    assert result.status is RunStatus.WAITING
    assert set(result.outputs) == {"soon", "again"}


def test_patience_ends(house):
    settings = RunSettings(patience=timedelta(milliseconds=20))
    steps = [Step("x", wait=Wait(seconds=30)), Step("y", echo)]
    result = house.execute(steps, settings=settings)
    assert result.status is RunStatus.WAITING
    assert "y" in result.outputs


def test_signal_that_does_not_come_in_time_fails_its_step(house):
    late = approval(timeout=timedelta(milliseconds=20))
    result = house.execute(late, settings=PATIENT)
    assert result.failed == {"approved": "the signal approve did not come within 0.02 s"}


def test_missed_deadline_of_a_parked_signal_is_due(timed, clock):
    late = approval(timeout=timedelta(hours=1))
    first = timed.execute(late)
    assert first.status is RunStatus.WAITING
    clock.instant += timedelta(hours=2)
    assert due_runs(timed.state, "local", clock.instant)
    timed.restart()
    result = timed.resume(first, late)
    assert "did not come" in result.failed["approved"]


@pytest.mark.parametrize("given", [{}, {"signal": "a", "seconds": 1.0}])
def test_wait_for_nothing_or_for_two_things_is_refused(given):
    with pytest.raises(ValueError, match="waits for"):
        Wait(**given)


def test_paused_and_cancelled_while_waiting(house):
    first = house.execute(approval())
    house.state.close()
    cancelled = control_run(house.root, house.context, first.run, ControlAction.CANCEL)
    assert cancelled.status is RunStatus.CANCELLED
    house.restart()
    assert due_runs(house.state, "local", house.context.clock.now()) == ()


def test_run_that_takes_too_long_fails(house):
    steps = [Step("a", echo), Step("b", wait=Wait(seconds=60)), Step("c", echo, needs=("b",))]
    result = house.execute(steps, timeout=timedelta(milliseconds=50), settings=PATIENT)
    assert result.status is RunStatus.FAILED
    assert result.message == "it took longer than 0.05 s"
    assert "a" in result.outputs

"""Reads that fail are the state's fault, and no step pays for them."""

from datetime import timedelta

import pytest

from chimera.model import StateError
from chimera.runtime import Recovery, Retry, RunStatus, Step, Wait
from chimera.state import EventKind

from .conftest import echo

QUICK = Recovery(Retry(3, timedelta(milliseconds=1), timedelta(milliseconds=1)))


def broken(*_):
    raise StateError("the disk is gone", help="bring it back")


@pytest.mark.parametrize("what", ["cached", "read in the store", "listed in the store"])
def test_state_that_cannot_be_read_stops_the_run_and_fails_no_step(house, monkeypatch, what):
    step = {
        "cached": Step("x", lambda call: 1, cache="c", effects=False, recovery=QUICK),
        "read in the store": Step(
            "x", lambda call: call.store.get("c", "i"), executor="inline", recovery=QUICK
        ),
        "listed in the store": Step(
            "x", lambda call: call.store.count("c"), executor="inline", recovery=QUICK
        ),
    }[what]
    run = house.new_run()
    name = {"cached": "cached", "read in the store": "item", "listed in the store": "items"}[what]
    with monkeypatch.context() as patch:
        patch.setattr(type(house.state), name, broken)
        with pytest.raises(StateError, match="disk is gone"):
            house.execute([step, Step("y", echo)], run=run, grace=1.0)
    house.restart()
    result = house.execute([step, Step("y", echo)], run=house.state.run(run.uid))
    assert result.status is RunStatus.SUCCEEDED
    kinds = {e.kind for e in house.state.events(run.uid) if e.step == "x"}
    assert not kinds & {EventKind.FAIL, EventKind.RETRY}


def test_signal_that_finds_no_room_for_its_result_fails_no_step(house, monkeypatch):
    run = house.new_run()
    steps = [Step("w", wait=Wait(seconds=0), effects=False), Step("y", echo)]
    with monkeypatch.context() as patch:
        patch.setattr(type(house.state), "kept", broken)
        with pytest.raises(StateError):
            house.execute(steps, run=run, grace=1.0)
    house.restart()
    result = house.execute(steps, run=house.state.run(run.uid))
    assert result.status is RunStatus.SUCCEEDED

"""Requests that come together: each is taken in its order, and a cancel is the last."""

import threading

import pytest

from chimera.runtime import ControlAction, RunSettings, RunStatus, Step, Wait
from chimera.runtime.control import leave_request
from chimera.state import EventKind

from .conftest import echo

PATIENT = RunSettings(patience=None)
WAITING = [Step("w", wait=Wait(signal="go"), effects=False)]


def leave(house, run, *asked):
    for action, name in asked:
        leave_request(house.state.layout, house.context, run.uid, action, "", name=name)


CANCEL, PAUSE = (ControlAction.CANCEL, ""), (ControlAction.PAUSE, "")
RESUME, GO = (ControlAction.RESUME, ""), (ControlAction.SIGNAL, "go")
RETRY = (ControlAction.RETRY, "w")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ([CANCEL, GO], RunStatus.CANCELLED),
        ([CANCEL, RESUME], RunStatus.CANCELLED),
        ([CANCEL, PAUSE, RESUME, GO], RunStatus.CANCELLED),
        ([CANCEL, RETRY], RunStatus.CANCELLED),
        ([RETRY, CANCEL], RunStatus.CANCELLED),
        ([PAUSE, CANCEL], RunStatus.CANCELLED),
        ([GO, GO], RunStatus.SUCCEEDED),
        ([PAUSE, RESUME, GO], RunStatus.SUCCEEDED),
        ([GO, CANCEL], RunStatus.SUCCEEDED),
    ],
    ids=lambda value: "-".join(a.value for a, _ in value) if isinstance(value, list) else None,
)
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_requests_that_come_together_are_taken_in_their_order(house, asked, status, when):
    run = house.new_run()
    if when == "before":
        leave(house, run, *asked)
    else:
        timer = threading.Timer(0.1, leave, (house, run, *asked))
        timer.start()
    result = house.execute(WAITING, run=run, settings=PATIENT)
    if asked == [GO, CANCEL] and result.status is RunStatus.CANCELLED:
        status = RunStatus.CANCELLED  # it was not over yet when the cancel came: both may be
    assert result.status is status
    events = house.state.events(run.uid)
    if status is RunStatus.CANCELLED and asked[0] is CANCEL:
        at = next(n for n, e in enumerate(events) if e.kind is EventKind.CANCEL)
        assert {e.step for e in events[at:]} == {""}, "nothing happens to a step after a cancel"
    if when == "meanwhile":
        timer.join()
    house.execute([Step("next", echo)])
    left = list(house.state.layout.control.glob("*.json"))
    assert left == [] or any(action is ControlAction.RETRY for action, _ in asked)

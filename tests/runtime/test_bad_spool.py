"""A spool full of what nobody should have put there: runs go on all the same."""

import json
import os
import time

import pytest

from chimera.model import UsageError
from chimera.runtime import ControlAction, RunStatus, Step, Wait, control_run, due_runs
from chimera.runtime.control import leave_request
from chimera.state import Layout, open_state

from .conftest import chain, echo

ASKED = {"action": "signal", "actor": "somebody", "reason": "", "name": "go", "payload": None}

GARBAGE = {
    "nothing": b"",
    "half": b'{"action": "pause", "act',
    "bytes": bytes(range(256)),
    "another type": b"[]",
    "a number": b"7",
    "deep": b"[" * 100_000,
    "an unknown action": json.dumps({**ASKED, "action": "explode"}).encode(),
    "an action of another type": json.dumps({**ASKED, "action": ["pause"]}).encode(),
    "an actor of another type": json.dumps({**ASKED, "actor": {"a": 1}}).encode(),
    "a reason of another type": json.dumps({**ASKED, "reason": [1]}).encode(),
    "a name of another type": json.dumps({**ASKED, "name": ["go"]}).encode(),
    "not a number": json.dumps({**ASKED, "payload": float("nan")}).encode(),
    "a lone surrogate": b'{"action":"signal","actor":"","reason":"","payload":"\\ud800"}',
    "a lone surrogate for a name": b'{"action":"signal","actor":"","reason":"","name":"\\udfff"}',
}


def slow(call):
    time.sleep(0.3)  # a look or two into the spool
    return call.inputs


@pytest.mark.parametrize("when", ["before", "meanwhile"])
@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
def test_garbage_in_the_spool_stops_nothing(house, content, when):
    run = house.new_run()
    spool = house.state.layout.control
    spool.mkdir()

    def leave(call=None):
        (spool / f"{run.uid}.0.json").write_bytes(content)
        (spool / "nobody.0.json").write_bytes(content)

    if when == "before":
        leave()
    result = house.execute(chain(leave if when == "meanwhile" else echo, slow), run=run)
    assert result.status is RunStatus.SUCCEEDED
    assert house.execute(chain(echo)).status is RunStatus.SUCCEEDED, "and the next one"


def test_file_in_the_spool_whose_name_is_no_text_stops_nothing(house):
    run = house.new_run()
    spool = house.state.layout.control
    spool.mkdir()
    content = json.dumps(ASKED).encode()
    for name in (f"{run.uid}.\udcff.json", f"{run.uid}.\n.json", ".json", f"{run.uid}.json"):
        (spool / name).write_bytes(content)
    assert house.execute(chain(echo, slow), run=run).status is RunStatus.SUCCEEDED


@pytest.mark.skipif(os.name == "nt", reason="no such files")
@pytest.mark.parametrize("what", ["endless", "dangling", "loop", "pipe", "folder", "outside"])
def test_what_is_no_file_in_the_spool_is_not_read(house, tmp_path, what):
    run = house.new_run()
    spool = house.state.layout.control
    spool.mkdir()
    for path in (spool / f"{run.uid}.0.json", spool / "nobody.0.json"):
        match what:
            case "endless":
                path.symlink_to("/dev/zero")
            case "dangling":
                path.symlink_to(spool / "nothing")
            case "loop":
                path.symlink_to(path)
            case "pipe":
                os.mkfifo(path)
            case "folder":
                path.mkdir()
            case "outside":
                cancel = {**ASKED, "action": "cancel"}
                (tmp_path / "elsewhere").write_text(json.dumps(cancel))
                path.symlink_to(tmp_path / "elsewhere")
    assert house.execute(chain(echo, slow), run=run).status is RunStatus.SUCCEEDED


def test_ten_thousand_requests_for_nobody_do_not_hold_up_a_run(house):
    """They are looked at once, not five times a second."""
    run = house.new_run()
    spool = house.state.layout.control
    spool.mkdir()
    content = json.dumps(ASKED)
    for number in range(10_000):
        (spool / f"unknown-{number}.0.json").write_text(content)
    began = time.process_time()
    assert house.execute(chain(*[slow] * 6), run=run).status is RunStatus.SUCCEEDED
    (spool / f"{run.uid}.1.json").write_text(content)
    assert time.process_time() - began < 3.0


def test_two_thousand_signals_all_arrive_in_order(house):
    run = house.new_run()
    for number in range(2_000):
        leave_request(
            house.state.layout,
            house.context,
            run.uid,
            ControlAction.SIGNAL,
            "",
            name="go",
            payload=number,
        )
    steps = [
        Step(f"w{n}", wait=Wait(signal="go"), effects=False, needs=(f"w{n - 1}",) if n else ())
        for n in range(2_000)
    ]
    result = house.execute(steps, run=run)
    assert result.status is RunStatus.SUCCEEDED
    assert list(result.outputs.values()) == list(range(2_000))
    assert list(house.state.layout.control.iterdir()) == []


@pytest.mark.parametrize("data", [float("nan"), float("inf"), "\ud800", {"a": [float("nan")]}])
def test_signal_that_brings_what_is_no_json_is_refused_where_it_is_sent(house, data):
    run = house.new_run()
    house.state.close()
    with pytest.raises(UsageError, match="not JSON"):
        control_run(house.root, house.context, run.uid, ControlAction.SIGNAL, name="x", data=data)
    house.restart()
    assert list(house.state.layout.control.glob("*.json")) == []


def test_signal_that_brings_too_much_is_refused_where_it_is_sent(house):
    run = house.new_run()
    house.state.close()
    with pytest.raises(UsageError, match="no more than 16,777,216"):
        control_run(house.root, house.context, run.uid, ControlAction.SIGNAL, data="x" * (16 << 20))
    house.restart()


def test_large_signal_is_kept_and_arrives_whole(house):
    run = house.new_run()
    steps = [Step("w", wait=Wait(signal="go"), effects=False)]
    assert house.execute(steps, run=run).status is RunStatus.WAITING
    house.state.close()
    data = "x" * 1_000_000
    control_run(house.root, house.context, run.uid, ControlAction.SIGNAL, name="go", data=data)
    house.restart()
    assert due_runs(house.state, "local", house.context.clock.now())
    result = house.execute(steps, run=house.state.run(run.uid))
    assert result.outputs == {"w": data}


def test_signal_before_the_state_was_lost_is_passed_over(house, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with open_state(other, house.context, command="test") as state:
        leave_request(
            Layout(house.root),
            house.context,
            state.create_run("e", "t", {}, None).uid,
            ControlAction.CANCEL,
            "",
        )
    assert house.execute(chain(echo, slow)).status is RunStatus.SUCCEEDED

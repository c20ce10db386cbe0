"""`kill -9` of a saga at random moments: what was done is undone, in order, and counted once."""

import json
import os
import random
import signal
from collections import Counter

import pytest

from chimera.state import EventKind, RunStatus, read_state

from .conftest import forking
from .saga import ELEMENTS
from .test_crash import run

KILLS = int(os.environ.get("CHIMERA_CRASHES", "12"))
DONE = {"a", "b", *(f"e{n}" for n in range(ELEMENTS))}


@pytest.fixture
def runner():
    with forking("saga.py") as process:
        yield process


def test_saga_that_is_killed_again_and_again_is_undone_once_and_in_order(runner, tmp_path):
    moments, kills, rounds = random.Random(5), 0, 0
    while kills < KILLS:
        assert rounds < 5 * KILLS, "hardly a kill met a run that was going on"
        root = tmp_path / str(rounds)
        root.mkdir()
        rounds += 1
        for _ in range(moments.randint(1, 3)):
            said, ending = run(runner, root, kill_after=moments.uniform(0.005, 0.1))
            kills += ending == -signal.SIGKILL
            if ending == 0 or is_over(root):
                break
        else:
            said, ending = run(runner, root)
        if not is_over(root) or ending == 0:  # else it was killed after its end
            assert ending == 0
            status, outputs = json.loads(said)
            assert status == "compensated"
            assert set(outputs) == {"a", "b", "pause", "fan", "count"}
        check(root)


def is_over(root):
    """Tell whether the run has come to its end, so that another apply would begin a new one."""
    with read_state(root) as reader:
        return any(run.status is RunStatus.COMPENSATED for run in reader.runs())


def check(root):
    lines = [line.split() for line in (root / "effects").read_text().splitlines()]
    keys = {}
    for what, key, _ in lines:
        assert keys.setdefault(what, key) == key, f"{what} was repeated with another key"
    said = {what for what, _, _ in lines}
    assert said == DONE | {"bad"} | {f"-{what}" for what in DONE}
    with read_state(root) as reader:
        (only,) = reader.runs()
        events = reader.events(only.uid)
        (count,) = reader.items("local", "counts")
    assert only.status is RunStatus.COMPENSATED
    assert count.value == {"n": 1}
    ended = Counter(e.step for e in events if e.kind in {EventKind.DONE, EventKind.COMP_DONE})
    assert set(ended.values()) == {1}
    done = [e.step for e in events if e.kind is EventKind.DONE]
    undone = [e.step.removesuffix("!undo") for e in events if e.kind is EventKind.COMP_DONE]
    assert undone == [id for id in reversed(done) if id in undone]
    assert len(undone) == len(DONE)

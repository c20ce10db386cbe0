"""`kill -9` at random moments of a run of two hundred stages, again and again until it is over."""

import json
import os
import random
import signal
import time
from collections import Counter

import pytest

from chimera.state import EventKind, RunStatus, read_state

from .conftest import forking
from .two_hundred import output_of, stages

KILLS = int(os.environ.get("CHIMERA_KILLS", "40"))
"""How many kills; the nightly run sets 1,000."""


@pytest.fixture
def fork():
    with forking("two_hundred.py") as process:

        def run(root, delay=0.0):
            """Return whether the fork came to its end, after at most `delay` seconds if any."""
            process.stdin.write(f"{root} {delay}\n")
            process.stdin.flush()
            said = None
            while not (line := process.stdout.readline()).startswith("ended "):
                assert line, "the runner ended"
                said = json.loads(line)
            code = os.waitstatus_to_exitcode(int(line.split()[1]))
            assert code in (0, -signal.SIGKILL)
            assert code or said == "succeeded"
            return code == 0

        yield run


def test_two_hundred_stages_killed_at_random_are_done_once_each(fork, tmp_path):
    calm = tmp_path / "calm"
    calm.mkdir()
    began = time.monotonic()
    assert fork(calm)
    longest = time.monotonic() - began
    wanted = things(calm)
    moments = random.Random(KILLS)
    kills = rounds = 0
    while kills < KILLS:
        root = tmp_path / str(rounds)
        root.mkdir()
        rounds += 1
        # Each goes as far as it gets; the last of a run that is killed too often is let be.
        for _ in range(25):
            if kills >= KILLS or fork(root, moments.uniform(longest / 50, longest)):
                break
            kills += 1
        assert fork(root)
        assert things(root) == wanted, "byte for byte what an undisturbed run leaves"
        check(root)
    assert kills == KILLS


def things(root):
    return {path.name: path.read_bytes() for path in (root / "things").iterdir()}


def expected():
    outputs = {}
    for id, needs in stages():
        outputs[id] = output_of([outputs[need] for need in needs])
    return outputs


def check(root):
    """Hold what was done, line by line, against what is written."""
    with read_state(root) as reader:
        (run,) = reader.runs()
        events = reader.events(run.uid)
    assert run.status is RunStatus.SUCCEEDED
    assert (run.total, run.done, run.failed) == (200, 200, 0)
    done = {e.step: e.data for e in events if e.kind is EventKind.DONE}
    assert done == expected(), "none lost, none other"
    assert sum(e.kind is EventKind.DONE for e in events) == 200, "none done twice"
    starts, needs, ended = Counter(), dict(stages()), set()
    keys = {}
    for event in events:
        if event.kind is EventKind.START:
            assert event.step not in ended, "a finished stage is not started again"
            assert event.attempt == 1, "an interruption uses up no attempt"
            assert ended.issuperset(needs[event.step]), "after what it needs"
            assert keys.setdefault(event.step, event.data["key"]) == event.data["key"]
            starts[event.step] += 1
        elif event.kind is EventKind.DONE:
            ended.add(event.step)
        else:
            assert event.kind is EventKind.RESUME
    lines = [line.split() for line in (root / "effects").read_text().splitlines()]
    for id, count in Counter(id for id, _, _ in lines).items():
        assert count <= starts[id], f"{id} was repeated where no START says so"
    assert {(id, key) for id, key, _ in lines} == set(keys.items()), "with the same key"
    assert {attempt for _, _, attempt in lines} == {"1"}

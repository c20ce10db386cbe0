"""`kill -9` at random moments: nothing is missing, and nothing is repeated without need."""

import json
import os
import random
import signal
from collections import Counter

import pytest

from chimera.runtime import Graph
from chimera.state import EventKind, RunStatus, read_state

from .conftest import forking
from .crashing import CHAIN, FAN, TAIL, steps_of

CRASHES = int(os.environ.get("CHIMERA_CRASHES", "12"))
"""How many kills; the nightly run sets 50."""

LONGEST = 0.12  # about what a whole run takes


@pytest.fixture
def runner():
    with forking("crashing.py") as process:
        yield process


def run(runner, root, *, kill_after=0.0):
    """Run the graph once; return what it said and how it ended."""
    runner.stdin.write(f"{root} {kill_after}\n")
    runner.stdin.flush()
    said = ""
    while not (line := runner.stdout.readline()).startswith("ended "):
        assert line, "the runner ended"
        said += line
    return said, os.waitstatus_to_exitcode(int(line.split()[1]))


def test_run_that_is_killed_again_and_again_is_finished_without_loss(runner, tmp_path):
    moments = random.Random(2026)
    kills, rounds, repeated = 0, 0, 0
    # Few kills may all have missed the instant between an effect and its DONE: go on.
    while kills < CRASHES or not repeated:
        assert kills < 20 * CRASHES, "no kill fell between an effect and its DONE"
        root = tmp_path / str(rounds)
        root.mkdir()
        rounds += 1
        for _ in range(moments.randint(1, 3)):
            _, ending = run(runner, root, kill_after=moments.uniform(0.001, LONGEST))
            kills += ending == -signal.SIGKILL
        said, ending = run(runner, root)
        assert ending == 0
        assert json.loads(said) == ["succeeded", expected_outputs()]
        repeated += check(root)


def expected_outputs():
    graph, outputs = Graph({}, steps_of({}, "")), {}
    for step in graph.steps:
        outputs[step.id] = sum(outputs[need] for need in step.needs) + 1
    return outputs


def check(root):
    """Hold what was done against the journal; return how many steps were done twice."""
    lines = [line.split() for line in (root / "effects").read_text().splitlines()]
    done, keys = Counter(id for id, _, _ in lines), {}
    for id, key, attempt in lines:
        assert keys.setdefault(id, key) == key, f"{id} was repeated with another key"
        assert attempt == "1", "an interruption used up an attempt"
    assert len(done) == CHAIN + FAN + 1 + TAIL == 30
    with read_state(root) as reader:
        (run,) = reader.runs()
        assert run.status is RunStatus.SUCCEEDED
        events = reader.events(run.uid)
    for id, count in done.items():
        kinds = [event.kind for event in events if event.step == id]
        assert kinds[-1] is EventKind.DONE
        assert set(kinds[:-1]) == {EventKind.START}, "after DONE a step is not started again"
        assert count <= len(kinds) - 1, f"{id} was done without a START"
        assert {e.data["key"] for e in events if e.step == id and e.kind is EventKind.START} == {
            keys[id]
        }
    return sum(count > 1 for count in done.values())

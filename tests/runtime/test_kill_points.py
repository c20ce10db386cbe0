"""`kill -9` at every instant at which the journal moves: enumerated, not sampled."""

import json
import os
import signal
from collections import Counter

import pytest

from chimera.state import EventKind, read_state

from .conftest import forking


@pytest.fixture(scope="module")
def fork():
    with forking("killing.py") as process:

        def run(root, name, number, is_doomed):
            """Return what a fork said, or `None` where it was killed."""
            process.stdin.write(f"{root} {name} {number} {'doomed' if is_doomed else '-'}\n")
            process.stdin.flush()
            said = None
            while not (line := process.stdout.readline()).startswith("ended "):
                assert line, "the runner ended"
                said = json.loads(line)
            code = os.waitstatus_to_exitcode(int(line.split()[1]))
            assert code == (0 if said else -signal.SIGKILL)
            return said

        yield run


@pytest.mark.parametrize("is_doomed", [False, True], ids=["succeeds", "is compensated"])
@pytest.mark.parametrize("instant", ["before", "after", "work", "effect"])
def test_run_killed_at_any_instant_ends_as_if_it_had_not_been(fork, tmp_path, instant, is_doomed):
    calm = tmp_path / "calm"
    calm.mkdir()
    status, outputs, counts = fork(calm, "none", 0, is_doomed)
    assert status == ("compensated" if is_doomed else "succeeded")
    wanted = things(calm)
    killed = 0
    for number in range(1, counts[instant] + 1):
        root = tmp_path / str(number)
        root.mkdir()
        # Turns may gather differently from time to time: there may be fewer commits than before.
        killed += fork(root, instant, number, is_doomed) is None
        again = fork(root, "none", 0, is_doomed)
        assert again[0] == status
        if again[1]:
            assert again[1] == outputs
        assert things(root) == wanted, "what is left outside is another"
        check_journal(root)
    assert killed >= counts[instant] * 2 // 3


def things(root):
    """Return what idempotent work has left; names of files are keys, which hold the run's id."""
    return sorted(Counter(path.read_text() for path in (root / "things").iterdir()).items())


def check_journal(root):
    """Hold what was done against what is written."""
    with read_state(root) as reader:
        (run,) = reader.runs()
        events = reader.events(run.uid)
    done = Counter(e.step for e in events if e.kind is EventKind.DONE)
    assert set(done.values()) == {1}, "a finished stage is finished once"
    ended = set()
    for event in events:
        if event.kind in (EventKind.START, EventKind.WAIT):
            assert event.step not in ended, "a finished stage is not started again"
        if event.kind is EventKind.DONE:
            ended.add(event.step)
    starts = Counter(e.step for e in events if e.kind in (EventKind.START, EventKind.COMP_START))
    lines = [line.rsplit(" ", 2) for line in (root / "effects").read_text().splitlines()]
    for name, count in Counter(name for name, _, _ in lines).items():
        step = name.removeprefix("undo ")
        full = f"fan[{step[1:]}]" if step[0] == "e" else step
        step = f"{full}!undo" if name.startswith("undo ") else full
        if name != "pure":  # what has no effects may run ahead of the disk
            assert count <= starts[step], f"{name} was done without a START of its own"
    for name in {name for name, _, _ in lines}:
        assert len({key for other, key, _ in lines if other == name}) == 1, "the key is the same"

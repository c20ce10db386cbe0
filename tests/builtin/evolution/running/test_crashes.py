"""Runs that are killed, and machines that fail them: the same bytes in the end, or a plain word."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from chimera.builtin.evolution.search import checkpoints
from chimera.builtin.evolution.search.checkpoints import FOLDER
from chimera.context import write_whole
from chimera.runtime import RunError
from tests.builtin.evolution.running.house import House, result_of

ROOT = Path(__file__).parents[4]
CRASHES = int(os.environ.get("CHIMERA_CRASHES", "2"))
"""How many kills of each kind of run but the first, which always has 50; nightly they all do."""

BASE = {
    "trigger": "apply",
    "genome": {"genes": [{"name": "x", "min": -5, "max": 5, "count": 4}]},
    "algorithm": "genetic",
    "seed": "c0ffee",
}
LARGE = {
    "fitness": {"function": "rastrigin"},
    "population": 300,
    "islands": {"count": 3, "every": 20},
    "termination": {"generations": 300},
    "checkpointEvery": 20,
}
SCRIPT = 'echo "$*" >> evaluated; awk -v a="$1" -v b="$2" "BEGIN { printf \\"%.17g\\", a*a + b*b }"'
SPECS = {
    "threads": BASE | LARGE | {"budget": {"executor": "threads", "workers": 2}},
    "processes": BASE
    | LARGE
    | {"termination": {"generations": 60}, "budget": {"executor": "processes", "workers": 2}},
    "python": BASE
    | {"fitness": {"python": {"module": "fit.py"}}, "population": 20}
    | {"termination": {"generations": 30}, "checkpointEvery": 3, "budget": {"workers": 2}},
    "operation": BASE
    | {
        "fitness": {
            "operation": {
                "name": "command",
                "inputs": {
                    "argv": [SCRIPT, *(f"${{genes.x.{n}}}" for n in range(4))],
                    "shell": True,
                },
                "output": "trimmed",
            }
        },
        "population": 6,
        "termination": {"generations": 4},
        "budget": {"workers": 2},
    },
}
PYTHON = (
    "import time\ndef fitness(c):\n    time.sleep(0.0005)\n    return sum(v * v for v in c['x'])\n"
)


class Runner:
    """A process that forks one for each run."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("crashing.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    def warm(self, root):
        """Apply once without a fork: kills are to fall into runs, not into the loading of kernels.

        That takes several times as long as a whole run.
        """
        self._tell(f"{root} here")

    def apply(self, root, *, kill_after=0.0):
        """Apply once; return the result, or `None` where it was killed before."""
        said, line = self._tell(f"{root} {kill_after}")
        ending = os.waitstatus_to_exitcode(int(line.split()[1]))
        assert ending in (0, -signal.SIGKILL)
        return json.loads(said) if ending == 0 else None

    def _tell(self, line):
        """Return what was said to a line, and the last line of it, which tells how it ended."""
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        said = ""
        while not (line := self.process.stdout.readline()).startswith("ended "):
            assert line, "the runner ended"
            said += line
        return said, line


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    found = Runner()
    found.warm(house_at(tmp_path_factory.mktemp("warm"), "threads").root)
    yield found
    with found.process:
        found.process.stdin.close()


def house_at(root, kind):
    found = House(root).write(SPECS[kind])
    (root / "fit.py").write_text(PYTHON)
    return found


@pytest.mark.parametrize("kind", SPECS)
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not(runner, tmp_path, kind):
    runner.apply(house_at(tmp_path / "first", kind).root)  # compiles what there is to compile
    began = time.monotonic()
    expected = runner.apply(house_at(tmp_path / "whole", kind).root)
    longest = time.monotonic() - began
    moments, kills, number = random.Random(2026), 0, 0
    wanted = max(CRASHES, 50 if kind == "threads" else 0)
    while kills < wanted:
        house = house_at(tmp_path / str(number), kind)
        number += 1
        assert number < 20 * wanted, "no kill falls into a run"
        for _ in range(moments.randint(1, 5)):
            found = runner.apply(house.root, kill_after=moments.uniform(0.01, longest))
            if found is not None:
                break
            kills += 1
        assert (found or runner.apply(house.root)) == expected
        check(house)


def check(house):
    """Hold the journal to its word: what has finished is not begun again."""
    kinds = defaultdict(list)
    for event in house.events():
        if event.step:
            kinds[event.step].append(event.kind.value)
    assert kinds
    for step, seen in kinds.items():
        assert seen[-1] in ("DONE", "SKIP"), step
        assert seen.count("DONE") <= 1, step
    evaluated = house.root / "evaluated"
    if evaluated.exists():
        done = sum("[" in step and seen[-1] == "DONE" for step, seen in kinds.items())
        again = sum(max(0, seen.count("START") - 1) for step, seen in kinds.items() if "[" in step)
        assert len(evaluated.read_text().splitlines()) <= done + again


@pytest.fixture
def full_disk(monkeypatch):
    """Let the disk be full when a checkpoint is to be written for the `at`-th time."""

    def fill(at):
        write, count = write_whole, iter(range(1, 1_000_000))

        def limited(path, data):
            if next(count) == at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            write(path, data)

        monkeypatch.setattr(checkpoints, "write_whole", limited)

    return fill


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(tmp_path, full_disk):
    whole = house_at(tmp_path / "whole", "threads").apply()
    house = house_at(tmp_path / "full", "threads")
    full_disk(8)
    with pytest.raises(RunError, match=r"cannot be written to .*: No space left on device"):
        house.apply()
    assert result_of(house.apply()) == result_of(whole)


@pytest.mark.parametrize("damage", ["of another seed", "cut", "empty"])
def test_a_checkpoint_of_something_else_costs_time_and_nothing_else(tmp_path, full_disk, damage):
    whole = house_at(tmp_path / "whole", "threads").apply()
    house = house_at(tmp_path / "tree", "threads")
    other = House(tmp_path / "other").write(SPECS["threads"] | {"seed": 5})
    for one in (house, other):
        full_disk(8)
        with pytest.raises(RunError):
            one.apply()
    foreign = sorted((other.root / FOLDER).glob("*.checkpoint"))[-1].read_bytes()
    for path in (house.root / FOLDER).glob("*.checkpoint"):
        own = path.read_bytes()
        path.write_bytes({"of another seed": foreign, "cut": own[:-9], "empty": b""}[damage])
    assert result_of(house.apply()) == result_of(whole)


@pytest.mark.skipif("CHIMERA_CRASHES" not in os.environ, reason="compiles everything: nightly")
def test_a_home_that_cannot_be_written_to_costs_time_and_nothing_else(tmp_path):
    expected = house_at(tmp_path / "whole", "python").apply()
    house = house_at(tmp_path / "tree", "python")
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    blocked = tmp_path / "file"
    blocked.write_text("")
    env = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(blocked), "PYTHONPATH": str(ROOT)}
    script = Path(__file__).with_name("house.py")
    done = subprocess.run([sys.executable, str(script), str(house.root)], env=env, timeout=300)
    assert done.returncode == 0
    assert [e.kind.value for e in house.events() if e.step == "generation-30"][-1:] == ["DONE"]
    assert house.apply()["champion"] == expected["champion"]

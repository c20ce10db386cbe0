"""Islands on threads, in processes and on Ray: the same bytes, whoever is lost on the way."""

import importlib.util
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.builtin.evolution.running.house import House, result_of

SPEC = {
    "trigger": "apply",
    "genome": {"genes": [{"name": "x", "min": -5, "max": 5, "count": 6}]},
    "fitness": {"function": "rastrigin"},
    "algorithm": "genetic",
    "population": 30,
    "islands": {"count": 4, "every": 5, "migrants": 2},
    "termination": {"generations": 30},
    "checkpointEvery": 10,
    "seed": "c0ffee",
}
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed: chimera[distributed]"
)


def on(executor, workers=None, **changes):
    budget = {"executor": executor, **({"workers": workers} if workers else {})}
    return SPEC | changes | {"budget": budget}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return result_of(House(tmp_path_factory.mktemp("threads")).write(on("threads", 1)).apply())


def test_two_threads_find_what_one_finds(tmp_path, expected):
    assert result_of(House(tmp_path).write(on("threads", 2)).apply()) == expected


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_processes_find_what_threads_find(tmp_path, expected, workers):
    house = House(tmp_path)
    assert result_of(house.write(on("processes", workers)).apply()) == expected
    done = [event.step for event in house.events() if event.kind.value == "DONE"]
    assert "islands-5[3]" in done
    assert list((tmp_path / ".chimera" / "checkpoints").glob("*")) == []


def test_what_stops_islands_stops_them_in_processes_too(tmp_path):
    changes = {"termination": {"evaluations": 2000, "stagnation": 10, "tolerance": 0.5}}
    found = [
        result_of(House(tmp_path / executor).write(on(executor, 2, **changes)).apply())
        for executor in ("threads", "processes")
    ]
    assert found[0] == found[1]


def test_a_worker_that_is_killed_is_replaced(tmp_path, expected):
    house = House(tmp_path).write(on("processes", 2))
    assert result_of(_killing(house, lambda line: b"runtime.executors.worker" in line)) == expected


@needs_ray
@pytest.mark.filterwarnings("ignore")
def test_ray_finds_what_threads_find_with_a_worker_killed_midway(tmp_path, expected):
    house = House(tmp_path).write(on("ray", 2))
    assert result_of(_killing(house, lambda line: line.startswith(b"ray::execute"))) == expected


def _killing(house, is_worker):
    """Apply, and kill one worker once a first epoch is over."""
    killed = []

    def kill():
        folder = house.root / ".chimera" / "checkpoints"
        deadline = time.monotonic() + 120
        while not killed and time.monotonic() < deadline:
            if len(list(folder.glob("*.checkpoint"))) >= 2:
                killed.extend(_kill_one(is_worker))
            time.sleep(0.002)

    thread = threading.Thread(target=kill)
    thread.start()
    genome = house.apply()
    thread.join()
    assert killed
    return genome


def _kill_one(is_worker):
    """Kill a descendant of this process by its command line; return it."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(status[1]), (folder / "cmdline").read_bytes()
        except OSError:
            continue
    for pid, (above, line) in parents.items():
        ancestor = above
        while ancestor in parents and ancestor != os.getpid():
            ancestor = parents[ancestor][0]
        if ancestor == os.getpid() and is_worker(line):
            os.kill(pid, signal.SIGKILL)
            return [pid]
    return []

"""Stages on a real Ray: they land, are retried elsewhere by whoever asks, and really stop."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.distributed import executor
from chimera.builtin.distributed.executor import RayExecutor
from chimera.context import Context
from chimera.model import ChimeraError
from chimera.runtime import PermanentError, RemoteWork, Step, StepCall
from chimera.runtime.flights import Flight
from chimera.runtime.recovery import StepError

HAS_RAY = importlib.util.find_spec("ray") is not None
# Warnings that Ray gives about itself are no failures of ours.
pytestmark = pytest.mark.filterwarnings("ignore")
needs_ray = pytest.mark.skipif(not HAS_RAY, reason="ray is not installed: chimera[distributed]")


def test_where_ray_is_not_installed_it_is_said_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(executor.importlib.util, "find_spec", lambda name: None)
    loop = asyncio.new_event_loop()
    with closing(loop), pytest.raises(ChimeraError, match="not installed") as raised:
        RayExecutor(loop, Context.system())
    assert "chimera[distributed]" in (raised.value.help or "")


def test_ray_is_not_imported_before_it_is_used() -> None:
    script = (
        "import sys; from chimera.plugin import load_plugins; from chimera.kinds import Registry;"
        "Registry.collect(load_plugins()); import chimera.builtin.distributed.executor;"
        "sys.exit('ray' in sys.modules)"
    )
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": path})
    assert done.returncode == 0


class House:
    """One Ray for all tests of this file: to start it takes seconds."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.context = Context.system()
        self.ray = RayExecutor(self.loop, self.context)
        self.landed: dict[str, tuple[Any, BaseException | None]] = {}
        self.log: list[str] = []
        self.published: list[Any] = []

    def flight(
        self, name: str, argument: Any = None, id: str = "step", *, effects: bool = True
    ) -> Flight:
        work = RemoteWork(f"elsewhere:{name}", argument)
        flight = Flight(Step(id, remote=work, effects=effects), 1)
        flight.call = StepCall(
            inputs={"a": 2},
            key="k",
            attempt=1,
            in_doubt=False,
            context=self.context,
            cancelled=lambda: flight.is_told,
            log=self.log.append,
            publish=lambda *message: self.published.append(message),
        )
        return flight

    def depart(self, *flights: Flight) -> None:
        self.landed = {}
        self.log.clear()
        self.published.clear()
        for flight in flights:
            self.ray.depart(flight, self._land)

    def _land(self, flight: Flight, value: Any, error: BaseException | None) -> None:
        assert flight.step.id not in self.landed
        self.landed[flight.step.id] = (value, error)

    def until(self, condition: Any, seconds: float = 60) -> None:
        async def wait() -> None:
            async with asyncio.timeout(seconds):
                while not condition():
                    await asyncio.sleep(0.01)

        self.loop.run_until_complete(wait())

    def fly(self, *flights: Flight) -> dict[str, tuple[Any, BaseException | None]]:
        self.depart(*flights)
        self.until(lambda: len(self.landed) == len(flights))
        return self.landed


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "runtime" / "executors"))
        made = House()
        # Ray starts in the thread that drives it, with the path that workers get.
        made.fly(made.flight("pid"))
    yield made
    made.ray.close()
    made.loop.close()


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until_written(house: House, path: Path) -> list[int]:
    house.until(lambda: path.exists() and path.read_text())
    return [int(word) for word in path.read_text().split()]


@needs_ray
def test_stages_run_on_several_workers(house: House) -> None:
    landed = house.fly(*(house.flight("nap", 0.2, f"s{n}") for n in range(8)))
    pids = {value for value, _ in landed.values()}
    assert os.getpid() not in pids
    assert len(pids) > 1


@needs_ray
def test_what_work_gets_logs_prints_and_publishes_comes_across(house: House) -> None:
    landed = house.fly(house.flight("echo", [1], "echo"), house.flight("chatty", None, "chatty"))
    assert landed["echo"][0] == {
        "argument": [1],
        "inputs": {"a": 2},
        "key": "k",
        "id": house.flight("pid").call.new_id(),
    }
    assert sorted(house.log) == ["logged", "on stderr", "printed"]
    assert house.published == [("topic", {"n": 1})]


@needs_ray
def test_a_secret_that_work_reads_is_masked_here_too(house: House) -> None:
    landed = house.fly(house.flight("secretive"))
    assert "hunter2" not in str(landed["step"][1])
    assert "it is ***" in house.log
    assert house.context.secrets.mask("hunter2-hunter2") == "***"


@needs_ray
def test_failures_keep_what_they_are(house: House) -> None:
    landed = house.fly(
        house.flight("refuse", None, "refuse"),
        house.flight("unusual", None, "unusual"),
        house.flight("large", 70 << 20, "large"),
    )
    assert all(isinstance(error, PermanentError) for _, error in landed.values())
    assert "it never will" in str(landed["refuse"][1])


@needs_ray
def test_a_lost_worker_fails_the_attempt_as_transient_and_ray_does_not_retry_it(
    house: House, tmp_path: Path
) -> None:
    mark = str(tmp_path / "mark")
    (_, error) = house.fly(house.flight("once", mark))["step"]
    assert isinstance(error, StepError)
    assert error.transient
    # Whoever coordinates sends it again, to another worker.
    assert house.fly(house.flight("once", mark))["step"] == ("second", None)


@needs_ray
@pytest.mark.parametrize("work", ["patient", "asking"])
def test_work_that_is_told_hears_it_or_is_interrupted(
    house: House, tmp_path: Path, work: str
) -> None:
    flight = house.flight(work, str(tmp_path / "pid"))
    house.depart(flight)
    until_written(house, tmp_path / "pid")
    flight.is_told = True
    house.ray.tell(flight)
    house.until(lambda: house.landed)
    assert house.landed["step"] == ("asked", None) or work == "patient"


@needs_ray
def test_work_that_ignores_being_told_really_stops_when_it_is_ended(
    house: House, tmp_path: Path
) -> None:
    flight = house.flight("deaf", str(tmp_path / "pid"))
    house.depart(flight)
    (worker,) = until_written(house, tmp_path / "pid")
    house.ray.tell(flight)
    time.sleep(0.3)
    assert runs(worker)
    assert house.ray.end(flight)
    house.until(lambda: not runs(worker))


@needs_ray
def test_short_stages_are_batched_and_all_land_in_time(house: House) -> None:
    flights = [house.flight("echo", n, f"fan[{n}]", effects=False) for n in range(500)]
    landed = house.fly(*flights)
    assert [landed[f"fan[{n}]"][0]["argument"] for n in range(500)] == list(range(500))


@needs_ray
def test_in_a_batch_only_the_stage_that_kills_its_worker_fails(house: House) -> None:
    short = [house.flight("echo", n, f"mix[{n}]", effects=False) for n in range(200)]
    house.fly(*short)
    flights = [house.flight("echo", n, f"mix[{n}]", effects=False) for n in range(200)]
    flights[100] = house.flight("die", None, "mix[100]", effects=False)
    landed = house.fly(*flights)
    failed = [id for id, (_, error) in landed.items() if error is not None]
    assert failed == ["mix[100]"]


@needs_ray
def test_what_waits_for_a_worker_never_begins_once_it_is_told(house: House, tmp_path: Path) -> None:
    busy = [house.flight("nap", 0.5, f"busy{n}") for n in range(8 * (os.cpu_count() or 1))]
    last = house.flight("once", str(tmp_path / "mark"), "last")
    house.depart(*busy, last)
    last.is_told = True
    house.ray.tell(last)
    house.until(lambda: "last" in house.landed)
    house.until(lambda: len(house.landed) == len(busy) + 1)
    assert not (tmp_path / "mark").exists()

"""Runs whose steps are executed in other processes, on a real state."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.runtime import ControlAction, Recovery, RemoteWork, Retry, RunStatus, Step
from chimera.runtime.runs import control_run


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers import `elsewhere`, which lies beside this file."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def step(name: str, argument: object = None, id: str = "it", **options: object) -> Step:
    work = RemoteWork(f"elsewhere:{name}", argument)
    return Step(id, remote=work, executor="process", **options)


def until_gone(path: Path) -> None:
    deadline = time.monotonic() + 20
    for pid in map(int, path.read_text().split()):
        while Path(f"/proc/{pid}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_steps_of_one_run_are_executed_on_several_workers(house: Any) -> None:
    result = house.execute([step("nap", 0.2, f"s{n}") for n in range(4)])
    assert result.status is RunStatus.SUCCEEDED
    assert len(set(result.outputs.values())) > 1


def test_a_step_whose_worker_dies_is_executed_by_another(house: Any, tmp_path: Path) -> None:
    result = house.execute([step("once", str(tmp_path / "mark"))])
    assert result.outputs == {"it": "second"}


def test_what_is_known_to_fail_for_good_is_not_tried_again(house: Any) -> None:
    patient = Recovery(Retry(3, timedelta(milliseconds=1)))
    result = house.execute([step("refuse", recovery=patient)])
    assert "it never will" in result.failed["it"]
    assert house.kinds(result, "it") == ["START", "FAIL"]


def test_a_step_that_ignores_its_timeout_is_killed_with_all_that_it_started(
    house: Any, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    stuck = step("stubborn", str(pids), timeout=timedelta(seconds=2))
    result = house.execute([stuck], grace=0.1)
    assert result.status is RunStatus.FAILED
    until_gone(pids)


def test_a_run_that_is_cancelled_leaves_nothing_running(house: Any, tmp_path: Path) -> None:
    pids, run = tmp_path / "pids", house.new_run()

    def cancel() -> None:
        while not pids.exists():
            time.sleep(0.01)
        control_run(house.root, house.context, run.uid, ControlAction.CANCEL, "enough")

    thread = threading.Thread(target=cancel)
    thread.start()
    result = house.execute([step("stubborn", str(pids))], run=run, grace=0.1)
    thread.join()
    assert result.status is RunStatus.CANCELLED
    until_gone(pids)


def test_much_that_is_printed_leaves_its_beginning_and_end_in_the_log(house: Any) -> None:
    result = house.execute([step("verbose", 50_000)])
    lines = [line.text for line in house.state.log(result.run)]
    assert (lines[0], lines[-1]) == ("line 0", "line 49999")
    assert len(lines) < 7_000

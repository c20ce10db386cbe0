"""Runs on a real Ray: the journal stays here, and it alone decides what is done again."""

from __future__ import annotations

import importlib.util
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chimera.builtin.distributed.plugin import chimera_register_executors
from chimera.context import Context
from chimera.runtime import ControlAction, Engine, Graph, RemoteWork, RunStatus, Step
from chimera.runtime.executors import BUILT_IN
from chimera.runtime.runs import control_run
from chimera.state import StateWriter, open_state

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # those that Ray gives about itself
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None,
        reason="ray is not installed: chimera[distributed]",
    ),
]
EXECUTORS = {**BUILT_IN, **chimera_register_executors()}


@pytest.fixture
def context() -> Context:
    return Context.system()


@pytest.fixture
def state(tmp_path: Path, context: Context) -> Iterator[StateWriter]:
    with open_state(tmp_path, context, command="test") as opened:
        yield opened


def step(name: str, argument: object, id: str, executor: str = "ray") -> Step:
    return Step(id, remote=RemoteWork(f"elsewhere:{name}", argument), executor=executor)  # type: ignore[arg-type]


def test_a_run_uses_several_workers_and_survives_the_loss_of_one(
    state: StateWriter, context: Context, tmp_path: Path
) -> None:
    run = state.create_run("local", "Workflow/test", None, None)
    steps = [step("nap", 0.2, f"nap{n}") for n in range(6)]
    steps += [step("once", str(tmp_path / "mark"), "lost"), step("pid", None, "here", "process")]
    result = Engine(state, context, executors=EXECUTORS).execute(run, Graph(None, steps))
    assert result.status is RunStatus.SUCCEEDED
    assert result.outputs["lost"] == "second"
    workers = {result.outputs[f"nap{n}"] for n in range(6)}
    assert len(workers) > 1
    assert os.getpid() not in workers
    kinds = [e.kind.value for e in state.events(run.uid) if e.step == "lost"]
    assert kinds[-1] == "DONE"
    assert kinds.count("DONE") == 1


def test_a_run_that_is_cancelled_leaves_nothing_running(
    state: StateWriter, context: Context, tmp_path: Path
) -> None:
    run = state.create_run("local", "Workflow/test", None, None)
    mark = tmp_path / "pid"

    def cancel() -> None:
        while not mark.exists() or not mark.read_text():
            time.sleep(0.01)
        control_run(tmp_path, context, run.uid, ControlAction.CANCEL, "enough")

    thread = threading.Thread(target=cancel)
    thread.start()
    engine = Engine(state, context, executors=EXECUTORS, grace=0.1)
    result = engine.execute(run, Graph(None, [step("deaf", str(mark), "deaf")]))
    thread.join()
    assert result.status is RunStatus.CANCELLED
    deadline = time.monotonic() + 20
    while Path(f"/proc/{mark.read_text()}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)

"""SIGKILL at random moments of an apply: the next apply finishes the run.

`CHIMERA_CRASHES` says how often; the gate kills a few times, the nightly run fifty times.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

from chimera.state import EventKind, RunStatus, read_state

KILLS = int(os.environ.get("CHIMERA_CRASHES", "3"))
STAGES = [f"s{number}" for number in range(30)]
APPEND = "echo $1 $CHIMERA_KEY >> .chimera/effects"


def workflow() -> str:
    """Thirty stages: ten in a chain, each followed by two that run beside one another."""
    lines = ["apiVersion: chimera/v1", "kind: Workflow", "metadata: {name: crash}", "spec:"]
    lines += ["  trigger: apply", "  mode: parallel", "  stages:"]
    for number, name in enumerate(STAGES):
        chain, place = divmod(number, 3)
        needs = [STAGES[number - place]] if place else [STAGES[number - 3]] if chain else []
        lines += [
            f"    - id: {name}",
            "      operation: command",
            f"      inputs: {{argv: [sh, -c, '{APPEND}', sh, {name}]}}",
            f"      dependencies: [{', '.join(needs)}]",
            "      timeout: 1m",
        ]
    return "\n".join(lines) + "\n"


def kill_at(repository: Any, moment: float) -> bool:
    """Start an apply and kill it at `moment` seconds; tell whether it was still running."""
    process = repository.start("apply")
    time.sleep(moment)
    process.kill()
    process.communicate(timeout=60)
    return bool(process.returncode == -signal.SIGKILL)


def test_after_each_kill_the_next_apply_finishes_the_run(repository: Any) -> None:
    repository.write("specs/crash.yaml", workflow())
    began = time.monotonic()
    assert repository.chimera("apply").code == 0
    whole = time.monotonic() - began

    moments, kills, repeats = random.Random(20261121), 0, 0
    while kills < KILLS:
        start_over(repository)
        kills += kill_at(repository, moments.uniform(0.1, whole))
        finished = repository.chimera("apply")
        assert finished.code == 0, finished.out + finished.err
        repeats += check(repository.root)
        assert repository.chimera("apply").out == "nothing to do\n"
    print(f"{kills} kills, {repeats} stages were run twice, each with the same key")


def start_over(repository: Any) -> None:
    for file in (repository.root / ".chimera").glob("state.db*"):
        file.unlink()
    (repository.root / ".chimera/effects").unlink(missing_ok=True)


def check(root: Path) -> int:
    """Hold what happened against the journal; return how many stages were run more than once."""
    effects = [line.split() for line in (root / ".chimera/effects").read_text().splitlines()]
    assert {stage for stage, _ in effects} == set(STAGES)
    with read_state(root) as state:
        (run,) = state.runs()
        events = state.events(run.uid)
    assert run.status is RunStatus.SUCCEEDED
    repeated = 0
    for stage in STAGES:
        keys = [key for name, key in effects if name == stage]
        kinds = [event.kind for event in events if event.step == stage]
        assert len(set(keys)) == 1
        assert kinds.count(EventKind.DONE) == 1
        # A stage ran twice only where a START had no DONE.
        assert len(keys) <= kinds.count(EventKind.START)
        repeated += len(keys) > 1
    return repeated

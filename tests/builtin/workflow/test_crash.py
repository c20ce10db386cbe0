"""`kill -9` in the middle of a workflow: the next apply finishes the run, and loses nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from chimera.state import EventKind, RunStatus, read_state

KILLS = int(os.environ.get("CHIMERA_CRASHES", "6"))
ROOT = Path(__file__).parents[3]


def workflow() -> str:
    """A chain, a fan and a stage that joins it: 30 stages, each given what another one gave."""
    chain = [("c0", ())] + [(f"c{n}", (f"c{n - 1}",)) for n in range(1, 12)]
    fan = [(f"f{n}", ("c11",)) for n in range(16)]
    ends = [("join", tuple(name for name, _ in fan)), ("last", ("join",))]
    lines = ["apiVersion: chimera/v1", "kind: Workflow", "metadata: {name: crash}", "spec:"]
    lines += ["  trigger: apply", "  mode: parallel", "  stages:"]
    for name, needs in (*chain, *fan, *ends):
        before = f', before: "${{{needs[0]}.line}}"' if needs else ""
        lines.append(f"    - {{id: {name}, operation: append, inputs: {{stage: {name}{before}}},")
        lines.append(f"       dependencies: [{', '.join(needs)}]}}")
    return "\n".join(lines) + "\n"


def test_a_workflow_that_is_killed_again_and_again_is_finished_without_loss(tmp_path: Path) -> None:
    script = Path(__file__).with_name("crashing.py")
    moments = random.Random(7)
    with subprocess.Popen(
        [sys.executable, script],
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as runner:

        def run(root: Path, kill_after: float = 0.0) -> int:
            print(root, kill_after, file=runner.stdin, flush=True)
            return int(runner.stdout.readline())

        kills = rounds = 0
        while kills < KILLS:
            root = tmp_path / f"round-{rounds}"
            (root / "specs").mkdir(parents=True)
            (root / "specs/crash.yaml").write_text(workflow())
            rounds += 1
            ending = -signal.SIGKILL
            while ending == -signal.SIGKILL and kills < KILLS:
                ending = run(root, kill_after=moments.uniform(0.01, 0.25))
                kills += ending == -signal.SIGKILL
            assert run(root) == 0
            check(root)
        runner.stdin.close()


def check(root: Path) -> None:
    effects = [line.split() for line in (root / "effects").read_text().splitlines()]
    assert len({stage for stage, _ in effects}) == 30
    with read_state(root) as state:
        (run,) = state.runs()
        events = state.events(run.uid)
    assert run.status is RunStatus.SUCCEEDED
    for stage in {stage for stage, _ in effects}:
        keys = [key for name, key in effects if name == stage]
        assert len(set(keys)) == 1
        kinds = [event.kind for event in events if event.step == stage]
        assert kinds[-1] is EventKind.DONE
        assert kinds.count(EventKind.DONE) == 1
        # Each repetition answers to a START of which nobody knew how it had ended.
        assert len(keys) <= kinds.count(EventKind.START)

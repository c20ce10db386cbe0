"""Runs a workflow of twelve stages, and dies at one instant: for each line on stdin, in a fork.

Not a test. An instant is a name and a number: `before 7` is just before the seventh commit of the
process, `after 7` just after it, `work 7` when the seventh attempt has begun and has not done
anything, `effect 7` when it has done it and nobody knows. `none 0` never comes.
"""

import json
import os
import signal
import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from chimera.context import Context
from chimera.runtime import (
    Engine,
    Expansion,
    Graph,
    Recovery,
    Retry,
    RunSettings,
    RunStatus,
    Step,
    Wait,
)
from chimera.state import open_state

RETRIED = Recovery(Retry(3, timedelta(milliseconds=2), timedelta(milliseconds=4)))
OVER = {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.COMPENSATED}


class Killer:
    """Counts instants, and kills the process at one of them."""

    def __init__(self, name, number):
        self.name, self.number = name, number
        self.counts = {"before": 0, "after": 0, "work": 0, "effect": 0}

    def at(self, name):
        self.counts[name] += 1
        if (name, self.counts[name]) == (self.name, self.number):
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, state):
        """Have the commits of `state` counted."""
        transaction = state.transaction

        @contextmanager
        def watched():
            with transaction():
                yield
                self.at("before")
            self.at("after")

        state.transaction = watched


def graph(root, killer, is_doomed):
    """Return twelve stages: a chain, a fan, a timer, a failure that is retried, compensation.

    Its effects are lines in one file, and a file of its own for each key.
    """
    journal, things = root / "effects", root / "things"
    things.mkdir(exist_ok=True)

    def act(call, name):
        killer.at("work")
        with journal.open("ab", buffering=0) as file:
            file.write(f"{name} {call.key} {call.attempt}\n".encode())
        (things / call.key).write_text(name)
        killer.at("effect")
        return len(name)

    def step(id, *needs, **options):
        async def work(call):
            return act(call, id)

        async def undo(call):
            return act(call, f"undo {id}")

        return Step(id, work, needs, compensate=undo, recovery=RETRIED, **options)

    async def fail_first(call):
        if call.attempt < 3:
            raise ConnectionError("not yet")
        return act(call, "flaky")

    async def doom(call):
        act(call, "last")
        if is_doomed:
            raise ConnectionError("never")
        return 0

    def element(n):
        return step(f"e{n}")

    stages = [
        step("fetch"),
        step("build", "fetch"),
        Step("flaky", fail_first, ("build",), recovery=RETRIED),
        step("pure", "flaky", effects=False),
        Step(
            "fan",
            needs=("pure",),
            effects=False,
            expand=lambda inputs: Expansion(count=4, make=element, concurrency=2, collect=len),
        ),
        Step("timer", needs=("build",), effects=False, wait=Wait(seconds=0.02)),
        step("left", "fan", "timer"),
        step("right", "fan"),
        step("join", "left", "right"),
        step("skipped", "join", when=lambda outputs: False),
        step("ship", "join", "skipped"),
        Step("last", doom, ("ship",), recovery=RETRIED),
    ]
    assert len(stages) == 12
    return Graph({}, stages, concurrency=4, on_failure="compensate")


def execute(root, killer, is_doomed):
    """Begin the run, or go on with it; say how it ended and how many instants there were."""
    context = Context.system()
    with open_state(root, context, command="kill test", wait=10) as state:
        runs = state.runs()
        run = runs[0] if runs else state.create_run("local", "Workflow/kill", {}, None)
        killer.watch(state)
        if run.status in OVER:
            said = [run.status.value, {}]
        else:
            engine = Engine(state, context, settings=RunSettings(patience=None))
            result = engine.execute(run, graph(root, killer, is_doomed))
            outputs = {id: value for id, value in result.outputs.items() if id != "timer"}
            said = [result.status.value, outputs]
    os.write(1, json.dumps([*said, killer.counts]).encode() + b"\n")


def main():
    """Fork for each `root instant number doomed` on stdin, and say how the fork ended."""
    for line in sys.stdin:
        root, name, number, is_doomed = line.split()
        pid = os.fork()
        if pid == 0:
            execute(Path(root), Killer(name, int(number)), is_doomed == "doomed")
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        os.write(1, f"ended {status}\n".encode())


if __name__ == "__main__":
    import asyncio  # noqa: F401 - once, for all forks

    import chimera.runtime.scheduler  # noqa: F401

    main()

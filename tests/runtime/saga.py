"""Runs a saga with a fan-out, a timer and retries, and kills it: one fork for each line on stdin.

Not a test. As `crashing.py`, with a run that fails at its end and undoes what it did.
"""

import json
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

from chimera.context import Context
from chimera.runtime import (
    Expansion,
    Graph,
    Recovery,
    Retry,
    Runs,
    RunSettings,
    Step,
    StepCall,
    Wait,
)
from chimera.state import open_state

TARGET = "Workflow/saga"
ELEMENTS = 6
AT_ONCE = Recovery(Retry(3, timedelta(milliseconds=1), timedelta(milliseconds=2)))


def graph_of(definition, root):
    """Make a chain with a retry, a timer, a fan-out, and a step that always fails."""
    file = Path(root) / "effects"

    def say(what, call):
        time.sleep(0.001)
        with file.open("ab", buffering=0) as out:
            out.write(f"{what} {call.key} {call.attempt}\n".encode())
        time.sleep(0.001)

    def work(name, fails=0):
        def do(call: StepCall):
            say(name, call)
            if call.attempt <= fails:
                raise RuntimeError("not yet")
            return name

        return do

    def count(call: StepCall):
        kept = (call.store.get("counts", "n") or {"n": 0})["n"]
        call.store.put("counts", "n", {"n": kept + 1})

    def step(name, *needs, fails=0):
        return Step(name, work(name, fails), needs, compensate=work(f"-{name}"), recovery=AT_ONCE)

    def element(n):
        return Step("x", work(f"e{n}"), compensate=work(f"-e{n}"), recovery=AT_ONCE)

    return Graph(
        definition,
        [
            step("a"),
            step("b", "a", fails=1),
            Step("pause", needs=("b",), wait=Wait(seconds=0.01)),
            Step("fan", needs=("pause",), expand=lambda i: Expansion(count=ELEMENTS, make=element)),
            Step("count", count, ("fan",), executor="inline", effects=False),
            Step("bad", work("bad", fails=9), ("count",)),
        ],
        concurrency=4,
        on_failure="compensate",
    )


def apply(root):
    """Do what an apply does about one workflow, and say what came of it on stdout."""
    context, settings = Context.system(), RunSettings(patience=timedelta(seconds=5))
    with open_state(Path(root), context, command="saga", wait=10) as state:
        runs = Runs(state, context, "local", settings=settings)
        result = runs.carry_out(TARGET, {}, graph_of, root, 4)
    os.write(1, json.dumps([result.status.value, result.outputs]).encode() + b"\n")


def main():
    """Fork for each `root delay` on stdin, kill the fork after the delay, and say how it ended."""
    for line in sys.stdin:
        root, delay = line.split()
        pid = os.fork()
        if pid == 0:
            apply(root)
            os._exit(0)
        time.sleep(float(delay))
        os.kill(pid, signal.SIGKILL if float(delay) else 0)
        _, status = os.waitpid(pid, 0)
        os.write(1, f"ended {status}\n".encode())


if __name__ == "__main__":
    main()

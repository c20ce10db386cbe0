"""Runs the graph of the crash test, and kills it: for each line on stdin, in a fork of its own.

Not a test. It imports everything once, so that a kill costs no more than a fork.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from chimera.context import Context
from chimera.runtime import Graph, Runs, Step, StepCall
from chimera.state import open_state

TARGET = "Workflow/crash"
CHAIN, FAN, TAIL = 8, 16, 5  # and one step that joins the fan: 30 in all


def steps_of(definition, root):
    """Make a chain, then steps side by side, one that joins them, and a chain again."""
    journal = Path(root) / "effects"

    def work(call: StepCall):
        id = call.inputs["id"]
        time.sleep(0.001)
        with journal.open("ab", buffering=0) as file:
            file.write(f"{id} {call.key} {call.attempt}\n".encode())
        time.sleep(0.002)
        return call.inputs["sum"] + 1

    def step(id, *needs):
        return Step(id, work, needs, lambda outputs: {"id": id, "sum": sum(outputs.values())})

    before = [step("c0"), *(step(f"c{n}", f"c{n - 1}") for n in range(1, CHAIN))]
    fan = [step(f"f{n}", f"c{CHAIN - 1}") for n in range(FAN)]
    join = step("join", *(f"f{n}" for n in range(FAN)))
    after = [step("t0", "join"), *(step(f"t{n}", f"t{n - 1}") for n in range(1, TAIL))]
    return [*before, *fan, join, *after]


def apply(root):
    """Do what an apply does about one workflow, and say what came of it on stdout."""
    context = Context.system()
    with open_state(Path(root), context, command="crash test", wait=10) as state:
        result = Runs(state, context, "local").carry_out(TARGET, {}, steps_of, root, 4)
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
    assert len(Graph({}, steps_of({}, "")).steps) == 30
    main()

"""Runs a workflow of two hundred stages, killed after a delay: for each line on stdin, in a fork.

Not a test. The stages stand in layers of ten, each of which needs three of the layer before it.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from chimera.context import Context
from chimera.runtime import Engine, Graph, Step
from chimera.state import RunStatus, open_state

LAYERS, WIDTH = 20, 10


def needs_of(layer, place):
    """Return the stages of the layer before that a stage needs."""
    return tuple(f"s{layer - 1}.{(place + n) % WIDTH}" for n in range(3)) if layer else ()


def stages():
    """Yield the ids of all stages, and what they need."""
    for layer in range(LAYERS):
        for place in range(WIDTH):
            yield f"s{layer}.{place}", needs_of(layer, place)


def output_of(given):
    """Return what a stage gives for the outputs of what it needs."""
    return (sum(given) * 31 + len(given) + 1) % 1_000_003


def graph(root):
    """Return the two hundred stages: a line in one file each time, and a file by stage."""
    journal, things = root / "effects", root / "things"
    things.mkdir(exist_ok=True)

    def step(id, needs):
        async def work(call):
            with journal.open("ab", buffering=0) as file:
                file.write(f"{id} {call.key} {call.attempt}\n".encode())
            value = output_of(call.inputs)
            (things / id).write_text(f"{id} {value}\n")
            return value

        return Step(id, work, needs, lambda outputs: [outputs[need] for need in needs])

    return Graph({}, [step(*stage) for stage in stages()], concurrency=8)


def execute(root):
    """Begin the run, or go on with it, and say how it ended."""
    context = Context.system()
    with open_state(root, context, command="kill test", wait=10) as state:
        runs = state.runs()
        run = runs[0] if runs else state.create_run("local", "Workflow/kill", {}, None)
        if run.status is RunStatus.SUCCEEDED:
            said = "succeeded"
        else:
            said = Engine(state, context).execute(run, graph(root)).status.value
    os.write(1, json.dumps(said).encode() + b"\n")


def main():
    """Fork for each `root delay` on stdin, kill the fork after the delay, say how it ended."""
    for line in sys.stdin:
        root, delay = line.split()
        pid = os.fork()
        if pid == 0:
            execute(Path(root))
            os._exit(0)
        if float(delay):
            time.sleep(float(delay))
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.write(1, f"ended {status}\n".encode())


if __name__ == "__main__":
    import asyncio  # noqa: F401 - once, for all forks

    import chimera.runtime.scheduler  # noqa: F401

    main()

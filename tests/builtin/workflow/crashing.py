"""Applies a workflow of 30 stages and kills it: for each line on stdin, in a fork of its own.

Not a test. It imports everything once, so that a kill costs no more than a fork.
"""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from chimera.builtin.workflow.plugin import chimera_reconcile
from chimera.context import Context
from chimera.documents import open_work_tree
from chimera.kinds import EnvironmentFacts, Field, Model, Registry, load_snapshot, read_source
from chimera.model import Action, Address, Change
from chimera.plugin import load_plugins
from chimera.runtime import Operation, ReconcileTask, Runs
from chimera.state import open_state


class Inputs(Model):
    """What is appended."""

    stage: str = Field(description="The stage.")
    before: str = Field(default="", description="What the stage before gave.")


class Outputs(Model):
    """What was appended."""

    line: str = Field(description="The line.")


def append(call):
    """Append the stage and its idempotency key to a file: what cannot be taken back."""
    line = f"{call.inputs.stage} {call.key}\n"
    with (call.root / "effects").open("ab", buffering=0) as file:
        file.write(line.encode())
    time.sleep(0.002)
    return {"line": line}


def apply(root, registry):
    """Do what an apply does about the one workflow of the tree."""
    context = Context.system()
    with open_state(root, context, command="crash test", wait=10) as state:
        snapshot = load_snapshot(read_source(open_work_tree(root)), registry).snapshot
        document = snapshot.documents[Address("Workflow", "crash")]
        runs = Runs(state, context, "local")
        chimera_reconcile(
            ReconcileTask(
                change=Change(document.address, Action.CREATE, None, document.digest, "new"),
                document=document,
                before=None,
                snapshot=snapshot,
                environment=EnvironmentFacts("local", protected=False),
                context=context,
                operations=registry.operations,
                root=root,
                record=lambda kind, name, spec: None,
                run_steps=lambda *given: runs.carry_out(str(document.address), *given),
            )
        )


def main():
    """Fork for each `root delay` on stdin, kill the fork after the delay, and say how it ended."""
    registry = Registry.collect(load_plugins())
    operation = Operation("append", "Append to a file.", Inputs, Outputs, append)
    registry = replace(registry, operations={**registry.operations, "append": operation})
    for line in sys.stdin:
        root, delay = line.split()
        pid = os.fork()
        if pid == 0:
            apply(Path(root), registry)
            os._exit(0)
        if float(delay):
            time.sleep(float(delay))
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()

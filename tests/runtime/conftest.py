"""A real state in a temporary folder, and graphs that are run on it."""

import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from chimera.context import Context
from chimera.runtime import Engine, Graph, Recovery, Retry, Step
from chimera.runtime.settings import DEFAULT_SETTINGS
from chimera.state import open_state

SOON = Recovery(Retry(3, timedelta(milliseconds=5), timedelta(milliseconds=20)))


def echo(call):
    """Return the inputs."""
    return call.inputs


def chain(*works, **options):
    """Return steps s0, s1, ... that need one another in a row; each gets the output before it."""
    return [
        Step(
            f"s{n}",
            work,
            needs=(f"s{n - 1}",) if n else (),
            inputs=lambda outputs: next(iter(outputs.values()), None),
            **options,
        )
        for n, work in enumerate(works)
    ]


@contextmanager
def forking(name):
    """Start a script of this folder that forks for each line that it is told."""
    script = Path(__file__).with_name(name)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(script.parents[2])},
    )
    yield process
    process.stdin.close()
    process.wait(timeout=30)
    process.stdout.close()


class House:
    """One root with its writer; `restart` is what another process would do after this one."""

    def __init__(self, root, context=None):
        self.root = root
        self.context = context or Context.system()
        self.state = open_state(root, self.context, command="test")

    def restart(self):
        self.state.close()
        self.state = open_state(self.root, self.context, command="test")

    def new_run(self, definition=None):
        return self.state.create_run("local", "Workflow/test", definition, None)

    def execute(self, steps, *, run=None, grace=5.0, settings=DEFAULT_SETTINGS, **graph):
        run = run or self.new_run()
        engine = Engine(self.state, self.context, grace=grace, settings=settings)
        return engine.execute(run, Graph(None, tuple(steps), **graph))

    def resume(self, result, steps, **options):
        return self.execute(steps, run=self.state.run(result.run), **options)

    def kinds(self, result, step):
        """Return the kinds of the events of one step."""
        return [e.kind.value for e in self.state.events(result.run) if e.step == step]


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.state.close()

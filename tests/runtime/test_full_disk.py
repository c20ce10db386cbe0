"""A disk without room and a database that may not be written: runs stop cleanly and go on later."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chimera.model import StateError
from chimera.runtime import RunStatus, Step

from .conftest import chain

ROOT = Path(__file__).parents[2]

FILL = """
import json, resource, sys
from pathlib import Path
from chimera.context import Context
from chimera.model import StateError
from chimera.runtime import Engine, Graph, Step
from chimera.state import open_state

root = Path(sys.argv[1])
context = Context.system()
begun = (root / "begun").open("a")

def work(call):
    begun.write(call.key + "\\n")
    begun.flush()
    return "x" * 3000

steps = [Step(f"s{n}", work, (f"s{n-1}",) if n else ()) for n in range(200)]
with open_state(root, context, command="fill") as state:
    run = state.create_run("local", "Workflow/x", None, None)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    try:
        Engine(state, context).execute(run, Graph(None, steps))
    except StateError as error:
        print(json.dumps([run.uid, error.message, error.help]))
"""


def test_run_on_a_full_disk_stops_and_goes_on_when_there_is_room(house):
    """A limit on the size of files stands for the disk."""
    import json

    house.state.close()
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(house.root)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    uid, message, help = json.loads(done.stdout)
    assert "cannot be written" in message
    assert "make room" in help
    house.restart()
    before = {e.step for e in house.state.events(uid) if e.kind.value == "DONE"}
    assert 5 < len(before) < 200
    steps = [Step(f"s{n}", lambda c: c.key, (f"s{n - 1}",) if n else ()) for n in range(200)]
    result = house.execute(steps, run=house.state.run(uid))
    assert result.status is RunStatus.SUCCEEDED
    again = {id for id in result.outputs if result.outputs[id] != "x" * 3000}
    assert again == set(result.outputs) - before
    begun = (house.root / "begun").read_text().splitlines()
    assert len(begun) == len(set(begun)), "nothing was begun twice before it stopped"


def test_database_that_may_not_be_written_ends_the_run_and_keeps_what_was_done(house):
    made = []

    def forbid(call):
        house.state._writing.execute("PRAGMA query_only = ON")

    steps = chain(
        *(lambda call: made.append(1), forbid, lambda call: made.append(3)), executor="inline"
    )
    run = house.new_run()
    with pytest.raises(StateError, match="cannot be used"):
        house.execute(steps, run=run)
    assert made == [1]
    house.restart()
    kinds = [f"{e.kind.value} {e.step}" for e in house.state.events(run.uid)]
    assert kinds == ["START s0", "DONE s0", "START s1"]
    result = house.execute(chain(None, lambda call: 2, lambda call: 3), run=run)
    assert result.outputs == {"s0": None, "s1": 2, "s2": 3}

"""A folder with one Evolution and a state, and what apply would do with them.

`python house.py ROOT` applies it once, for tests that kill it.
"""

import json
import sys
from pathlib import Path

from chimera.builtin.distributed.plugin import chimera_register_executors
from chimera.builtin.evolution.plugin import chimera_reconcile
from chimera.context import Context
from chimera.documents import open_work_tree
from chimera.kinds import EnvironmentFacts, Registry, load_snapshot, read_source
from chimera.model import Action, Address, Change
from chimera.plugin import load_plugins
from chimera.runtime import ReconcileTask, Runs, RunSettings
from chimera.runtime.executors import BUILT_IN
from chimera.state import open_state

ADDRESS = Address("Evolution", "e")
EXECUTORS = {**BUILT_IN, **chimera_register_executors()}


class House:
    def __init__(self, root):
        self.root = root
        self.context = Context.system()
        self.records = {}

    def write(self, spec, kind="Evolution", name="e"):
        self.root.mkdir(exist_ok=True, parents=True)
        value = {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": name}}
        (self.root / "specs").mkdir(exist_ok=True)
        path = self.root / "specs" / f"{kind}-{name}.yaml"
        path.write_text(json.dumps(value | {"spec": spec}) + "\n")
        return self

    def apply(self):
        """Apply the Evolution and return the spec of the Genome that it found."""
        registry = Registry.collect(load_plugins())
        loaded = load_snapshot(read_source(open_work_tree(self.root)), registry)
        assert not loaded.diagnostics, loaded.diagnostics
        document = loaded.snapshot.documents[ADDRESS]
        with open_state(self.root, self.context, command="test", wait=10) as state:
            runs = Runs(state, self.context, "local", settings=RunSettings(), executors=EXECUTORS)
            task = ReconcileTask(
                change=Change(ADDRESS, Action.CREATE, None, document.digest, "new"),
                document=document,
                before=None,
                snapshot=loaded.snapshot,
                environment=EnvironmentFacts("local", protected=False),
                context=self.context,
                operations=registry.operations,
                root=self.root,
                record=lambda kind, name, spec: self.records.update({f"{kind}/{name}": spec}),
                run_steps=lambda *given: runs.carry_out(str(ADDRESS), *given),
            )
            outputs = chimera_reconcile(task)
        return self.records[outputs["genome"]]

    def events(self):
        """Return the events of all runs, in their order."""
        with open_state(self.root, self.context, command="test", wait=10) as state:
            return [event for run in state.runs()[::-1] for event in state.events(run.uid)]


def result_of(genome):
    """Return what has to be the same however a run was carried out."""
    names = ("champion", "history", "fitness", "genes", "generation", "evaluations", "stopped")
    return {name: genome[name] for name in names}


if __name__ == "__main__":
    House(Path(sys.argv[1])).apply()

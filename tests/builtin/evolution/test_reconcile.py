"""Evolutions carried out on a real state: runs, records, interruptions."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from chimera.builtin.evolution.kinds import GenomeSpec
from chimera.builtin.evolution.plugin import chimera_execute, chimera_reconcile
from chimera.builtin.evolution.search.steps import MAX_CHECKPOINTS, boundaries, steps_of
from chimera.context import Context
from chimera.documents import open_work_tree
from chimera.kinds import EnvironmentFacts, Registry, load_snapshot, read_source
from chimera.model import Action, Address, Change, UsageError
from chimera.plugin import load_plugins
from chimera.runtime import ReconcileTask, RunError, Runs, list_runs, show_run
from chimera.state import open_state

ROOT = Path(__file__).parents[3]
ADDRESS = Address("Evolution", "e")


class House:
    """A folder with one Evolution and a state, and what apply would do with them."""

    def __init__(self, root, context=None):
        self.root = root
        self.context = context or Context.system()
        self.records = {}

    def write(self, spec):
        value = {"apiVersion": "chimera/v1", "kind": "Evolution", "metadata": {"name": "e"}}
        (self.root / "specs").mkdir(exist_ok=True)
        (self.root / "specs" / "e.yaml").write_text(json.dumps(value | {"spec": spec}) + "\n")

    def task(self, state, action=Action.CREATE):
        tree = open_work_tree(self.root)
        loaded = load_snapshot(read_source(tree), Registry.collect(load_plugins()))
        assert not loaded.diagnostics, loaded.diagnostics
        document = loaded.snapshot.documents[ADDRESS]
        runs = Runs(state, self.context, "local")
        return ReconcileTask(
            change=Change(ADDRESS, action, None, document.digest, "new"),
            document=document,
            before=None,
            snapshot=loaded.snapshot,
            environment=EnvironmentFacts("local", protected=False),
            context=self.context,
            operations={},
            root=self.root,
            record=lambda kind, name, spec: self.records.update({f"{kind}/{name}": spec}),
            run_steps=lambda *given: runs.carry_out(str(ADDRESS), *given),
        )

    def apply(self, **change):
        with open_state(self.root, self.context, command="test") as state:
            return chimera_reconcile(replace(self.task(state), **change))

    def run(self, inputs=None):
        with open_state(self.root, self.context, command="test") as state:
            return chimera_execute(self.task(state, Action.RUN), inputs or {})

    @property
    def checkpoints(self):
        return sorted((self.root / ".chimera" / "checkpoints").glob("*"))


@pytest.fixture
def house(tmp_path, value_of):
    found = House(tmp_path)
    found.write(value_of(trigger="apply", checkpointEvery=7))
    return found


def test_a_run_leaves_a_valid_genome_and_no_checkpoints(house):
    outputs = house.apply()
    [(address, genome)] = house.records.items()
    assert outputs == {
        "genome": address,
        "fitness": genome["fitness"],
        "stopped": "generations",
    }
    spec = GenomeSpec.model_validate(genome)
    assert (spec.generations, spec.evaluations, spec.invalid) == (30, 20 + 30 * 19, 0)
    assert [(gene.name, len(gene.values)) for gene in spec.genes] == [("x", 4)]
    assert sum(value**2 for value in spec.genes[0].values) == pytest.approx(spec.fitness)
    assert spec.provenance.evolution == str(ADDRESS)
    assert spec.provenance.seed == "c0ffee"
    assert address == f"Genome/e-{spec.champion[7:19]}"
    assert house.checkpoints == []


def test_how_often_it_is_saved_changes_nothing_in_the_genome(house, value_of):
    first = house.apply()
    house.write(value_of(trigger="apply", checkpointEvery=1000))
    assert house.apply() == first
    [genome] = house.records.values()
    assert genome["generations"] == 30


@pytest.mark.parametrize("trigger", ["human", "event", "schedule"])
def test_what_apply_does_not_start_is_run_on_request(house, value_of, trigger):
    house.write(value_of(trigger=trigger))
    assert house.apply() == {"registered": True}
    assert house.records == {}
    assert house.run()["genome"] in house.records


def test_a_run_takes_no_inputs(house):
    with pytest.raises(UsageError, match="takes no inputs"):
        house.run({"seed": 3})


def test_a_deleted_evolution_needs_nothing(house):
    gone = Change(ADDRESS, Action.DELETE, "sha256:0", None, "is gone")
    assert house.apply(change=gone, document=None) == {}


def test_other_kinds_are_left_to_others(house):
    other = Change(Address("Workflow", "w"), Action.DELETE, "sha256:0", None, "is gone")
    assert house.apply(change=other, document=None) is None


def test_a_run_without_a_valid_candidate_fails_and_says_why(house, value_of):
    house.write(value_of(trigger="apply", fitness="log(-1)"))
    with pytest.raises(RunError, match="had a finite fitness"):
        house.apply()


class Stopper:
    """Progress that raises once, when `at` thousandths of the run are done."""

    def __init__(self, at):
        self.at = at
        self.seen = deque(maxlen=1000)

    def start(self, label, total=None):
        self.seen.append(("start", label, total))

    def advance(self, label, done, note=""):
        self.seen.append((label, done, note))
        if self.at is not None and done >= self.at:
            self.at = None
            raise RuntimeError("stopped by the test")

    def finish(self, label, note=""):
        self.seen.append(("finish", label, note))


@pytest.mark.parametrize("damage", ["nothing", "lost", "corrupt"])
@pytest.mark.parametrize("at", [1, 466, 1000])
def test_a_run_that_broke_off_goes_on_to_the_same_genome(tmp_path, value_of, house, at, damage):
    whole = house.apply()
    (tmp_path / "other").mkdir()
    stopper = Stopper(at)
    other = House(tmp_path / "other", replace(Context.system(), progress=stopper))
    other.write(value_of(trigger="apply", checkpointEvery=7))
    with pytest.raises(RunError, match="stopped by the test"):
        other.apply()
    for path in other.checkpoints:
        if damage == "lost":
            path.unlink()
        elif damage == "corrupt":
            path.write_bytes(path.read_bytes()[:-1])
    assert other.apply() == whole
    assert other.records == house.records


def test_progress_tells_generation_best_and_speed(tmp_path, value_of):
    stopper = Stopper(None)
    house = House(tmp_path, replace(Context.system(), progress=stopper))
    house.write(value_of(trigger="apply", checkpointEvery=10))
    house.apply()
    told = [seen for seen in stopper.seen if seen[0] == str(ADDRESS)]
    assert [done for _, done, _ in told] == [333, 666, 1000]
    assert all("best 0." in note and "evaluations/s" in note for _, _, note in told)
    assert told[-1][2].startswith("generation 30, best ")
    assert ("start", str(ADDRESS), 1000) in stopper.seen
    assert ("finish", str(ADDRESS), "stopped by generations at generation 30") in stopper.seen


def test_time_stops_a_run_at_a_checkpoint_and_the_record_says_what_that_means(house, value_of):
    end = {"generations": 100_000, "time": "1ms"}
    house.write(value_of(trigger="apply", termination=end, checkpointEvery=100))
    assert house.apply()["stopped"] == "time"
    [genome] = house.records.values()
    assert genome["generations"] == 100
    assert not genome["provenance"]["reproducible"]
    assert "time" in genome["provenance"]["caveat"]


def test_where_evaluations_end_a_run_checkpoints_come_ever_more_rarely(make_spec):
    found = list(boundaries(make_spec(termination={"evaluations": 10**9}, checkpointEvery=10)))
    assert found[:18] == [*range(10, 170, 10), 180, 200]
    assert found[-1] == 1_000_000
    assert len(found) < 250
    gaps = [b - a for a, b in pairwise([0, *found])]
    assert all(gap <= 10 or gap <= at / 8 for gap, at in zip(gaps, found, strict=True))


def test_checkpoints_of_islands_fall_on_migrations(make_spec):
    spec = make_spec(
        islands={"count": 2, "every": 7}, termination={"generations": 50}, checkpointEvery=10
    )
    assert list(boundaries(spec)) == [14, 28, 42, 50]


def test_the_journal_holds_what_was_observed_once(house, value_of):
    house.write(value_of(trigger="apply", checkpointEvery=7))
    house.apply()
    [run] = list_runs(house.root)
    outputs = [step.output for step in show_run(house.root, run.uid).steps.values()]
    seen = [g for output in outputs if output for g in output["observations"]["generation"]]
    assert seen == [*range(11), *range(12, 31, 2)]


def test_a_long_run_has_a_bounded_number_of_checkpoints(value_of):
    spec = value_of(termination={"generations": 999_999}, checkpointEvery=1)
    steps = list(steps_of({"evolution": "e", "document": "d", "spec": spec}, None, None, None))
    assert len(steps) == MAX_CHECKPOINTS
    assert steps[-1].id == "generation-999999"


def test_a_killed_run_goes_on_to_the_same_genome(tmp_path, value_of):
    """SIGKILL at several moments, wherever they fall, then the rest of the run."""
    spec = value_of(
        trigger="apply", population=2000, termination={"generations": 400}, checkpointEvery=5
    )
    whole = House(tmp_path / "whole")
    whole.root.mkdir()
    whole.write(spec)
    expected = whole.apply()
    house = House(tmp_path / "killed")
    house.root.mkdir()
    house.write(spec)
    for checkpoints in (1, 10, 30):
        child = subprocess.Popen(
            [sys.executable, __file__, str(house.root)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        written = 0
        before = set(house.checkpoints)
        deadline = time.monotonic() + 60
        while child.poll() is None and written < checkpoints and time.monotonic() < deadline:
            now = set(house.checkpoints)
            written += len(now - before)
            before = now
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert house.apply() == expected
    assert house.records == whole.records


if __name__ == "__main__":
    House(Path(sys.argv[1])).apply()

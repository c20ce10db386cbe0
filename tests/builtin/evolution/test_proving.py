"""The proof step `evolution`: really run, in processes of its own."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from numba.misc.appdirs import user_cache_dir

from chimera.builtin.evolution.plugin import chimera_run_proof_step
from chimera.builtin.evolution.search.checkpoints import pack, unpack
from chimera.builtin.evolution.search.engine import Search
from chimera.context import Context
from chimera.documents import open_work_tree
from chimera.kinds import Registry, load_snapshot, read_source
from chimera.model import Address, Finding
from chimera.plugin import load_plugins
from chimera.proof import EvidenceStore, StepTask, prove
from chimera.proof.steps.models import CommandStep, EvolutionStep
from chimera.proof.steps.task import Allowance


def write(path, kind, name, spec):
    value = {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


@pytest.fixture
def champion(make_spec):
    search = Search(make_spec())
    state = search.start()
    search.advance(state, 30)
    return search.champion(state).digest


@pytest.fixture
def run_step(tmp_path, value_of):
    """Run one evolution step over a folder that holds Evolution/e."""
    folder, scratch = tmp_path / "tree", tmp_path / "scratch"
    write(folder / "specs" / "e.yaml", "Evolution", "e", value_of())
    scratch.mkdir()

    def run_step(document=None, **step):
        if document is not None:
            write(folder / "specs" / "e.yaml", "Evolution", "e", document)
        step = {"evolution": "Evolution/e"} | step
        return chimera_run_proof_step(
            StepTask(
                step=EvolutionStep.model_validate({"run": "evolution"} | step),
                proof=Address("Proof", "p"),
                folder=folder,
                scratch=scratch,
                environment={
                    "PATH": os.environ["PATH"],
                    "HOME": os.environ["HOME"],
                    "PYTHONPATH": str(folder),
                },
                context=Context.system(),
                repetition=1,
                allowance=Allowance(120),
                writable=(Path(user_cache_dir("chimera", False)),),  # compiled kernels
            )
        )

    return run_step


def test_the_champion_that_the_proof_names_passes(run_step, champion):
    outcome = run_step(champion=champion)
    assert outcome.finding is Finding.PASS, outcome.reasons
    assert outcome.exercised == 2
    assert outcome.outputs["champion"] == champion


def test_another_champion_fails_and_both_are_named(run_step, champion):
    wanted = "sha256:" + "0" * 64
    outcome = run_step(champion=wanted)
    assert outcome.finding is Finding.FAIL
    assert champion in outcome.reasons[0]
    assert wanted in outcome.reasons[0]


def test_a_seed_that_finds_the_same_champion_has_another_history(run_step, value_of):
    whole = {"genes": [{"type": "integer", "name": "x", "min": 0, "max": 9}]}
    value = value_of(genome=whole, fitness="(x - 3) ** 2")
    found = run_step(value).outputs
    named = {"champion": found["champion"], "history": found["history"]}
    assert run_step(value, **named).finding is Finding.PASS
    outcome = run_step(value | {"seed": "decade"}, **named)
    assert outcome.finding is Finding.FAIL
    assert list(outcome.outcomes.values()) == ["pass", "pass", "fail"]
    assert found["history"] in outcome.reasons[0]


def test_a_run_that_broke_off_and_went_on_has_the_champion_that_the_proof_finds(
    run_step, make_spec
):
    broken = Search(make_spec())
    state = broken.start()
    broken.advance(state, 11)
    resumed = Search(make_spec())
    state = unpack(pack(state, broken.identity), resumed)
    resumed.advance(state, 30)
    outcome = run_step(champion=resumed.champion(state).digest)
    assert outcome.finding is Finding.PASS, outcome.reasons
    assert outcome.outputs["history"] == resumed.history_digest(state)


def test_a_run_without_a_valid_candidate_fails_and_says_why(run_step, value_of):
    outcome = run_step(value_of(fitness="log(-1)"))
    assert outcome.finding is Finding.FAIL
    assert outcome.outcomes == {"Evolution/e finds a champion": "fail"}
    assert "had a finite fitness" in outcome.reasons[0]


def test_a_document_that_is_not_valid_fails_and_says_why(run_step, value_of):
    outcome = run_step(value_of(population=-1))
    assert outcome.finding is Finding.FAIL
    assert outcome.reasons[0].startswith("evolution Evolution/e: its spec is invalid")


def test_an_evolution_that_is_no_input_fails(run_step):
    outcome = run_step(evolution="Evolution/other")
    assert outcome.finding is Finding.FAIL
    (reason,) = outcome.reasons
    assert reason == (
        "evolution Evolution/other: it is not among the proof's inputs; add its file to spec.inputs"
    )


def test_other_steps_are_left_to_others(tmp_path):
    step = CommandStep.model_validate({"run": "command", "argv": ["true"]})
    task = StepTask(
        step=step,
        proof=Address("Proof", "p"),
        folder=tmp_path,
        scratch=tmp_path,
        environment={},
        context=Context.system(),
        repetition=1,
        allowance=Allowance(1),
    )
    assert chimera_run_proof_step(task) is None


def test_a_proof_repeats_the_run_and_one_changed_bit_of_the_seed_fails_it(
    tmp_path, value_of, champion, monkeypatch
):
    # Proofs have a home of their own; this one is let in on what is compiled already.
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path(user_cache_dir("chimera", False)).parent))
    write(tmp_path / "specs" / "e.yaml", "Evolution", "e", value_of())
    seed = {"path": "specs/e.yaml", "old": '"c0ffee"', "new": '"c0ffef"'}
    write(
        tmp_path / "proofs" / "p.yaml",
        "Proof",
        "p",
        {
            "claim": "the champion follows from the document",
            "inputs": ["specs/**"],
            "steps": [{"run": "evolution", "evolution": "Evolution/e", "champion": champion}],
            "environment": {"allow": ["XDG_CACHE_HOME"]},
            "controls": [{"mutate": "replace"} | seed],
        },
    )
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    plugins = load_plugins()
    loaded = load_snapshot(read_source(open_work_tree(tmp_path)), Registry.collect(plugins))
    assert not loaded.diagnostics, loaded.diagnostics
    [report] = prove(
        loaded.snapshot,
        [loaded.snapshot.documents[Address("Proof", "p")]],
        Context.system(),
        lambda task: plugins.hook.chimera_run_proof_step(task=task),
        EvidenceStore.below(tmp_path),
    )
    assert report.finding is Finding.PASS, report.reasons
    assert [run.finding for run in report.controls] == [Finding.FAIL]

"""The proof step `workflow`: really run, in a process of its own, on a copy of the documents."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from chimera.builtin.workflow.effects import judge_steps
from chimera.builtin.workflow.plugin import chimera_run_proof_step
from chimera.context import Context, pinned_environment
from chimera.documents import open_work_tree
from chimera.kinds import load_snapshot, read_source
from chimera.model import Address, Finding
from chimera.plugin import load_plugins
from chimera.proof import EvidenceStore, StepTask, prove
from chimera.proof.steps.models import CommandStep, WorkflowStep
from chimera.proof.steps.task import Allowance

RELEASE = """
    apiVersion: chimera/v1
    kind: Workflow
    metadata: {name: release}
    spec:
      trigger: human
      inputs:
        version: {type: string}
        dry: {type: boolean, default: false}
      secrets: {token: {env: RELEASE_TOKEN}}
      stages:
        - id: notes
          operation: file.read
          inputs: {path: notes.txt}
        - id: build
          operation: command
          inputs: {argv: [python, -c, "print('built ${input.version}')"]}
        - id: publish
          operation: http.send
          inputs:
            url: https://example.org/releases
            headers: {authorization: "Bearer ${secret.token}"}
            body: "${input.version}: ${notes.text}"
        - id: kept
          operation: file.write
          inputs: {path: .chimera/out/said.txt, content: "${build.trimmed} as ${publish.status}"}
        - id: said
          operation: file.read
          inputs: {path: "${kept.path}"}
      outputs:
        said: ${said.text}
        status: ${publish.status}
"""
STEP = {
    "run": "workflow",
    "workflow": "Workflow/release",
    "inputs": {"version": "1.2"},
    "simulate": {"publish": {"status": 201}},
    "perform": ["build"],
    "expect": {"said": "built 1.2 as 201", "status": 201},
}
CONTROL = {"mutate": "replace", "path": "specs/release.yaml", "old": "built", "new": "made"}


def write(root: Path, release: str = RELEASE, **step):
    (root / "specs").mkdir(parents=True, exist_ok=True)
    (root / "specs" / "release.yaml").write_text(textwrap.dedent(release))
    (root / "notes.txt").write_text("all new")
    (root / "proofs").mkdir(exist_ok=True)
    spec = {
        "claim": "a release says what it built",
        "covers": {"paths": ["notes.txt"]},
        "inputs": ["specs/**", "notes.txt"],
        "steps": [STEP | step],
        "controls": [CONTROL],
    }
    value = {
        "apiVersion": "chimera/v1",
        "kind": "Proof",
        "metadata": {"name": "released"},
        "spec": spec,
    }
    (root / "proofs" / "released.yaml").write_text(json.dumps(value, indent=1) + "\n")


@pytest.fixture
def run_step(tmp_path):
    """Run one workflow step over a folder that holds Workflow/release."""

    def run_step(release: str = RELEASE, **step):
        folder, scratch = tmp_path / "tree", tmp_path / "scratch"
        scratch.mkdir()
        write(folder, release)
        environment = pinned_environment(source_date_epoch=0, home=tmp_path, tmp=tmp_path)
        return chimera_run_proof_step(
            StepTask(
                step=WorkflowStep.model_validate(STEP | step),
                proof=Address("Proof", "p"),
                folder=folder,
                scratch=scratch,
                environment={**environment, "PYTHONPATH": str(folder)},
                context=Context.system(),
                repetition=1,
                allowance=Allowance(120),
            )
        )

    return run_step


def test_what_stays_inside_is_done_and_the_rest_is_simulated_and_listed(run_step, tmp_path):
    outcome = run_step()
    assert outcome.finding is Finding.PASS, outcome.reasons
    assert outcome.outcomes == {
        "stage notes (file.read)": "pass",
        "stage build (command)": "pass",
        "stage publish (http.send)": "simulated",
        "stage kept (file.write)": "pass",
        "stage said (file.read)": "pass",
        'output said is "built 1.2 as 201"': "pass",
        "output status is 201": "pass",
    }
    assert outcome.exercised == 6
    assert outcome.outputs["outputs"] == {"said": "built 1.2 as 201", "status": 201}
    assert (tmp_path / "tree/.chimera/out/said.txt").read_text() == "built 1.2 as 201"


def test_what_would_have_been_asked_is_compared_without_the_secret(run_step):
    asked = run_step().outputs["simulated"]["publish"]
    assert asked["body"] == "1.2: all new"
    assert asked["headers"] == {"authorization": "Bearer ***"}


def test_an_output_that_is_not_as_expected_fails(run_step):
    outcome = run_step(expect={"status": 200})
    assert outcome.finding is Finding.FAIL
    assert outcome.reasons == ("the output status is 201, and has to be 200",)
    assert outcome.outcomes["output status is 200"] == "fail"


def test_an_effect_that_nobody_declared_fails_and_nothing_is_run(run_step, tmp_path):
    outcome = run_step(simulate={}, perform=[])
    assert outcome.finding is Finding.FAIL
    (reason,) = outcome.reasons
    assert "the stage 'build' of Workflow/release starts a program" in reason
    assert "the stage 'publish' of Workflow/release acts outside the exported folder" in reason
    assert not (tmp_path / "tree/.chimera").exists()


def test_what_can_reach_anywhere_cannot_be_declared_harmless(run_step):
    outcome = run_step(simulate={}, perform=["build", "publish"])
    assert outcome.finding is Finding.FAIL
    assert "'publish'" in outcome.reasons[0]


def test_a_stage_that_fails_fails_the_step_and_what_waited_for_it_is_not_counted(run_step):
    outcome = run_step(RELEASE.replace("path: notes.txt", "path: absent.txt"))
    assert outcome.finding is Finding.FAIL
    assert outcome.reasons[0].startswith("stage notes: ")
    assert "absent.txt" in outcome.reasons[0]
    assert outcome.outcomes["stage notes (file.read)"] == "fail"
    assert outcome.outcomes["stage build (command)"] == "skipped"
    assert outcome.exercised == 1


def test_what_a_simulated_stage_would_not_have_taken_fails(run_step):
    outcome = run_step(RELEASE.replace("https://example.org", "${notes.text}://example.org"))
    assert outcome.finding is Finding.FAIL
    assert "http.send would not take this" in outcome.reasons[0]


def test_a_workflow_of_simulated_stages_alone_has_exercised_nothing(run_step):
    release = RELEASE[: RELEASE.index("        - id: kept")] + "      outputs: {}\n"
    simulate = {"notes": {"text": "x"}, "build": {}, "publish": {}}
    outcome = run_step(release, simulate=simulate, perform=[], expect={})
    assert outcome.finding is Finding.PASS, outcome.reasons
    assert outcome.exercised == 0


def test_a_workflow_that_is_no_input_fails(run_step):
    outcome = run_step(workflow="Workflow/other")
    (reason,) = outcome.reasons
    assert reason == (
        "workflow Workflow/other: it is not among the proof's inputs; add its file to spec.inputs"
    )


def test_a_workflow_that_does_not_compile_fails_with_the_reason(run_step):
    outcome = run_step(RELEASE.replace("${build.trimmed}", "${build.nothing}"))
    assert outcome.finding is Finding.FAIL
    assert "nothing" in outcome.reasons[0]


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


# What `check` says of the definition.


def faults(root, registry, **step):
    write(root, **step)
    snapshot = load_snapshot(read_source(open_work_tree(root)), registry).snapshot
    return [d for verdict in judge_steps(snapshot) for d in verdict.diagnostics]


def test_a_sound_step_has_no_fault(tmp_path, registry):
    assert faults(tmp_path, registry) == []


@pytest.mark.parametrize(
    ("step", "rule", "said"),
    [
        ({"simulate": {}}, "workflow-step-effect-undeclared", "'publish'"),
        ({"perform": []}, "workflow-step-effect-undeclared", "'build'"),
        ({"perform": ["biuld", "build"]}, "workflow-step-name-unknown", "no stage 'biuld'"),
        (
            {"simulate": STEP["simulate"] | {"later": {}}},
            "workflow-step-name-unknown",
            "no stage 'later'",
        ),
        ({"expect": {"sad": 1}}, "workflow-step-name-unknown", "no output 'sad'"),
        ({"inputs": {"version": "1", "x": 1}}, "workflow-step-name-unknown", "no input 'x'"),
        ({"inputs": {"version": 1}}, "workflow-step-value-invalid", "of the type string"),
        ({"inputs": {}}, "workflow-step-value-invalid", "has no value"),
        ({"simulate": {"publish": {"status": "ok"}}}, "workflow-step-value-invalid", "status"),
        ({"simulate": {"publish": {"code": 201}}}, "workflow-step-value-invalid", "code"),
    ],
)
def test_each_fault_of_a_step_is_found_before_it_runs(tmp_path, registry, step, rule, said):
    found = faults(tmp_path, registry, **step)
    assert any(fault.rule == rule and said in fault.message for fault in found), found
    assert all(fault.where.path == "proofs/released.yaml" for fault in found)


# In a proof.


def test_a_proof_repeats_the_run_and_its_evidence_lists_what_was_simulated(tmp_path, registry):
    write(tmp_path)
    store = EvidenceStore.below(tmp_path)
    plugins = load_plugins()
    loaded = load_snapshot(read_source(open_work_tree(tmp_path)), registry)
    assert not loaded.diagnostics, loaded.diagnostics
    [report] = prove(
        loaded.snapshot,
        [loaded.snapshot.documents[Address("Proof", "released")]],
        Context.system(),
        lambda task: plugins.hook.chimera_run_proof_step(task=task),
        store,
    )
    assert report.finding is Finding.PASS, report.reasons
    assert [run.finding for run in report.controls] == [Finding.FAIL]
    predicate = store.get(report.evidence)["predicate"]
    assert predicate["simulated"] == ["step 1: stage publish (http.send)"]
    assert predicate["failedTests"] == []
    assert "step 1: stage publish (http.send)" not in predicate["passedTests"]

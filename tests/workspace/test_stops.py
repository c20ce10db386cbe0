"""What apply refuses, as its users meet it: exit 1, the line that forbids it, and nothing applied.

Each case is one document, or one edit, on top of a repository that applies.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from chimera.state import read_state

CONTRACT = """\
apiVersion: chimera/v1
kind: LayerContract
metadata: {name: ops}
spec:
  purpose: Who may act.
  layers:
    - id: "1"
      name: Change
      status: active
      purpose: People change things.
      trigger: human
      mode: enforcing
    - id: "2"
      name: Insight
      status: dormant
      purpose: Would look back.
      whenActive: {routesThrough: [ops/1]}
"""
DORMANT_STATUS = "specs/layers/ops.yaml:15:"
HUMAN_TRIGGER = "specs/layers/ops.yaml:11:"


def workflow(name: str, trigger: str, layer: str, *, argv: str = "[touch, acted]") -> str:
    return f"""\
apiVersion: chimera/v1
kind: Workflow
metadata: {{name: {name}, layers: [{layer}]}}
spec:
  trigger: {trigger}
  stages:
    - {{id: act, operation: command, inputs: {{argv: {argv}}}, timeout: 1m}}
"""


PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: looked-back, layers: [ops/2]}
spec:
  claim: somebody looked back
  phase: apply
  inputs: [notes.txt]
  steps:
    - run: command
      argv: [cat, notes.txt]
      expect: {stdout: {contains: [looked]}}
  controls:
    - {mutate: replace, path: notes.txt, old: looked, new: slept}
"""

EVOLUTION = """\
apiVersion: chimera/v1
kind: Evolution
metadata: {name: tuning, layers: [ops/2]}
spec:
  genome: {genes: [{name: x, min: -1.0, max: 1.0}]}
  fitness: {expression: x * x}
  population: 4
  termination: {generations: 2}
  seed: 7
"""

GATE_ON_DORMANT = """\
apiVersion: chimera/v1
kind: Gate
metadata: {name: hindsight}
spec:
  match: {kinds: [Workflow]}
  requires: {proofs: [Proof/looked-back]}
"""

POLICY = """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: bounded}
spec:
  match: {kinds: [Workflow]}
  rules:
    - id: timeout
      expression: object.spec.stages.all(s, has(s.timeout))
      message: a stage says how long it may take
  cases:
    - name: bounded
      object: {spec: {stages: [{id: a, timeout: 1s}]}}
      expect: []
    - name: endless
      object: {spec: {stages: [{id: a}]}}
      expect: [timeout]
"""


@pytest.fixture
def team(repository: Any) -> Any:
    """A repository with an active and a dormant layer, in which nothing is wrong."""
    repository.write("specs/layers/ops.yaml", CONTRACT)
    repository.write("notes.txt", "looked\n")
    return repository


def assert_refused(team: Any, *cited: str) -> str:
    """Assert that apply stops, says which lines forbid it, and leaves no trace of an execution."""
    refused = team.chimera("apply")
    assert refused.code == 1, refused.out + refused.err
    assert "refused: nothing was applied" in refused.out
    for place in cited:
        assert place in refused.out, refused.out
    with read_state(team.root) as state:
        assert (dict(state.applied("local")), state.runs()) == ({}, ())
    assert not (team.root / "acted").exists()
    return str(refused.out)


@pytest.mark.parametrize("trigger", ["apply", "event\n  event: merged", "schedule"])
def test_a_trigger_that_would_make_a_dormant_layer_act_stops_apply(team: Any, trigger: str) -> None:
    schedule = '\n  schedule: "0 4 * * *"' if trigger == "schedule" else ""
    team.write("specs/look.yaml", workflow("look", trigger + schedule, "ops/2"))
    out = assert_refused(team, "specs/look.yaml:5:", DORMANT_STATUS)
    assert "error[dormant-trigger]" in out
    assert "ops/2 is dormant" in out


def test_a_reference_that_would_make_a_dormant_layer_act_stops_apply(team: Any) -> None:
    team.write("proofs/looked-back.yaml", PROOF)
    team.write("specs/gate.yaml", GATE_ON_DORMANT)
    out = assert_refused(team, "specs/gate.yaml:6:", DORMANT_STATUS)
    assert "error[dormant-reference]" in out
    assert "Gate/hindsight would make Proof/looked-back act" in out


def test_a_proof_that_would_run_a_dormant_evolution_stops_apply_and_prove(team: Any) -> None:
    team.write("specs/tuning.yaml", EVOLUTION)
    rerun = "    - {run: evolution, evolution: Evolution/tuning}\n  controls:"
    proof = PROOF.replace(", layers: [ops/2]", "").replace("  controls:", rerun)
    covering = proof.replace("  phase:", "  covers: {paths: [notes.txt]}\n  phase:")
    team.write("proofs/looked-back.yaml", covering)
    out = assert_refused(team, "proofs/looked-back.yaml:", DORMANT_STATUS)
    assert out.count("error[dormant-reference]") == 1
    assert "Proof/looked-back would make Evolution/tuning act, and ops/2 is dormant" in out
    for command in (["check"], ["prove"]):
        refused = team.chimera(*command)
        assert refused.code == 1
        assert "error[dormant-reference]" in refused.out

    team.write("specs/tuning.yaml", EVOLUTION.replace(", layers: [ops/2]", ""))
    assert team.chimera("check").code == 0


def test_a_schedule_in_a_dormant_layer_is_told_once_for_each_field_and_word(team: Any) -> None:
    contract = CONTRACT + "      prohibits: [automation, cadence]\n"
    team.write("specs/layers/ops.yaml", contract)
    scheduled = 'schedule\n  schedule: "0 4 * * *"'
    team.write("specs/look.yaml", workflow("look", scheduled, "ops/2"))
    found = team.chimera("check", "-o", "json").json["diagnostics"]
    assert sorted((d["rule"], d["line"]) for d in found if d["severity"] == "error") == [
        ("dormant-dated", 6),
        ("dormant-trigger", 5),
        ("layer-prohibits-automation", 5),
        ("layer-prohibits-cadence", 6),
    ]


@pytest.mark.parametrize("trigger", ["event\n  event: merged", 'schedule\n  schedule: "0 4 * * *"'])
def test_an_automatic_trigger_in_a_human_triggered_layer_stops_apply(
    team: Any, trigger: str
) -> None:
    team.write("specs/deploy.yaml", workflow("deploy", trigger, "ops/1"))
    out = assert_refused(team, "specs/deploy.yaml:5:", HUMAN_TRIGGER)
    assert "error[layer-human-triggered]" in out


def test_a_status_flipped_to_active_without_its_decision_stops_apply(team: Any) -> None:
    assert team.chimera("apply").code == 0
    before = team.chimera("get", "LayerContract/ops").out
    team.write("specs/layers/ops.yaml", CONTRACT.replace("status: dormant", "status: active"))
    refused = team.chimera("apply")
    assert refused.code == 1
    assert "error[layer-activated]" in refused.out
    assert "without a Decision record" in refused.out
    assert DORMANT_STATUS in refused.out
    assert "specs/layers/ops.yaml:17:" in refused.out, "the conditions of activation"
    planned = team.chimera("plan", "-o", "json").json
    (item,) = (i for i in planned["items"] if i["target"] == "LayerContract/ops")
    assert item["action"] == "update", "what was applied is still what was applied before"

    team.write("specs/layers/ops.yaml", CONTRACT)
    assert team.chimera("apply").out.endswith("nothing to do\n")
    assert team.chimera("get", "LayerContract/ops").out == before


def test_an_unmet_proof_stops_apply(team: Any) -> None:
    proof = PROOF.replace(", layers: [ops/2]", "").replace("[looked]", "[looked twice]")
    team.write("proofs/looked-back.yaml", proof)
    team.write("specs/gate.yaml", GATE_ON_DORMANT)
    team.write("specs/deploy.yaml", workflow("deploy", "apply", "ops/1"))
    out = assert_refused(team, "specs/gate.yaml:6:", "specs/deploy.yaml:")
    assert "gate-proof-owed" in out
    assert "Proof/looked-back" in out


def test_a_proof_that_exercised_nothing_stops_apply(team: Any) -> None:
    idle = PROOF.replace(", layers: [ops/2]", "").replace("    - run: command", "    - run: pytest")
    idle = re.sub(r"      argv.*\n      expect.*\n", "      paths: [notes.txt]\n", idle)
    team.write("proofs/looked-back.yaml", idle)
    team.write("specs/gate.yaml", GATE_ON_DORMANT)
    team.write("specs/deploy.yaml", workflow("deploy", "apply", "ops/1"))
    refused = team.chimera("apply")
    assert refused.code == 5, refused.out + refused.err
    assert "specs/gate.yaml:6:" in refused.out
    assert not (team.root / "acted").exists()


def test_a_denied_policy_stops_apply(team: Any) -> None:
    team.write("policies/bounded.yaml", POLICY)
    endless = workflow("deploy", "apply", "ops/1").replace(", timeout: 1m", "")
    team.write("specs/deploy.yaml", endless)
    out = assert_refused(team, "specs/deploy.yaml:", "policies/bounded.yaml:8:")
    assert "a stage says how long it may take" in out
    assert "Policy/bounded" in out


def test_everything_that_forbids_a_change_is_said_at_once(team: Any) -> None:
    team.write("policies/bounded.yaml", POLICY)
    team.write("specs/look.yaml", workflow("look", "apply", "ops/2"))
    endless = workflow("deploy", "event\n  event: merged", "ops/1").replace(", timeout: 1m", "")
    team.write("specs/deploy.yaml", endless)
    assert_refused(team, DORMANT_STATUS, HUMAN_TRIGGER, "policies/bounded.yaml:8:")


def test_a_document_merely_placed_in_a_dormant_layer_is_planned_as_noop_and_never_applied(
    team: Any,
) -> None:
    team.write("specs/look.yaml", workflow("look", "human", "ops/2"))
    planned = team.chimera("plan")
    assert planned.code == 0
    assert "no-op (dormant) Workflow/look [ops/2]" in planned.out

    applied = team.chimera("apply", "-o", "json")
    assert applied.code == 0
    assert "Workflow/look" not in {i["target"] for i in applied.json["items"]}
    assert team.chimera("apply").out.endswith("nothing to do\n")
    refused = team.chimera("run", "Workflow/look")
    assert refused.code == 1
    assert "Workflow/look stands in a dormant layer" in refused.err
    assert not (team.root / "acted").exists()


def test_a_proof_of_a_dormant_layer_is_not_run_by_name(team: Any) -> None:
    covered = PROOF.replace("  phase", "  covers: {paths: [notes.txt]}\n  phase")
    team.write("proofs/looked-back.yaml", covered)
    refused = team.chimera("prove", "looked-back")
    assert refused.code == 1
    assert "Proof/looked-back stands in a dormant layer" in refused.err


def test_a_layer_put_to_sleep_takes_its_documents_out_of_use(team: Any) -> None:
    team.write(
        "specs/layers/ops.yaml",
        CONTRACT.replace("dormant", "active").replace(
            "purpose: Would", "trigger: human\n      purpose: Would"
        ),
    )
    team.write("specs/look.yaml", workflow("look", "human", "ops/2"))
    assert team.chimera("apply").code == 0
    assert team.chimera("run", "Workflow/look").code == 0

    team.write("specs/layers/ops.yaml", CONTRACT)
    planned = team.chimera("plan", "-o", "json").json
    (item,) = (i for i in planned["items"] if i["target"] == "Workflow/look")
    assert (item["action"], item["dormant"]) == ("delete", True)
    applied = team.chimera("apply")
    assert applied.code == 0, applied.out
    assert team.chimera("run", "Workflow/look").code == 1

"""The whole road of a dormant layer in a protected environment, with real keys."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chimera.cli.main import run
from chimera.state import read_state

PEOPLE = """\
apiVersion: chimera/v1
kind: Identity
metadata: {{name: ann}}
spec: {{kind: human, keys: [{{key: "{ann}"}}]}}
---
apiVersion: chimera/v1
kind: Identity
metadata: {{name: ci}}
spec: {{kind: automation, keys: [{{key: "{ci}"}}]}}
---
apiVersion: chimera/v1
kind: Role
metadata: {{name: owner}}
spec: {{members: [Identity/ann, Identity/ci]}}
---
apiVersion: chimera/v1
kind: Role
metadata: {{name: provers}}
spec: {{members: [Identity/ci], capabilities: [prove]}}
"""
CONTRACT = """\
apiVersion: chimera/v1
kind: LayerContract
metadata: {{name: ops}}
spec:
  purpose: who acts
  layers:
    - id: "2"
      name: changes
      status: active
      purpose: says what changed
      admits: {{kinds: [ChangelogEntry]}}
    - id: "3"
      name: confidence
      status: active
      purpose: shows that it works
      admits: {{kinds: [Proof]}}
    - id: "{id}"
      name: {name}
      status: {status}
      purpose: improves what is there
      admits: {{paths: ["specs/work.yaml"]}}
      {more}
      whenActive:
        routesThrough: [ops/2]
        mustPass: [ops/3]
        needsApprovalOf: [{{matter: policy changes}}]
        prohibits: [automation]
        trigger: human
"""
DORMANT = CONTRACT.format(id="4", name="evolution", status="dormant", more="trigger: none")
ACTIVE = CONTRACT.format(
    id="4",
    name="evolution",
    status="active",
    more="trigger: human\n      prohibits: [automation]",
)
WORKFLOW = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {name: nightly}
spec:
  trigger: human
  stages:
    - {id: tell, operation: command, inputs: {argv: [echo, done]}, timeout: 1m}
"""
PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: sound}
spec:
  claim: the contract names its layers
  covers: {kinds: [Evolution]}
  inputs: ["specs/contract.yaml"]
  steps:
    - {run: command, argv: [cat, specs/contract.yaml], expect: {stdout: {contains: [evolution]}}}
  controls: [{mutate: replace, path: specs/contract.yaml, old: evolution, new: x}]
"""
RECORDS = """\
apiVersion: chimera/v1
kind: Decision
metadata: {{name: wake}}
spec:
  date: "2026-11-21"
  decision: Evolution is wanted.
  reason: The guardrails are in place.
  by: [Ann]
  activates: ops/4
  answers: [{{target: LayerContract/ops, after: "{after}"}}]
---
apiVersion: chimera/v1
kind: ChangelogEntry
metadata: {{name: wake}}
spec:
  date: "2026-11-21"
  environment: production
  summary: Evolution is active
  scope: config
  risk: high
  verification: The workflow can be run by hand.
  rollback: Make the layer dormant again.
  answers: [{{target: LayerContract/ops, after: "{after}"}}]
"""


@dataclass
class Road:
    """A repository whose main is the trust ref, and the command line in it."""

    repository: Any
    keys: Path
    captured: pytest.CaptureFixture[str]

    def call(self, *args: str) -> tuple[int, str]:
        code = run(list(args))
        told = self.captured.readouterr()
        return code, told.out + told.err

    def merge(self, **files: str | None) -> None:
        """Change files on main, which is what protected environments trust."""
        for name, text in files.items():
            path = f"{'changelog' if name == 'records' else 'specs'}/{name}.yaml"
            if text is None:
                (self.repository.root / path).unlink()
            else:
                self.repository.write(path, text)
        self.repository.commit()

    def apply(self) -> tuple[int, str]:
        return self.call("apply", "--env", "production", "--auto-approve")

    def after(self) -> str:
        plan = json.loads(self.call("plan", "--env", "production", "-o", "json")[1])
        items = {item["target"]: item for item in plan["items"]}
        return str(items["LayerContract/ops"]["after"])

    def approve(self, who: str = "ann") -> tuple[int, str]:
        key = str(self.keys / who)
        return self.call("approve", "--env", "production", "--key", key, "--yes")

    def prove(self) -> None:
        code, text = self.call("prove", "--env", "production")
        assert code == 0, text
        code, text = self.call("evidence", "sign", "--key", str(self.keys / "ci"))
        assert code == 0, text

    def applied(self) -> set[str]:
        with read_state(self.repository.root) as state:
            return set(state.applied("production"))

    def spent(self) -> set[str]:
        with read_state(self.repository.root) as state:
            return {target for _, target in state.spent("production")}


@pytest.fixture
def road(
    repository: Any, tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> Road:
    """A repository whose dormant layer was applied to production as it is."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen: install openssh-client")
    keys = {}
    for name in ("ann", "ci"):
        call = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(tmp_path / name)]
        subprocess.run(call, check=True)
        keys[name] = (tmp_path / f"{name}.pub").read_text().strip()
    monkeypatch.chdir(repository.root)
    monkeypatch.setenv("CHIMERA_TRUST_REF", "main")
    made = Road(repository, tmp_path, capsys)
    made.merge(people=PEOPLE.format(**keys), contract=DORMANT, work=WORKFLOW, proof=PROOF)
    code, text = made.apply()
    assert code == 0, text
    return made


def test_a_dormant_layer_wakes_by_all_that_its_contract_asks_for_and_no_less(road: Road) -> None:
    assert "Workflow/nightly" not in road.applied()
    code, text = road.call("run", "Workflow/nightly", "--env", "production")
    assert code == 1, text
    assert "stands in a dormant layer, in which nothing acts" in text
    road.merge(contract=ACTIVE)

    # Everything that is missing, at once, each with how to provide it.
    code, text = road.apply()
    assert code == 1, text
    assert "error[layer-activated]: ops/4 was dormant and becomes active without a Decision" in text
    assert "error[layer-activated-unrecorded]" in text
    assert "without a ChangelogEntry in ops/2 for this change" in text
    assert f"target: LayerContract/ops and after: {road.after()}" in text
    assert "besides it owes `chimera prove Proof/sound`" in text
    assert "approval of policy changes by a person" in text

    # The records are there: what is left is owed, and is listed before anybody applies.
    road.merge(records=RECORDS.format(after=road.after()))
    code, text = road.call("plan", "--env", "production")
    assert "proof Proof/sound" in text
    assert "ops/4 becomes active, which needs approval of policy changes" in text
    code, text = road.apply()
    assert code in {1, 5}, text
    assert "LayerContract/ops owes proof Proof/sound" in text
    assert "LayerContract/ops owes approval human" in text

    # Proven, and approved by nobody; then by a machine.
    road.prove()
    code, text = road.apply()
    assert code == 1, text
    assert "owes proof" not in text
    assert "owes approval human" in text
    assert road.approve("ci")[0] != 0
    assert "Workflow/nightly" not in road.applied()
    code, text = road.call("run", "Workflow/nightly", "--env", "production")
    assert code != 0
    assert "Workflow/nightly is not applied to production" in text

    # Ann signs.
    code, text = road.approve()
    assert code == 0, text
    code, text = road.apply()
    assert code == 0, text
    assert "Workflow/nightly" in road.applied()
    assert "LayerContract/ops" in road.spent()
    shown = json.loads(road.call("show", "latest", "-o", "json")[1])
    assert shown["outcome"] == "passed"
    assert shown["trust"]["ref"] == "main"
    assert shown["weighed"]["approvals"]
    assert set(shown["weighed"]["records"]) >= {"Decision/wake", "ChangelogEntry/wake"}
    assert shown["weighed"]["evidence"]
    assert road.apply()[1].strip() == "nothing to do"


def test_a_layer_goes_back_to_sleep_and_what_stood_in_it_goes(road: Road) -> None:
    road.merge(contract=ACTIVE)
    road.merge(records=RECORDS.format(after=road.after()))
    road.prove()
    road.approve()
    assert road.apply()[0] == 0

    road.merge(contract=DORMANT)
    road.approve()
    code, text = road.apply()
    assert code == 0, text
    assert "Workflow/nightly" not in road.applied()

    # To wake it again as it was takes a person again: what Ann signed was spent.
    road.merge(contract=ACTIVE)
    code, text = road.apply()
    assert code != 0
    assert "it was spent: it let this change through once already" in text
    assert "Workflow/nightly" not in road.applied()


def test_old_records_do_not_wake_a_layer_by_another_change(road: Road) -> None:
    road.merge(contract=ACTIVE)
    old = road.after()
    road.merge(contract=ACTIVE.replace("improves", "alters"), records=RECORDS.format(after=old))
    code, text = road.apply()
    assert code == 1, text
    assert f"Decision/wake is about another change: after {old[:19]}" in text
    assert f"ChangelogEntry/wake is about another change: after {old[:19]}" in text


@pytest.mark.parametrize(
    ("id", "name"), [("5", "evolution"), ("5", "something else"), ("4", "something else")]
)
def test_a_layer_does_not_wake_under_another_name(road: Road, id: str, name: str) -> None:
    more = "trigger: human\n      prohibits: [automation]"
    renamed = CONTRACT.format(id=id, name=name, status="active", more=more)
    road.merge(contract=renamed, proof=PROOF.replace("evolution", "improves"))
    code, text = road.apply()
    assert code == 1, text
    assert "becomes active without a Decision" in text
    assert "Workflow/nightly" not in road.applied()


def test_documents_do_not_act_once_their_dormant_layer_is_deleted(road: Road) -> None:
    before, _, _ = DORMANT.partition('    - id: "4"')
    road.merge(contract=before)
    code, text = road.apply()
    assert code == 1, text
    assert "error[layer-vanished]: ops/4 was dormant and is gone" in text
    road.merge(contract=None)
    code, text = road.apply()
    assert code == 1, text
    assert "error[layer-vanished]" in text
    assert "Workflow/nightly" not in road.applied()

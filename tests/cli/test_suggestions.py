"""Whatever is misspelt, in a document or on the command line, comes with the nearest right name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

DOCUMENTS = """\
apiVersion: chimera/v1
kind: Role
metadata: {name: owner}
spec: {members: []}
---
apiVersion: chimera/v1
kind: Policy
metadata: {name: has-owner}
spec:
  rules: [{id: owner, expression: "true", message: m, action: warn}]
  cases: []
---
apiVersion: chimera/v1
kind: LayerContract
metadata: {name: shop}
spec:
  purpose: Sell.
  layers:
    - {id: safety, name: Safety, status: active, purpose: a, prohibits: [tooling]}
---
apiVersion: chimera/v1
kind: Environment
metadata: {name: production}
spec: {protected: true}
---
apiVersion: chimera/v1
kind: Gate
metadata: {name: code, layers: [shop/safety]}
spec:
  match: {kinds: [Policy]}
  requires: {approvals: [{role: Role/owner, count: 1}]}
---
apiVersion: chimera/v1
kind: Workflow
metadata: {name: build}
spec:
  trigger: human
  stages: [{id: a, operation: command, inputs: {argv: [echo]}, timeout: 1m}]
---
apiVersion: chimera/v1
kind: Repository
metadata: {name: shop}
spec: {plugins: {disable: []}}
---
apiVersion: chimera/v1
kind: Proof
metadata: {name: builds}
spec:
  claim: It builds.
  covers: {paths: [src/**]}
  inputs: [specs/**]
  steps: [{run: command, argv: [echo]}]
  controls: [{mutate: delete, path: specs/all.yaml}]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    file = tmp_path / "specs" / "all.yaml"
    file.parent.mkdir()
    file.write_text(DOCUMENTS)
    return file


@pytest.mark.parametrize(
    ("right", "wrong", "meant"),
    [
        ("apiVersion: chimera/v1\nkind: Role", "apiversion: chimera/v1\nkind: Role", "apiVersion"),
        ("metadata: {name: owner}", "metdata: {name: owner}", "metadata"),
        ("kind: Role", "kind: role", "Role"),
        ("kind: Workflow", "kind: Workflw", "Workflow"),
        ("layers: [shop/safety]", "layer: [shop/safety]", "layers"),
        ("layers: [shop/safety]", "layers: [shop/safty]", "shop/safety"),
        ("layers: [shop/safety]", "layers: [shpo/safety]", "shop/safety"),
        ("status: active", "status: activ", "active"),
        ("prohibits: [tooling]", "prohibits: [toolnig]", "tooling"),
        ("kinds: [Policy]", "kinds: [Polcy]", "Policy"),
        ("kinds: [Policy]", "kinds: [policy]", "Policy"),
        ("kinds: [Policy]", "kind: [Policy]", "kinds"),
        ("role: Role/owner", "role: Role/ownr", "Role/owner"),
        ("role: Role/owner", "role: role/owner", "Role/owner"),
        ("action: warn", "action: wran", "warn"),
        ("message: m", "mesage: m", "message"),
        ('expression: "true"', 'expression: "objct.spec == 1"', "object"),
        ("cases: []", "cases: [{name: a, documents: [], expect: [ownr]}]", "owner"),
        ("trigger: human", "trigger: humn", "human"),
        ("operation: command", "operation: comand", "command"),
        ("timeout: 1m", "timout: 1m", "timeout"),
        ("argv: [echo]}, timeout", "argvs: [echo]}, timeout", "argv"),
        ("disable: []", "disable: [evoluton]", "evolution"),
        ("run: command", "run: comand", "run: command"),
        ("mutate: delete", "mutate: delet", "delete"),
        ("protected: true", "protectd: true", "protected"),
    ],
)
def test_a_misspelling_in_a_document_comes_with_what_was_meant(
    right: str, wrong: str, meant: str, shop: Path, chimera: Any
) -> None:
    before = chimera("check").out
    assert f"did you mean {meant}?" not in before
    assert DOCUMENTS.count(right) == 1
    shop.write_text(DOCUMENTS.replace(right, wrong))
    assert f"did you mean {meant}?" in chimera("check").out


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ("chek", "'check'"),
        ("grpah", "'graph'"),
        ("policy tst", "'test'"),
        ("runs lst", "'list'"),
        ("schema exprt", "'export'"),
        ("plan --bas main", "'--base'"),
        ("graph --dpth 2", "'--depth'"),
        ("check -o jsn", "json"),
        ("get -o txt", "text"),
        ("graph -o mermad", "mermaid"),
        ("check --env producton", "production"),
        ("plan --env producton", "production"),
        ("get Gat", "Gate"),
        ("get gate", "Gate"),
        ("get Gate/cde", "Gate/code"),
        ("describe Gate/cde", "Gate/code"),
        ("describe gate/code", "Gate/code"),
        ("graph Gate/cde", "Gate/code"),
        ("explain Polcy", "Policy"),
        ("explain Policy.mtch", "match"),
        ("explain file.wrte", "file.write"),
        ("explain operation", "operations"),
        ("policy test has-ownr", "Policy/has-owner"),
        ("policy test Policy/has-ownr", "Policy/has-owner"),
        ("run Workflow/biuld", "Workflow/build"),
        ("new Polcy", "Policy"),
    ],
)
def test_a_misspelling_on_the_command_line_comes_with_what_was_meant(
    arguments: str, meant: str, shop: Path, chimera: Any
) -> None:
    answer = chimera(*arguments.split())
    assert answer.code != 0
    assert f"did you mean {meant}?" in answer.err.replace("Did", "did")


def test_a_proof_that_is_not_there_comes_with_the_nearest(shop: Path, chimera: Any) -> None:
    sound = [text for text in DOCUMENTS.split("---\n") if "kind: Policy" not in text]
    shop.write_text("---\n".join(sound))
    assert "did you mean Proof/builds?" in chimera("prove", "bulds").err

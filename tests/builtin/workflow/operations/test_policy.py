"""The operation `policy.eval`, and `publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chimera.runtime import PermanentError

POLICY = """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: has-owner}
spec:
  match: {kinds: [Workflow]}
  rules:
    - id: owner
      expression: "'owner' in object.metadata.labels"
      message: a workflow has an owner
      action: deny
  cases:
    - {name: owned, object: {kind: Workflow, metadata: {labels: {owner: a}}}, expect: []}
    - {name: unowned, object: {kind: Workflow, metadata: {labels: {}}}, expect: [owner]}
"""


def workflow(**labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "chimera/v1",
        "kind": "Workflow",
        "metadata": {"name": "w", "labels": labels},
        "spec": {
            "trigger": "human",
            "stages": [{"id": "a", "operation": "command", "inputs": {"argv": ["true"]}}],
        },
    }


@pytest.fixture(autouse=True)
def policy(perform, root: Path) -> None:
    (root / "policies").mkdir()
    (root / "policies" / "owner.yaml").write_text(POLICY)


@pytest.mark.parametrize("name", ["has-owner", "Policy/has-owner", "policies/owner.yaml"])
def test_a_document_that_is_kept_to_passes(perform, name: str) -> None:
    outputs = perform("policy.eval", {"policies": [name], "document": workflow(owner="a")})
    assert (outputs["passed"], outputs["refused"]) == (True, [])
    assert {v["finding"] for v in outputs["verdicts"]} == {"pass"}


def test_a_refusal_fails_the_stage_and_says_why(perform, log: list[str]) -> None:
    with pytest.raises(PermanentError, match="a workflow has an owner"):
        perform("policy.eval", {"policies": ["has-owner"], "document": workflow()})
    assert any("a workflow has an owner" in line for line in log)


def test_a_refusal_can_be_an_output(perform) -> None:
    given = {"policies": ["has-owner"], "document": workflow(), "enforce": False}
    outputs = perform("policy.eval", given)
    assert outputs["passed"] is False
    assert "a workflow has an owner" in outputs["refused"][0]


def test_files_are_judged(perform, root: Path) -> None:
    import json

    (root / "given").mkdir()
    (root / "given" / "w.json").write_text(json.dumps(workflow(owner="a")))
    assert perform("policy.eval", {"policies": ["has-owner"], "files": ["given"]})["passed"]


@pytest.mark.parametrize(
    "given",
    [
        {"policies": ["has-owner"]},
        {"policies": ["nowhere"], "document": {}},
        {"policies": ["has-owner"], "document": {"kind": "Other"}},
        {"policies": ["has-owner"], "files": ["../x"]},
        {"policies": ["has-owner"], "files": ["missing"]},
        {"policies": ["../../etc/passwd"], "document": {}},
    ],
)
def test_nothing_judged_is_nothing_passed(perform, given: dict[str, Any]) -> None:
    with pytest.raises(PermanentError):
        perform("policy.eval", given)


def test_an_event_is_published(perform) -> None:
    published: list[Any] = []
    given = {"topic": "release.done", "payload": {"version": 3}}
    outputs = perform("publish", given, publish=lambda *event: published.append(event))
    assert outputs == {"topic": "release.done"}
    assert published == [("release.done", {"version": 3})]


@pytest.mark.parametrize("topic", ["", "a..b", "a b", "*", "a/b"])
def test_a_topic_is_words_and_dots(perform, topic: str) -> None:
    with pytest.raises(PermanentError):
        perform("publish", {"topic": topic})

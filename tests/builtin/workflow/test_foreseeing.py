"""What is known of a run before it runs is told; what is not is left as it was written."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.workflow.running import builder
from chimera.documents import parse
from chimera.kinds import Registry

SPEC = """
    trigger: human
    mode: conditional
    inputs: {deploy: {type: boolean}, names: {type: array, default: []}}
    secrets: {token: {env: NOT_SET_ANYWHERE}}
    stages:
      - id: first
        operation: command
        inputs: {argv: [touch, made, "${secret.token}", "of ${input.names}"]}
      - id: second
        when: input.deploy
        operation: command
        inputs: {argv: [echo, "${first.stdout}"]}
        dependencies: [first]
      - {id: follows, operation: command, inputs: {argv: [echo]}, dependencies: [second]}
      - id: late
        when: first.exitCode == 0
        operation: command
        inputs: {argv: ["${second.stdout ?? \\"none\\"}"]}
        dependencies: [first, second]
      - id: guarded
        when: second.exitCode == null
        operation: command
        inputs: {argv: ["${second.stdout ?? \\"none\\"}"]}
        dependencies: [first, second]
      - {id: each, forEach: {items: "${input.names}"}, operation: command,
         inputs: {argv: ["${item}"]}}
      - {id: ask, confirm: {question: "${input.names}?"}}
"""


@pytest.fixture
def foreseen(registry: Registry, tmp_path: Path):
    def run(**given: Any) -> dict[str, Any]:
        [document], _ = parse("it.yaml", textwrap.dedent(SPEC).encode())
        build = builder("Workflow/it", registry.operations, tmp_path)
        graph = build({"spec": document.value}, given)
        assert graph.foresee is not None
        return {id: dict(known) for id, known in graph.foresee().items()}

    return run


def test_what_inputs_decide_is_known(foreseen, tmp_path: Path) -> None:
    found = foreseen(deploy=False, names=["a", "b"])
    assert found["first"] == {
        "fate": "runs",
        "inputs": {"argv": ["touch", "made", "***", 'of ["a","b"]']},
    }
    assert found["second"] == found["follows"] == {"fate": "skipped"}
    assert found["guarded"] == {"fate": "runs", "inputs": {"argv": ["none"]}}
    assert found["each"] == {"fate": "runs", "inputs": {"argv": ["${item}"]}, "items": 2}
    assert found["ask"]["inputs"] == {"question": '["a","b"]?'}
    assert list(tmp_path.iterdir()) == []


def test_what_outputs_decide_is_left_as_it_is_written(foreseen) -> None:
    found = foreseen(deploy=True, names=[])
    assert found["second"] == {"fate": "runs", "inputs": {"argv": ["echo", "${first.stdout}"]}}
    assert found["follows"]["fate"] == "runs"
    assert found["late"]["fate"] == found["guarded"]["fate"] == "unknown"
    assert found["late"]["inputs"] == {"argv": ['${second.stdout ?? "none"}']}

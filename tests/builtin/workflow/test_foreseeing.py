"""What is known of a run before it runs is told; what is not is left as it was written."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.workflow.running import builder
from chimera.documents import parse
from chimera.kinds import Registry
from chimera.render.outlines import outline_json, outline_text
from chimera.workspace import Workspace
from tests.builtin.workflow.conftest import write_workflows

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
    assert found["ask"]["inputs"] == {"question": '["a","b"]?', "approvers": []}
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_says_which_results_are_taken_from_before(tmp_path: Path) -> None:
    write_workflows(
        tmp_path,
        it="""
        trigger: human
        inputs: {glob: {default: "*.md"}, globs: {type: array, default: ["*.md", "*.txt"]}}
        stages:
          - {id: one, cache: true, operation: file.digest, inputs: {paths: ["${input.glob}"]}}
          - {id: each, cache: true, forEach: {items: "${input.globs}"}, operation: file.digest,
             inputs: {paths: ["${item}"]}}
          - {id: open, cache: true, operation: file.digest, inputs: {paths: ["${one.digest}"]}}
          - {id: plain, operation: file.digest, inputs: {paths: ["${input.glob}"]}}
        """,
    )
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "a.txt").write_text("a")
    workspace = Workspace.open(tmp_path)
    workspace.apply()

    def outlined(**inputs: Any) -> dict[str, Any]:
        return dict(workspace.runs.outline("Workflow/it", inputs).value.kept)

    assert outlined() == {"one": (0, 1), "each": (0, 2)}
    result = workspace.runs.outline("Workflow/it", {})
    assert "no result was kept yet" in outline_text(result)
    workspace.run("Workflow/it", {})
    assert outlined() == {"one": (1, 1), "each": (2, 2)}
    assert outlined(glob="*.txt", globs='["*.md", "x"]') == {"one": (0, 1), "each": (1, 2)}
    result = workspace.runs.outline("Workflow/it", {})
    assert "takes a result that was kept" in outline_text(result)
    assert "takes 2 of 2 results that were kept" in outline_text(result)
    assert outline_json(result)["kept"]["each"] == {"kept": 2, "of": 2}


def test_what_outputs_decide_is_left_as_it_is_written(foreseen) -> None:
    found = foreseen(deploy=True, names=[])
    assert found["second"] == {"fate": "runs", "inputs": {"argv": ["echo", "${first.stdout}"]}}
    assert found["follows"]["fate"] == "runs"
    assert found["late"]["fate"] == found["guarded"]["fate"] == "unknown"
    assert found["late"]["inputs"] == {"argv": ['${second.stdout ?? "none"}']}

"""What an edit of a workflow breaks, and whom it reaches."""

from __future__ import annotations

import json
import subprocess
import textwrap
from pathlib import Path

import pytest

from chimera.builtin.workflow.compatibility import breaks
from chimera.builtin.workflow.kinds import WorkflowSpec
from chimera.cli.main import run
from chimera.documents import parse
from tests.builtin.workflow.conftest import write_workflows

BEFORE = """
    trigger: event
    event: order.made
    version: 1.2.0
    inputs: {id: {default: x}}
    stages:
      - {id: go, wait: {signal: begin}}
      - {id: ask, confirm: {question: "go on?"}}
      - {id: late, wait: {signal: "for-${input.id}"}}
      - {id: tell, operation: publish, inputs: {topic: order.shipped}}
    outputs: {by: "${ask.by}"}
"""


def spec_of(text: str) -> WorkflowSpec:
    [document], _ = parse("it.yaml", textwrap.dedent(text).encode())
    return WorkflowSpec.model_validate(dict(document.value))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("signal: begin", "signal: start", "it no longer waits for the signal begin"),
        ("id: ask, confirm", "id: asks, confirm", "it no longer waits for the signal ask"),
        ("order.shipped", "order.sent", "it no longer publishes order.shipped"),
        ("order.made", "order.paid", "the event order.made no longer starts it"),
        ("1.2.0", "2.0.0", "the major version is 2, no longer 1"),
        ("    version: 1.2.0\n", "", "the major version is none, no longer 1"),
        ("{by:", "{who:", "the output by is gone"),
    ],
)
def test_what_others_rely_on_is_broken(old: str, new: str, told: str) -> None:
    after = BEFORE.replace("ask.by", "asks.by") if "asks" in new else BEFORE
    assert list(breaks(spec_of(BEFORE), spec_of(after.replace(old, new)))) == [told]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1.2.0", "1.3.0"),
        (
            "    stages:\n",
            "    stages:\n      - {id: a, operation: command, inputs: {argv: [x]}}\n",
        ),
        ("{signal: begin}", "{signal: begin, timeout: 1h}"),
        ("for-${input.id}", "of-${input.id}"),
        ("question: ", "approvers: [ada], question: "),
        ("topic: order.shipped", "topic: order.shipped, payload: 3"),
    ],
)
def test_what_stages_do_is_the_workflow_s_own_affair(old: str, new: str) -> None:
    assert old in BEFORE
    assert list(breaks(spec_of(BEFORE), spec_of(BEFORE.replace(old, new)))) == []


def test_an_edit_of_a_workflow_reaches_those_that_run_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = "trigger: human\ninputs: {n: {default: x}}\nstages: [{id: w, wait: {for: %s}}]\n"
    outer = "trigger: human\nstages: [{id: s, workflow: Workflow/%s}]\n"
    write_workflows(tmp_path, inner=inner % "1s", middle=outer % "inner", it=outer % "middle")
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    write_workflows(tmp_path, inner=inner % "2s")
    commit(tmp_path)
    assert run(["-C", str(tmp_path), "check", "--base", "HEAD~1", "-o", "json"]) == 0
    told = json.loads(capsys.readouterr().out)["change"]
    assert told["affected"] == {"Workflow/inner": ["Workflow/middle", "Workflow/it"]}


def git(root: Path, *call: str) -> None:
    subprocess.run(["git", *call], cwd=root, check=True)


def commit(root: Path) -> None:
    git(root, "add", "specs")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x")

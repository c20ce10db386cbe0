"""This repository's own Schema: what CI runs keeps to it, and a workflow that does not is told."""

import shutil
from pathlib import Path

import pytest

from .claiming import Claimed
from .conftest import Bench, findings

TOP = Path(__file__).parents[2]


@pytest.fixture
def own(bench: Bench) -> Claimed:
    for folder in ("specs/schemas", ".github/workflows"):
        shutil.copytree(TOP / folder, bench.root / folder, dirs_exist_ok=True)
    return Claimed(bench)


def test_own_workflows_are_exercised_and_pass(own: Claimed) -> None:
    found = findings(own.judge())
    assert found == {
        ("Schema/workflow-files", f".github/workflows/{path.name}"): "pass"
        for path in (TOP / ".github/workflows").iterdir()
    }
    assert len(found) >= 2


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("permissions: {}", "permissions: write-all", "permissions should be {}, not 'write-all'"),
        ("    timeout-minutes: 15\n", "", "the field 'timeout-minutes' is missing"),
        ("timeout-minutes: 15", "timeout-minutes: 360", "should be at most 180, not 360"),
        (
            "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8",
            "actions/checkout@v5",
            "not 'actions/checkout@v5'",
        ),
    ],
)
def test_a_workflow_that_asks_for_more_is_refused(
    own: Claimed, written: str, instead: str, message: str
) -> None:
    path = ".github/workflows/chimera.yml"
    text = (TOP / path).read_text()
    assert written in text
    own.file(path, text.replace(written, instead, 1))
    (said,) = [d.message for d in own.located() if d.span.path == path]
    assert said.endswith(message)

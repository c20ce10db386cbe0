"""What stages do against the words of a layer's contract: waits, moments and questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from chimera.context import Context
from chimera.workspace import Workspace

CONTRACT = """\
apiVersion: chimera/v1
kind: LayerContract
metadata: {name: ops}
spec:
  purpose: Who may act where.
  layers:
    - {id: quiet, name: Quiet, status: active, purpose: p, admits: {kinds: [Workflow]}, prohibits: [%s]}
"""  # noqa: E501


def rules(root: Path, word: str, stage: dict[str, Any]) -> list[str]:
    spec = {"trigger": "human", "stages": [{"id": "it", **stage}]}
    document = {"apiVersion": "chimera/v1", "kind": "Workflow", "metadata": {"name": "w"}}
    (root / "specs").mkdir()
    (root / "specs/ops.yaml").write_text(CONTRACT % word)
    (root / "specs/w.yaml").write_text(yaml.safe_dump({**document, "spec": spec}))
    result = Workspace.open(root, Context.system()).check()
    return [fault.message for fault in result.diagnostics]


@pytest.mark.parametrize(
    ("word", "stage", "said"),
    [
        ("background-execution", {"wait": {"for": "1h"}}, "outlives its command"),
        ("background-execution", {"wait": {"signal": "go"}}, "outlives its command"),
        ("background-execution", {"confirm": {"question": "?"}}, "outlives its command"),
        ("cadence", {"wait": {"until": "2026-12-01T06:00:00Z"}}, "has a until"),
        ("auto-approval", {"confirm": {"question": "?"}}, "an approval that no person signed"),
    ],
)
def test_a_word_refuses_a_stage_that_does_it(
    tmp_path: Path, word: str, stage: dict[str, Any], said: str
) -> None:
    found = rules(tmp_path, word, stage)
    assert any(said in message for message in found), found


@pytest.mark.parametrize("word", ["background-execution", "cadence", "auto-approval"])
def test_a_stage_that_does_nothing_of_the_kind_is_let_be(tmp_path: Path, word: str) -> None:
    stage = {"operation": "command", "inputs": {"argv": ["true"]}, "timeout": "1m"}
    assert rules(tmp_path, word, stage) == []

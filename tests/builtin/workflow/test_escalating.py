"""Somebody hears of what no retry helped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chimera.builtin.workflow.escalating import NOTICES
from chimera.builtin.workflow.plugin import chimera_reconcile
from chimera.runtime import RunError

FAILING = """
    trigger: apply
    errorHandling:
      escalationRules: [{condition: given_up, severity: critical, to: ops}]
    stages:
      - {id: deploy, operation: command, inputs: {argv: [sh, -c, "echo broken >&2; exit 1"]}}
"""


def test_a_failure_that_is_escalated_is_a_notice(task, tmp_path: Path) -> None:
    with pytest.raises(RunError):
        chimera_reconcile(task(FAILING))
    (line,) = (tmp_path / NOTICES).read_text().splitlines()
    notice = json.loads(line)
    assert (notice["to"], notice["severity"]) == ("ops", "critical")
    assert notice["message"].startswith("deploy failed: ")
    assert "broken" in notice["message"]
    assert notice["details"]["step"] == "deploy"


def test_what_goes_well_tells_nobody(outputs, tmp_path: Path) -> None:
    outputs(FAILING.replace("exit 1", "exit 0"))
    assert not (tmp_path / NOTICES).exists()

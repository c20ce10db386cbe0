"""An orchestrator that is applied: what operations and runs go by from then on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chimera.cli.main import run
from chimera.state import read_state

HEAD = """
apiVersion: chimera/v1
kind: Environment
metadata: {name: local}
spec: {protected: false}
"""
ORCHESTRATOR = """---
apiVersion: chimera/v1
kind: Orchestrator
metadata: {name: NAME}
spec: SPEC
"""
SLEEPER = """---
apiVersion: chimera/v1
kind: Workflow
metadata: {name: sleeper}
spec:
  trigger: human
  mode: sequential
  stages:
    - {id: nap, operation: command, inputs: {argv: [sleep, "60"]}}
"""

Apply = Callable[..., int]


@pytest.fixture
def chimera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apply:
    """Write documents, where there are some, and run a command."""
    (tmp_path / "specs").mkdir()
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, **orchestrators: str) -> int:
        text = HEAD + SLEEPER
        for name, spec in orchestrators.items():
            text += ORCHESTRATOR.replace("NAME", name).replace("SPEC", spec)
        if arguments == ("apply",):
            (tmp_path / "specs" / "all.yaml").write_text(text)
        monkeypatch.setattr(sys, "argv", ["chimera", *arguments])
        return run(list(arguments))

    return command


def settings(root: Path) -> Any:
    with read_state(root) as state:
        item = state.item("local", "settings", "system")
        return None if item is None else item.value


def test_its_settings_are_in_the_store_while_it_is_applied(chimera: Apply, tmp_path: Path) -> None:
    assert chimera("apply", one="{messageQueueSize: 3, messageTimeout: 2s}") == 0
    found = settings(tmp_path)
    assert (found["orchestrator"], found["messageQueueSize"]) == ("one", 3)
    assert found["messageTimeout"] == "2s"
    assert found["resourceAllocationStrategy"] == "fair"
    assert chimera("apply", one="{preset: distributed}") == 0
    assert settings(tmp_path)["resourceAllocationStrategy"] == "performance"
    assert chimera("apply") == 0
    assert settings(tmp_path) is None


def test_one_that_takes_the_place_of_another_keeps_its_settings(
    chimera: Apply, tmp_path: Path
) -> None:
    assert chimera("apply", one="{messageQueueSize: 1}") == 0
    assert chimera("apply", two="{messageQueueSize: 2}") == 0
    assert settings(tmp_path)["orchestrator"] == "two"


def test_the_default_timeout_ends_runs_whose_workflow_says_none(
    chimera: Apply, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chimera("apply", one="{defaultWorkflowTimeout: 100ms, logLevel: error}") == 0
    capsys.readouterr()
    assert chimera("run", "Workflow/sleeper") == 1
    assert "error Workflow/sleeper failed: it took longer than 0.1 s" in capsys.readouterr().err

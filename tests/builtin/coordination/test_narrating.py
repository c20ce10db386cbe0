"""What is told of runs while they go on, by the log level."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.coordination.narrating import LEVELS, Narrator
from chimera.context import Context
from chimera.runtime import Engine, Graph, Recovery, Retry, RunSettings, Step, StepError
from chimera.runtime.recovery import Category, Fallback
from chimera.state import open_state


def busy(call: Any) -> None:
    raise StepError("busy\x1b[2J", category=Category.MODULE, transient=True)


def told(root: Path, level: Any, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what is told of a run in which a step fails twice and another degrades."""
    retry = Retry(2, timedelta(milliseconds=1))
    soft = Recovery(fallbacks=(Fallback("degrade_gracefully"),))
    steps = [
        Step("fine", lambda call: "secret output"),
        Step("soft", busy, recovery=soft, critical=False, needs=("fine",)),
        Step("hard", busy, recovery=Recovery(retry), needs=("soft",)),
    ]
    context = Context.system()
    with open_state(root, context, command="test") as state:
        run = state.create_run("local", "Workflow/test", None, None)
        settings = RunSettings(narrate=Narrator(level))
        Engine(state, context, settings=settings).execute(run, Graph(None, steps))
    lines = capsys.readouterr().err.splitlines()
    return [line.partition(" ")[2] for line in lines]


def test_each_level_tells_what_is_as_grave_or_graver(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {level: told(tmp_path, level, capsys) for level in LEVELS}
    (failure,) = found["error"]
    assert failure.startswith("error Workflow/test hard failed: busy")
    assert [line.split()[0] for line in found["warn"]] == ["warn", "warn", "error"]
    assert found["warn"][0] == "warn Workflow/test soft goes on without its result"
    assert "hard is tried again at 20" in found["warn"][1]
    assert found["info"][-1] == failure
    assert "debug Workflow/test fine begins" in found["debug"]
    assert "debug Workflow/test fine is done" in found["debug"]
    assert len(found["debug"]) > len(found["info"]) >= len(found["warn"])


def test_nothing_is_told_that_a_terminal_obeys_and_no_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "\n".join(told(tmp_path, "debug", capsys))
    assert "\x1b" not in text
    assert "secret output" not in text

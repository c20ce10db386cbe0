"""Every step of the gate fails the run: none may fail in silence."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = (Path(__file__).parents[1] / ".ci" / "run").read_text("utf-8")
STEPS = [
    "ruff check .",
    "ruff format --check .",
    "zizmor --offline --quiet .github",
    "mypy",
    "lint-imports",
    "chimera check",
    "chimera fmt --check",
    "chimera policy test",
    "chimera prove",
]


def run_steps(folder: Path, failing: str) -> subprocess.CompletedProcess[str]:
    """Run what follows the tests, with commands that only `failing` lets fail."""
    bin = folder / "bin"
    bin.mkdir()
    for name in {step.split()[0] for step in STEPS}:
        command = bin / name
        command.write_text(
            f'#!/bin/sh\necho "ran {name} $@"\n[ "$(echo {name} $@)" != "{failing}" ]\n'
        )
        command.chmod(0o755)
    subprocess.run(["git", "init", "-q", str(folder / "tree")], check=True)
    before = f"set -euo pipefail\nstep() {{ :; }}\nwork={folder}\n"
    steps = before + SCRIPT.partition('step "proofs begin"')[2]
    return subprocess.run(
        ["bash", "-c", steps],
        cwd=folder / "tree",
        env={**os.environ, "PATH": f"{bin}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("failing", STEPS)
def test_a_step_that_fails_fails_the_run_at_once(tmp_path: Path, failing: str) -> None:
    done = run_steps(tmp_path, failing)
    assert done.returncode != 0
    assert [line.split() for line in done.stdout.splitlines()][-1] == ["ran", *failing.split()]


def test_without_a_failure_every_step_is_run_and_the_run_passes(tmp_path: Path) -> None:
    done = run_steps(tmp_path, "")
    assert done.returncode == 0, done.stderr
    ran = [line.removeprefix("ran ").strip() for line in done.stdout.splitlines()]
    assert ran == STEPS

"""The main job, on this repository's own contract, from a fresh clone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone of HEAD."""
    if not (TOP / ".git").exists():
        pytest.skip("these sources are no Git repository, so there is nothing to clone")
    subprocess.run(["git", "clone", "-q", str(TOP), str(tmp_path / "clone")], check=True)
    return tmp_path / "clone"


def chimera(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "chimera", *args],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_apply_proves_runs_and_records_and_then_has_nothing_to_do(clone: Path) -> None:
    first = chimera(clone, "apply")
    assert first.returncode == 0, first.stdout + first.stderr

    def status() -> str:
        return subprocess.run(
            ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True
        ).stdout

    assert status() == ""
    records: list[Any] = sorted(p.parent.name for p in (clone / ".chimera/records").glob("*/*"))
    assert {"Genome", "ReleaseProof"} <= set(records)
    assert list((clone / ".chimera/evidence").glob("*.json"))
    listed = [line.split() for line in chimera(clone, "runs", "list").stdout.splitlines()]
    assert "succeeded" in next(row for row in listed if row[-1] == "Workflow/schema-manifest")
    assert (clone / ".chimera/out/schema-manifest.json").exists()

    for name in ("source-archive", "cheapest-placement"):
        ran = chimera(clone, "run", f"Workflow/{name}")
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert list((clone / ".chimera/out/archive").glob("chimera-*.tar"))
    due = chimera(clone, "run", "--due")  # what starting the modules published
    assert "ran Workflow/deliver-messages" in due.stdout, due.stdout + due.stderr
    assert status() == ""

    again = chimera(clone, "apply")
    assert again.returncode == 0
    assert again.stdout.endswith("\nnothing to do\n")  # after what is told of our gates
    assert status() == ""

"""The workflows and the action, here and as `chimera init` writes them: pinned, always there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from chimera.cli.main import run

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
PINNED = re.compile(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+")
ZIZMOR = Path(sys.executable).with_name("zizmor")


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `chimera init` writes for GitHub."""
    monkeypatch.setattr(sys, "argv", ["chimera"])
    assert run(["-C", str(tmp_path), "init", "--github"]) == 0
    return tmp_path / ".github"


def test_workflows_and_action_stand_up_to_zizmor(started: Path) -> None:
    for folder in (ROOT / ".github", started):
        done = subprocess.run(
            [ZIZMOR, "--offline", "--quiet", "--no-progress", folder],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout


def test_zizmor_is_asked_in_a_way_that_can_fail(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    text = (WORKFLOWS / "ci.yml").read_text("utf-8")
    (folder / "ci.yml").write_text(re.sub("@[0-9a-f]{40}", "@v5", text))
    done = subprocess.run(
        [ZIZMOR, "--offline", "--quiet", tmp_path / ".github"], capture_output=True
    )
    assert done.returncode != 0


def test_every_action_is_pinned_by_its_commit(started: Path) -> None:
    files = [*WORKFLOWS.glob("*.yml"), *ROOT.glob(".github/actions/*/action.yml")]
    uses = [
        line.partition("uses: ")[2]
        for file in (*files, *started.rglob("*.yml"))
        for line in file.read_text("utf-8").splitlines()
        if "uses: " in line
    ]
    foreign = [one for one in uses if not one.startswith("./.github/")]
    assert len(foreign) >= 8
    assert all(PINNED.fullmatch(one) for one in foreign), foreign


def workflow(name: str) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load((WORKFLOWS / name).read_text("utf-8"))
    return loaded


def test_nothing_may_more_than_it_needs() -> None:
    for name in ("ci.yml", "chimera.yml"):
        assert workflow(name)["permissions"] == {}
        for job in workflow(name)["jobs"].values():
            assert set(job["permissions"]) <= {"contents", "pull-requests"}
            assert job["permissions"]["contents"] == "read"
    assert workflow("ci.yml")["jobs"]["gate"]["permissions"] == {"contents": "read"}


def test_a_required_check_always_starts_and_ends() -> None:
    assert {"pull_request", "merge_group"} <= set(workflow("ci.yml")[True])
    loaded = workflow("chimera.yml")
    triggers = loaded[True]  # YAML 1.1 reads `on` as a truth value
    assert triggers == {"pull_request": None, "merge_group": None}, "no paths, no branches"
    (job,) = loaded["jobs"].values()
    assert "if" not in job
    assert job["timeout-minutes"] <= 15
    action = yaml.safe_load((ROOT / ".github/actions/chimera/action.yml").read_text("utf-8"))
    assert action["runs"]["steps"][-1]["if"] == "always()"

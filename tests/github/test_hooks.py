"""The hooks for pre-commit, run by pre-commit itself.

Only installing is left out, which would need the network: the entries run this checkout.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / ".pre-commit-hooks.yaml"
POLICY = """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: nobody}
spec:
  match: {kinds: [Role]}
  rules:
    - {id: none, expression: size(object.spec.members) == 0, message: nobody, action: warn}
  cases:
    - {name: somebody, object: {spec: {members: [Identity/ann]}}, expect: [none]}
    - {name: nobody, object: {spec: {members: []}}, expect: []}
"""
ROLE = "apiVersion: chimera/v1\nkind: Role\nmetadata: {name: owner}\nspec: {members: []}\n"
INDENTED = "\n        members: []"


def pre_commit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PRE_COMMIT_HOME": str(folder / ".cache"),
            "PRE_COMMIT_COLOR": "never",
        },
        capture_output=True,
        text=True,
    )


def test_the_manifest_is_valid(tmp_path: Path) -> None:
    done = pre_commit(tmp_path, "validate-manifest", str(MANIFEST))
    assert done.returncode == 0, done.stdout


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A repository that uses every hook."""
    hooks: list[dict[str, Any]] = yaml.safe_load(MANIFEST.read_text("utf-8"))
    local = [{**hook, "language": "system"} for hook in hooks]
    config = {"repos": [{"repo": "local", "hooks": local}]}
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "chimera"
    python = shlex.quote(sys.executable)
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {python} -m chimera "$@"\n'
    )
    command.chmod(0o755)
    (tmp_path / "policies").mkdir()
    (tmp_path / "specs").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(POLICY)
    (tmp_path / "specs" / "owner.yaml").write_text(ROLE)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "add", "specs", "policies"], check=True)
    return tmp_path


def test_every_hook_passes_over_sound_documents(team: Path) -> None:
    done = pre_commit(team, "run", "--all-files")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == 3


@pytest.mark.parametrize(
    ("file", "old", "new", "hook", "says"),
    [
        ("specs/owner.yaml", "members", "member", "chimera-check", "error[field-unknown]"),
        ("specs/owner.yaml", "{members: []}", INDENTED, "chimera-fmt", "files were modified"),
        (
            "policies/p.yaml",
            "members: []}}",
            "members: [Identity/ann]}}",
            "chimera-policy-test",
            "policy-case-failed",
        ),
    ],
)
def test_a_fault_fails_its_hook(
    team: Path, file: str, old: str, new: str, hook: str, says: str
) -> None:
    path = team / file
    path.write_text(path.read_text().replace(old, new))
    subprocess.run(["git", "-C", str(team), "add", file], check=True)
    done = pre_commit(team, "run", "--all-files", hook)
    assert done.returncode == 1, done.stdout + done.stderr
    assert says in done.stdout

"""The release workflow: its scripts, run by bash in a real clone, with a real key, a fake `gh`."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[2]
STEPS = {
    step["name"]: step
    for step in yaml.safe_load((TOP / ".github/workflows/release.yml").read_text("utf-8"))["jobs"][
        "evidence"
    ]["steps"]
    if "name" in step
}
PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: greets}
spec:
  claim: The greeting is friendly.
  covers: {paths: [greeting.txt]}
  inputs: [greeting.txt]
  steps:
    - run: command
      argv: [cat, greeting.txt]
      expect: {stdout: {contains: [hello]}}
  controls:
    - {mutate: replace, path: greeting.txt, old: hello, new: away}
"""
ENVIRONMENT = """\
apiVersion: chimera/v1
kind: Environment
metadata: {name: release}
spec: {protected: true}
"""
SIGNER = """\
apiVersion: chimera/v1
kind: Identity
metadata: {name: release}
spec:
  kind: automation
  keys:
    - key: %s
---
apiVersion: chimera/v1
kind: Role
metadata: {name: provers}
spec: {members: [Identity/release], capabilities: [prove]}
"""


@dataclass
class Job:
    """A runner's checkout of a tag, and what the workflow's steps are given."""

    tree: Path
    temp: Path
    key: str

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        step = STEPS[name]
        assert "${{" not in step["run"], "what is put into a script is run by it"
        given = {
            "${{ secrets.CHIMERA_SIGNING_KEY }}": self.key,
            "${{ github.token }}": "token",
            "${{ github.ref_name }}": "v1",
        }
        environment = {
            "PATH": f"{self.temp / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.temp),
            "CI": "true",
            "RUNNER_TEMP": str(self.temp),
            **{k: given.get(v, v) for k, v in step.get("env", {}).items()},
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.tree,
            env=environment,
            capture_output=True,
            text=True,
        )


def git(folder: Path, *args: str) -> None:
    author = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    subprocess.run(["git", *author, *args], cwd=folder, check=True, capture_output=True)


def keypair(folder: Path) -> tuple[str, str]:
    """Return a new private key, and its public half without a comment."""
    folder.mkdir()
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / "key")],
        check=True,
    )
    return (folder / "key").read_text(), (folder / "key.pub").read_text().strip()


@pytest.fixture
def job(tmp_path: Path) -> Any:
    def checkout(trusted: str, key: str) -> Job:
        origin, temp = tmp_path / "origin", tmp_path / "runner temp"
        (origin / "specs").mkdir(parents=True)
        (origin / "proofs").mkdir()
        (origin / "greeting.txt").write_text("hello\n")
        (origin / "proofs/greets.yaml").write_text(PROOF)
        (origin / "specs/release.yaml").write_text(ENVIRONMENT)
        (origin / "specs/signers.yaml").write_text(SIGNER % trusted)
        git(tmp_path, "init", "-qb", "main", str(origin))
        git(origin, "add", "-A")
        git(origin, "commit", "-qm", "release")
        git(origin, "tag", "v1")
        git(tmp_path, "clone", "-q", str(origin), "tree")
        git(tmp_path / "tree", "checkout", "-q", "v1")
        (temp / "bin").mkdir(parents=True)
        (temp / "venv/bin").mkdir(parents=True)
        for path, script in {
            "venv/bin/chimera": f'PYTHONPATH="{TOP}" exec "{sys.executable}" -m chimera "$@"',
            "bin/gh": f'printf "%s\\n" "$@" > "{temp}/published"',
        }.items():
            (temp / path).write_text(f"#!/bin/sh\n{script}\n")
            (temp / path).chmod(0o755)
        return Job(tmp_path / "tree", temp, key)

    return checkout


def test_evidence_is_signed_verified_and_published(job: Any, tmp_path: Path) -> None:
    private, public = keypair(tmp_path / "keys")
    release = job(public, private)
    for name in ("Prove and sign", "Verify and bundle", "Publish"):
        done = release.step(name)
        assert done.returncode == 0, name + done.stdout + done.stderr
        assert private.splitlines()[1] not in done.stdout + done.stderr
    assert not (release.temp / "key").exists()
    published = (release.temp / "published").read_text().splitlines()
    assert published[:3] == ["release", "create", "v1"]
    bundle = Path(published[-1])
    assert '"payloadType":"application/vnd.in-toto+json"' in bundle.read_text()


def test_a_key_that_the_main_branch_does_not_trust_stops_the_release(
    job: Any, tmp_path: Path
) -> None:
    _, trusted = keypair(tmp_path / "keys")
    other, _ = keypair(tmp_path / "others")
    release = job(trusted, other)
    assert release.step("Prove and sign").returncode == 0
    done = release.step("Verify and bundle")
    assert done.returncode != 0
    assert "key" in done.stdout + done.stderr
    assert not (release.temp / "evidence.intoto.jsonl").exists()


def test_without_a_key_nothing_is_signed(job: Any, tmp_path: Path) -> None:
    _, trusted = keypair(tmp_path / "keys")
    done = job(trusted, "").step("Prove and sign")
    assert done.returncode != 0

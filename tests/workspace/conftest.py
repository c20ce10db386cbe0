"""A simulated team's repository: real files, real Git, the real command line in a child process."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.workspace import forking

ENGINE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    """What one command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Repository:
    """A folder that tests write documents to and run commands in."""

    root: Path

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text), encoding="utf-8")

    def git(self, *args: str) -> str:
        identity = {
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.org",
            "GIT_CONFIG_GLOBAL": "/dev/null",
        }
        done = subprocess.run(
            ["git", *args],
            cwd=self.root,
            env={**os.environ, **identity},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, message: str = "change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def environment(self) -> dict[str, str]:
        given = {"PYTHONPATH": str(ENGINE), "PYTHONWARNINGS": "error"}
        return {**os.environ, **given, "CHIMERA_TRUST_REF": "main"}

    def start(self, *args: str) -> forking.Forked:
        return forking.start(args, self.root, self.environment())

    def chimera(self, *args: str) -> Answer:
        process = self.start(*args)
        out, err = process.communicate(timeout=300)
        return Answer(process.wait(), out, err)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A folder under Git with one unprotected and one protected environment."""
    made = Repository(tmp_path / "team")
    made.root.mkdir()
    made.git("init", "-q", "-b", "main")
    made.write(
        "specs/environments.yaml",
        """\
        apiVersion: chimera/v1
        kind: Environment
        metadata: {name: local}
        spec: {protected: false}
        ---
        apiVersion: chimera/v1
        kind: Environment
        metadata: {name: production}
        spec: {protected: true}
        """,
    )
    return made

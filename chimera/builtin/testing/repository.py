"""A temporary repository for tests in Python, and the command line run in it.

Owns what stands in the repository at the start: Git, and nothing else. Refuses the identity, the
configuration and the remembered answers of whoever runs the tests.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chimera.context import Command, Context, base_environment
from chimera.documents import dump
from chimera.kinds import API_VERSION
from chimera.model import ChimeraError, Result
from chimera.workspace import CheckReport, PlanReport, ProveReport, Workspace

_ENGINE = Path(__file__).parents[3]
_AUTHOR = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=no")


@dataclass(frozen=True, slots=True)
class Repository:
    """A Git repository that a test fills."""

    root: Path

    @staticmethod
    def create(root: Path) -> Repository:
        """Make an empty repository whose branch is main."""
        root.mkdir(parents=True)
        made = Repository(root)
        made.git("init", "--quiet", "--initial-branch", "main")
        made.write(".gitignore", ".chimera/\n")
        return made

    def write(self, path: str, text: str) -> Path:
        """Write a file; folders are made."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def document(
        self,
        address: str,
        spec: Mapping[str, Any],
        *,
        path: str | None = None,
        **metadata: Any,
    ) -> Path:
        """Write a document, by its address; below `specs/`, or `proofs/` and the like, by kind."""
        kind, _, name = address.partition("/")
        value = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": name, **metadata},
            "spec": dict(spec),
        }
        folder = {"Proof": "proofs", "Policy": "policies"}.get(kind, "specs")
        return self.write(path or f"{folder}/{name}.yaml", dump(value))

    def git(self, *arguments: str) -> str:
        """Run Git in the repository and return what it said; raises `ChimeraError`."""
        done = Context.system().processes.run(
            Command(
                ("git", *_AUTHOR, *arguments),
                cwd=self.root,
                env=base_environment(GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL="/dev/null"),
            )
        )
        if done.returncode != 0:
            raise ChimeraError(f"git {arguments[0]}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace").strip()

    def commit(self, message: str = "change") -> str:
        """Commit all that is there; return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    @property
    def workspace(self) -> Workspace:
        """The repository as it stands now, to be read anew."""
        return Workspace(self.root, Context.system())

    def check(self, **options: Any) -> Result[CheckReport]:
        """Report everything that is wrong, as `chimera check` does."""
        return self.workspace.check(**options)

    def plan(self, **options: Any) -> Result[PlanReport]:
        """Compare and say what is owed, as `chimera plan` does."""
        return self.workspace.plan(**options)

    def prove(self, *names: str, **options: Any) -> Result[ProveReport]:
        """Run proofs and keep the evidence, as `chimera prove` does."""
        return self.workspace.prove(names, **options)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it said as JSON, which `-o json` asks for."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Run:
    """Runs the command line as a process."""

    root: Path

    def __call__(
        self,
        *arguments: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        timeout: float = 300.0,
    ) -> Answer:
        """Run `chimera ARGUMENTS` and return its answer; raises `ChimeraError` at the timeout."""
        variables = {
            "PYTHONPATH": str(_ENGINE),
            "CHIMERA_CACHE": str(self.root.with_name(f"{self.root.name}-cache")),
            "CHIMERA_ACTOR": "test",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
        }
        done = Context.system().processes.run(
            Command(
                (sys.executable, "-m", "chimera", *arguments),
                cwd=cwd or self.root,
                env=base_environment() | variables | dict(env or {}),
                stdin=stdin.encode(),
                timeout=timeout,
            )
        )
        if done.timed_out:
            raise ChimeraError(f"chimera {arguments[0]} took longer than {timeout} seconds")
        out, err = (data.decode("utf-8", "replace") for data in (done.stdout, done.stderr))
        return Answer(done.returncode, out, err)

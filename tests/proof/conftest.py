"""A small repository in `tmp_path` whose proofs really run."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pluggy
import pytest

import chimera.kinds.plugin
import chimera.proof.plugin
from chimera.context import Context
from chimera.documents import open_commit, open_work_tree
from chimera.kinds import Document, Loaded, Registry, load_snapshot, read_source
from chimera.model import Address
from chimera.plugin import hookspecs
from chimera.proof import (
    EvidenceStore,
    ProofReport,
    ProofSpec,
    Standing,
    Verifier,
    prove,
    stand,
)

PASSING_STEP = {
    "run": "command",
    "argv": ["python", "src/answer.py"],
    "expect": {"stdout": {"equals": "42\n"}},
}
CONTROL = {"mutate": "replace", "path": "src/answer.py", "old": "42", "new": "41"}


def proof_spec(**changes: Any) -> dict[str, Any]:
    """A proof that passes, with `changes`."""
    spec: dict[str, Any] = {
        "claim": "the answer is right",
        "covers": {"paths": ["src/**"]},
        "phase": "apply",
        "inputs": ["src/**"],
        "steps": [PASSING_STEP],
        "controls": [CONTROL],
    }
    return spec | changes


class Bench:
    """A repository, and what tests do to it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.plugins = pluggy.PluginManager("chimera")
        self.plugins.add_hookspecs(hookspecs)
        for plugin in (chimera.kinds.plugin, chimera.proof.plugin):
            self.plugins.register(plugin)
        self.context = Context.system(now=datetime(2026, 11, 21, tzinfo=UTC))
        self.store = EvidenceStore.below(root)
        self.write("src/answer.py", "print(42)\n")

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def document(self, path: str, kind: str, name: str, spec: Any) -> None:
        value = {
            "apiVersion": "chimera/v1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        self.write(path, json.dumps(value, indent=2) + "\n")

    def proof(self, name: str = "answer", **changes: Any) -> None:
        self.document(f"proofs/{name}.yaml", "Proof", name, proof_spec(**changes))

    def remove_proof(self, name: str = "answer") -> None:
        (self.root / f"proofs/{name}.yaml").unlink()

    def load(self, ref: str | None = None) -> Loaded:
        tree = open_commit(self.root, ref) if ref else open_work_tree(self.root)
        return load_snapshot(read_source(tree), Registry.collect(self.plugins))

    def get(self, name: str = "answer", loaded: Loaded | None = None) -> Document[ProofSpec]:
        loaded = loaded or self.load()
        assert not loaded.diagnostics, loaded.diagnostics
        found = loaded.snapshot.get(Address("Proof", name))
        assert found is not None
        return found  # type: ignore[return-value]

    def prove(self, *names: str, jobs: int = 2, **changes: Any) -> list[ProofReport]:
        loaded = self.load()
        return prove(
            loaded.snapshot,
            [self.get(name, loaded) for name in names or ("answer",)],
            self.context,
            lambda task: self.plugins.hook.chimera_run_proof_step(task=task),
            self.store,
            jobs=jobs,
            **changes,
        )

    def prove_one(self, **changes: Any) -> ProofReport:
        self.proof(**changes)
        return self.prove()[0]

    def standing(self, name: str = "answer", ref: str | None = None) -> Standing:
        loaded = self.load(ref)
        verifier = Verifier(loaded.snapshot, None, None)
        return stand(verifier, self.get(name, loaded), self.store, signed=False)

    def git(self, *args: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        done = subprocess.run(
            ["git", *identity, *args], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str = "change") -> str:
        if not (self.root / ".git").exists():
            self.git("init", "-q", "-b", "main")
            self.write(".gitignore", ".chimera/\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message, "--allow-empty")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty repository."""
    return Bench(tmp_path / "repository")

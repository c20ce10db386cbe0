"""What decides whether evidence is used again, besides the content: values, and what is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chimera.context import Context
from chimera.proof import EvidenceStore
from chimera.workspace import Workspace

PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: region}
spec:
  claim: it runs in every region
  covers: {paths: [src/**]}
  inputs: [src/**]
  environment: {allow: [REGION, DEPLOY_TOKEN, DATABASE]}
  steps:
    - {run: command, argv: [python, src/ok.py], expect: {stdout: {contains: [ok]}}}
  controls:
    - {mutate: delete, path: src/ok.py}
"""


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("REGION", "DEPLOY_TOKEN", "DATABASE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "ok.py").write_text("print('ok')\n")
    (tmp_path / "proofs").mkdir()
    (tmp_path / "proofs" / "region.yaml").write_text(PROOF)
    return tmp_path


def prove(root: Path, **options: Any) -> tuple[int, int]:
    """Prove, and return how many proofs were run and how many reused."""
    report = Workspace(root, Context.system()).prove(**options)
    assert not report.diagnostics
    assert all(proof.verdict.finding.value == "pass" for proof in report.value.proven)
    return len(report.value.proven), len(report.value.reused)


def values(root: Path) -> dict[str, str]:
    store = EvidenceStore.below(root)
    (digest, *_) = store.digests()
    found: dict[str, str] = store.get(digest)["predicate"]["environment"]["values"]
    return found


def test_evidence_under_another_value_is_not_used_again(
    team: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prove(team) == (1, 0)
    assert prove(team) == (0, 1)
    monkeypatch.setenv("REGION", "eu")
    assert prove(team) == (1, 0)
    assert prove(team) == (0, 1)
    monkeypatch.setenv("REGION", "us")
    assert prove(team) == (1, 0)


def test_variable_that_is_not_let_in_decides_nothing(
    team: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prove(team) == (1, 0)
    monkeypatch.setenv("SOMETHING_ELSE", "x")
    assert prove(team) == (0, 1)


def test_evidence_tells_values_apart_without_telling_a_secret(
    team: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGION", "eu")
    monkeypatch.setenv("DEPLOY_TOKEN", "1234")  # short, and so easily guessed from a digest
    monkeypatch.setenv("DATABASE", "postgres://me:hunter2@db/x")
    assert prove(team) == (1, 0)
    found = values(team)
    assert found["REGION"].startswith("sha256:")
    assert (found["DEPLOY_TOKEN"], found["DATABASE"]) == ("set", "set")


def test_shuffling_proves_anew(team: Path) -> None:
    assert prove(team) == (1, 0)
    assert prove(team, shuffle=True) == (1, 0)

"""A proof that shows less in the change that owes it is asked as it was, besides as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chimera.cli.main import run
from chimera.documents import open_work_tree
from chimera.kinds import Registry, Snapshot, load_snapshot, read_source
from chimera.plugin import load_plugins
from chimera.proof.weakening import as_trusted

PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: web}
spec:
  claim: the page says who we are
  covers: {paths: ["web/**"]}
  phase: apply
  inputs: ["web/**"]
  steps:
    - run: command
      argv: [cat, web/page.txt]
      expect: {stdout: {contains: [name, address]}}
  controls:
    - {mutate: delete, path: web/page.txt}
"""
WEAKER = PROOF.replace("[name, address]", "[name]")
GATE = """\
apiVersion: chimera/v1
kind: Gate
metadata: {name: web}
spec:
  match: {paths: ["web/**"]}
  requires: {proofs: [Proof/web]}
"""


@pytest.fixture
def prove(repository: Any, monkeypatch: Any, capsys: Any) -> Any:
    """Commit a page and its proof to main, and return what proves a branch against it."""
    repository.write("web/page.txt", "our name, our address\n")
    repository.write("specs/proof.yaml", PROOF)
    repository.commit()
    repository.git("switch", "-q", "-c", "topic")
    monkeypatch.chdir(repository.root)

    def call(**files: str | None) -> tuple[int, str]:
        places = {"proof": "specs/proof.yaml", "page": "web/page.txt", "gate": "specs/gate.yaml"}
        for name, text in files.items():
            if text is None:
                (repository.root / places[name]).unlink()
            else:
                repository.write(places[name], text)
        repository.commit()
        code = run(["prove", "--base", "main"])
        return code, capsys.readouterr().out

    return call


AS_IT_WAS = "note: as it was before this change; to have it show less, change the proof in a change"


def test_what_only_the_weaker_proof_shows_fails(prove: Any) -> None:
    code, text = prove(proof=WEAKER, page="our name\n")
    assert code == 1, text
    assert "pass  Proof/web" in text
    assert "fail  Proof/web" in text
    assert AS_IT_WAS in text


def test_what_both_show_passes_and_evidence_of_both_is_used_again(prove: Any) -> None:
    code, text = prove(proof=WEAKER, page="our new name, our new address\n")
    assert code == 0, text
    assert text.count("pass  Proof/web") == 2
    code, text = prove()
    assert code == 0, text
    assert text.count("reused  Proof/web") == 2


def test_a_proof_that_is_deleted_with_what_owes_it_is_asked_as_it_was(prove: Any) -> None:
    code, text = prove(proof=None, page="our name\n")
    assert code == 1, text
    assert "fail  Proof/web" in text
    code, text = prove(page="our new name, our new address\n")
    assert code == 0, text
    assert "pass  Proof/web" in text
    assert AS_IT_WAS in text


@pytest.mark.parametrize("proof", [WEAKER, None])
def test_a_proof_that_is_changed_in_a_change_of_its_own_is_free_of_what_it_was(
    prove: Any, proof: str | None
) -> None:
    _, text = prove(proof=proof)
    assert AS_IT_WAS not in text


def test_a_proof_that_shows_more_is_asked_as_it_is_alone(prove: Any) -> None:
    stronger = PROOF.replace("[name, address]", "[name, address, our]")
    code, text = prove(proof=stronger, page="our new name, our address\n")
    assert code == 0, text
    assert text.count("Proof/web") == 1


def test_a_proof_that_a_gate_asks_for_is_asked_as_it_was_too(prove: Any, repository: Any) -> None:
    repository.git("switch", "-q", "main")
    repository.write("specs/proof.yaml", PROOF.replace('paths: ["web/**"]', "kinds: [Workflow]"))
    repository.write("specs/gate.yaml", GATE)
    repository.commit()
    repository.git("switch", "-q", "-C", "topic")
    weaker = WEAKER.replace('paths: ["web/**"]', "kinds: [Workflow]")
    code, text = prove(proof=weaker, page="our name\n")
    assert code == 1, text
    assert AS_IT_WAS in text


def snapshot(folder: Path, proof: str | None) -> Snapshot:
    (folder / "specs").mkdir(parents=True)
    if proof is not None:
        (folder / "specs" / "proof.yaml").write_text(proof)
    registry = Registry.collect(load_plugins())
    return load_snapshot(read_source(open_work_tree(folder)), registry).snapshot


@pytest.mark.parametrize(
    ("here", "trusted", "asked"),
    [
        (PROOF, PROOF, False),
        (WEAKER, PROOF, True),
        (PROOF, WEAKER, False),
        (None, PROOF, True),
        (PROOF, None, False),
    ],
)
def test_a_proof_that_the_trust_ref_has_stronger_is_asked_as_it_is_there(
    tmp_path: Path, here: str | None, trusted: str | None, asked: bool
) -> None:
    ours, theirs = snapshot(tmp_path / "a", here), snapshot(tmp_path / "b", trusted)
    assert [str(d.address) for d in as_trusted(ours, theirs)] == (["Proof/web"] if asked else [])

"""`chimera prove --update-snapshots`: golden files change when that is asked for, and then only."""

import json

import pytest

PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: greets}
spec:
  claim: It greets.
  covers: {paths: [greet.py]}
  inputs: [greet.py, golden/**]
  steps:
    - run: snapshot
      argv: [python, greet.py]
      goldens: {stdout: golden/greeting.txt}
  controls:
    - {mutate: replace, path: greet.py, old: hello, new: bye}
"""


@pytest.fixture
def greeting(tmp_path, chimera):
    (tmp_path / "proofs").mkdir()
    (tmp_path / "proofs" / "greets.yaml").write_text(PROOF)
    (tmp_path / "greet.py").write_text("print('hello')\n")
    return tmp_path / "golden" / "greeting.txt"


def test_it_writes_what_is_missing_and_proves_nothing(chimera, greeting):
    answer = chimera("check")
    assert answer.code == 1
    assert "write it with `chimera prove greets --update-snapshots`" in answer.out
    answer = chimera("prove", "--update-snapshots")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines() == [
        "wrote  Proof/greets: golden/greeting.txt",
        "1 golden file written; nothing was proven: prove again",
    ]
    assert greeting.read_text() == "hello\n"
    assert not list(greeting.parents[1].glob(".chimera/records/*"))
    assert chimera("prove").code == 0


def test_it_says_why_it_writes_nothing(chimera, greeting):
    (greeting.parents[1] / "greet.py").write_text("raise SystemExit('hello no')\n")
    answer = chimera("prove", "greets", "--update-snapshots", "-o", "json")
    assert answer.code == 1
    [update] = json.loads(answer.out)["updates"]
    assert update["written"] == []
    assert "hello no" in update["reasons"][0]
    assert not greeting.exists()


def test_it_writes_nothing_for_another_commit_or_a_proof_without_golden_files(chimera, greeting):
    assert chimera("prove", "--update-snapshots", "--base", "HEAD").code == 4
    plain = PROOF.replace("run: snapshot", "run: command").replace(
        "      goldens: {stdout: golden/greeting.txt}\n", ""
    )
    greeting.parents[1].joinpath("proofs", "greets.yaml").write_text(
        plain.replace(", golden/**", "")
    )
    answer = chimera("prove", "--update-snapshots")
    assert answer.code == 4
    assert "none of these proofs has a snapshot step" in answer.err


ELSEWHERE = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: elsewhere}
spec: {claim: It is wrong.}
"""


def test_what_is_wrong_elsewhere_is_a_note_to_the_proof_that_is_named(chimera, greeting):
    (greeting.parents[1] / "proofs" / "elsewhere.yaml").write_text(ELSEWHERE)
    assert chimera("prove", "--update-snapshots").code == 1
    assert not greeting.exists()
    answer = chimera("prove", "greets", "--update-snapshots")
    assert answer.code == 0
    assert "proofs/elsewhere.yaml:4:7: info[" in answer.out
    assert greeting.read_text() == "hello\n"
    assert chimera("prove", "greets").code == 1


def test_a_proof_that_fails_as_it_is_is_not_said_to_have_mutants(chimera, greeting):
    greeting.parent.mkdir()
    greeting.write_text("bye\n")
    answer = chimera("prove", "greets", "--mutate", "3")
    assert answer.code == 1
    assert "Proof/greets: the proof does not pass as it is, so that" in answer.out
    assert "killed" not in answer.out

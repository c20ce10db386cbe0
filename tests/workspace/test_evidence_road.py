"""The whole road of evidence: CI proves and signs, a laptop pulls, and anybody can verify."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.cli.main import run
from chimera.context import SystemClock

PEOPLE = """\
apiVersion: chimera/v1
kind: Identity
metadata: {{name: ci}}
spec:
  kind: automation
  keys: [{{key: "{ci}"}}]
---
apiVersion: chimera/v1
kind: Identity
metadata: {{name: eve}}
spec:
  kind: automation
  keys: [{{key: "{eve}"}}]
---
apiVersion: chimera/v1
kind: Role
metadata: {{name: provers}}
spec: {{members: [Identity/ci], capabilities: [prove]}}
"""
PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: answer}
spec:
  claim: the answer is right
  covers: {paths: ["src/**"]}
  inputs: ["src/**"]
  steps:
    - {run: command, argv: [python, src/answer.py], expect: {stdout: {equals: "42\\n"}}}
  controls: [{mutate: replace, path: src/answer.py, old: "42", new: "41"}]
"""


def make_key(path: Path) -> str:
    """Make an Ed25519 key and return its public half."""
    call = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(call, check=True)
    return path.with_suffix(".pub").read_text().strip()


@dataclass(frozen=True)
class Clone:
    """A clone and the command line in it, in this process: most of a command is its start."""

    repository: Any
    root: Path
    captured: pytest.CaptureFixture[str]

    def write(self, path: str, text: str) -> None:
        replace(self.repository, root=self.root).write(path, text)

    def git(self, *args: str) -> Any:
        return replace(self.repository, root=self.root).git(*args)

    def commit(self) -> None:
        replace(self.repository, root=self.root).commit()

    def chimera(self, *args: str) -> Any:
        self.captured.readouterr()
        code = run(["-C", str(self.root), *args])
        told = self.captured.readouterr()
        return Answer(code, told.out, told.err)


@dataclass(frozen=True)
class Answer:
    """What one command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def team(repository: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Clone:
    """A repository with a proof and two identities, pushed to a bare remote."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen: install openssh-client")
    keys = {name: make_key(tmp_path / name) for name in ("ci", "eve")}
    repository.write("specs/people.yaml", PEOPLE.format(**keys))
    repository.write("proofs/answer.yaml", PROOF)
    repository.write("src/answer.py", "print(42)\n")
    repository.commit()
    repository.git("init", "-q", "--bare", "-b", "main", str(tmp_path / "remote.git"))
    repository.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    repository.git("push", "-q", "origin", "main")
    repository.git("remote", "set-head", "origin", "main")
    return Clone(repository, repository.root, capsys)


@pytest.fixture
def laptop(team: Clone, tmp_path: Path) -> Clone:
    """A clone on somebody's machine."""
    team.git("clone", "-q", str(tmp_path / "remote.git"), str(tmp_path / "laptop"))
    return replace(team, root=tmp_path / "laptop")


def evidence_of(repository: Any) -> list[dict[str, Any]]:
    listed = repository.chimera("evidence", "list", "-o", "json")
    found: list[dict[str, Any]] = listed.json["evidence"]
    return found


def ssh_verifies(repository: Any, digest: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Ask OpenSSH, which knows nothing of Chimera, about what Chimera wrote for it."""
    written = {
        "allowed": repository.chimera("evidence", "signers"),
        "sig": repository.chimera("evidence", "show", digest, "--signature"),
    }
    for name, answer in written.items():
        assert answer.code == 0, answer.err
        (folder / name).write_text(answer.out)
    payload = repository.chimera("evidence", "show", digest, "--payload").out.encode()
    options = ["-f", str(folder / "allowed"), "-I", "Identity/ci", "-n", "chimera-evidence"]
    return subprocess.run(
        ["ssh-keygen", "-Y", "verify", *options, "-s", str(folder / "sig")],
        input=payload,
        capture_output=True,
    )


def test_ci_proves_and_signs_and_a_laptop_verifies_offline(team, laptop, tmp_path, monkeypatch):
    with monkeypatch.context() as ci:
        ci.setenv("CI", "true")
        ci.setenv("CHIMERA_SIGNING_KEY", str(tmp_path / "ci"))
        proven = team.chimera("prove", "--sign")
        assert proven.code == 0, proven.out + proven.err
        assert "signed 1 piece of evidence with SHA256:" in proven.err
        pushed = team.chimera("evidence", "push")
        assert pushed.out == "pushed 1 statement, 1 signature to origin\n"
    (tmp_path / "remote.git").rename(tmp_path / "away.git")
    assert laptop.chimera("evidence", "pull").code == 1  # nothing to pull from
    (tmp_path / "away.git").rename(tmp_path / "remote.git")
    pulled = laptop.chimera("evidence", "pull")
    assert pulled.out == "pulled 1 statement, 1 signature from origin\n"
    (tmp_path / "remote.git").rename(tmp_path / "away.git")  # from here on, offline

    (found,) = evidence_of(laptop)
    assert found["actor"]["kind"] == "automation"
    assert [s["identity"] for s in found["signedBy"] if s["counts"]] == ["Identity/ci"]
    assert (found["content"], found["madeHere"]) == ("fits", False)
    verified = laptop.chimera("verify", "--env", "production")
    assert verified.code == 0, verified.out + verified.err

    reused = laptop.chimera("prove", "-o", "json").json
    assert reused["proven"] == []
    assert [r["evidence"] for r in reused["reused"]] == [found["digest"]]
    assert reused["reused"][0]["signedBy"] == ["Identity/ci"]
    assert "(automation) for local, signed by Identity/ci" in laptop.chimera("prove").out
    fresh = laptop.chimera("prove", "--fresh", "-o", "json").json
    assert [p["proof"] for p in fresh["proven"]] == ["Proof/answer"]


def test_nothing_that_nobody_signed_claims_a_person(team, monkeypatch):
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHIMERA_ACTOR", "ann")
    assert team.chimera("prove").code == 0
    (found,) = evidence_of(team)
    assert found["actor"] == {"name": "ann", "kind": "automation"}
    shown = team.chimera("evidence", "show", found["digest"], "-o", "json").json
    assert shown["statement"]["predicate"]["volatile"]["actor"] == {"name": "ann"}
    (reused,) = team.chimera("prove", "-o", "json").json["reused"]
    assert reused["actor"] == {"name": "ann", "kind": "automation"}


def test_a_person_signs_as_git_does_and_openssh_verifies_it(team, laptop, tmp_path):
    assert team.chimera("prove").code == 0
    signed = team.chimera("evidence", "sign", "--key", str(tmp_path / "ci"))
    assert signed.code == 0, signed.err
    again = team.chimera("evidence", "sign", "answer", "--key", str(tmp_path / "ci"))
    assert again.out.startswith("already ")
    assert team.chimera("evidence", "push").code == 0
    assert laptop.chimera("evidence", "pull").code == 0
    (found,) = evidence_of(laptop)
    good = ssh_verifies(laptop, found["digest"][7:15], tmp_path)
    assert good.returncode == 0, good.stderr
    assert b'Good "chimera-evidence" signature for Identity/ci' in good.stdout
    assert laptop.chimera("verify", "--env", "production").code == 0


def test_automation_signs_bare_and_a_person_is_told_how_openssh_could_verify(team, tmp_path):
    assert team.chimera("prove").code == 0
    assert team.chimera("evidence", "sign", "--bare", "--key", str(tmp_path / "ci")).code == 0
    (found,) = evidence_of(team)
    refused = team.chimera("evidence", "show", found["digest"], "--signature")
    assert refused.code == 4
    assert "evidence sign --ssh" in refused.err
    assert team.chimera("verify", "--env", "production").code == 0


def test_a_key_without_the_capability_vouches_for_nothing(team, laptop, tmp_path):
    proven = team.chimera("prove", "--sign", "--key", str(tmp_path / "eve"))
    assert proven.code == 0
    assert "warning: Identity/eve may not prove" in proven.err
    assert team.chimera("evidence", "push").code == 0
    assert laptop.chimera("evidence", "pull").code == 0
    (found,) = evidence_of(laptop)
    assert not any(signature["counts"] for signature in found["signedBy"])
    assert laptop.chimera("verify", "--env", "production").code != 0
    assert laptop.chimera("prove", "-o", "json").json["reused"] == []


def test_a_failure_that_came_later_counts_until_it_is_proven_anew(
    team, laptop, tmp_path, monkeypatch
):
    """Flaky is FAIL: CI's signature on a pass does not outlive a failure over the same content."""
    key = ("--sign", "--key", str(tmp_path / "ci"))
    team.write("proofs/answer.yaml", PROOF + "  environment: {allow: [ANSWER]}\n")
    team.write("src/answer.py", "import os\nprint(os.environ.get('ANSWER', '42'))\n")
    team.commit()
    team.git("push", "-q", "origin", "main")
    laptop.git("pull", "-q", "origin", "main")
    assert team.chimera("prove", *key).code == 0
    monkeypatch.setenv("ANSWER", "7")
    assert team.chimera("prove", "--fresh", *key).code != 0
    assert team.chimera("evidence", "push").out == "pushed 2 statements, 2 signatures to origin\n"
    assert laptop.chimera("evidence", "pull").code == 0
    assert laptop.chimera("verify", "--env", "production").code != 0
    monkeypatch.delenv("ANSWER")
    again = team.chimera("prove", *key)  # what failed is never used again
    assert again.code == 0
    assert "note: it did not pass before over the same content" in again.out
    assert team.chimera("evidence", "push").code == 0
    assert laptop.chimera("evidence", "pull").code == 0
    assert laptop.chimera("verify", "--env", "production").code == 0


def test_evidence_from_the_future_vouches_for_nothing_and_hides_no_failure(
    team, laptop, tmp_path, monkeypatch
):
    key = ("--sign", "--key", str(tmp_path / "ci"))
    team.write("proofs/answer.yaml", PROOF + "  environment: {allow: [ANSWER]}\n")
    team.write("src/answer.py", "import os\nprint(os.environ.get('ANSWER', '42'))\n")
    team.commit()
    team.git("push", "-q", "origin", "main")
    laptop.git("pull", "-q", "origin", "main")
    now = SystemClock.now
    with monkeypatch.context() as ahead:
        ahead.setattr(SystemClock, "now", lambda clock: now(clock) + timedelta(minutes=9))
        assert team.chimera("prove", *key).code == 0
    assert team.chimera("evidence", "push").code == 0
    assert laptop.chimera("evidence", "pull").code == 0
    verified = laptop.chimera("verify", "--env", "production")
    assert verified.code != 0
    assert "which is yet to come" in verified.out
    monkeypatch.setenv("ANSWER", "7")
    assert team.chimera("prove", "--fresh", *key).code != 0
    assert team.chimera("evidence", "push").code == 0
    assert laptop.chimera("evidence", "pull").code == 0
    with monkeypatch.context() as later:
        later.setattr(SystemClock, "now", lambda clock: now(clock) + timedelta(minutes=1))
        assert "which is yet to come" not in laptop.chimera("verify", "--env", "production").out
        assert laptop.chimera("verify", "--env", "production").code != 0


def test_a_pulled_claim_that_nobody_signed_is_not_used(team, laptop, tmp_path):
    assert team.chimera("prove").code == 0
    bundle = tmp_path / "all.intoto.jsonl"
    exported = team.chimera("evidence", "export", "-o", str(bundle))
    assert exported.out == f"wrote 1 piece of evidence to {bundle}\n"
    imported = laptop.chimera("evidence", "import", str(bundle))
    assert imported.code == 0, imported.err
    assert laptop.chimera("prove", "-o", "json").json["reused"] == []


def test_a_bundle_carries_signatures_and_names_what_it_refuses(team, laptop, tmp_path):
    assert team.chimera("prove", "--sign", "--key", str(tmp_path / "ci")).code == 0
    bundle = tmp_path / "all.intoto.jsonl"
    assert team.chimera("evidence", "export", "answer", "-o", str(bundle)).code == 0
    envelope = json.loads(bundle.read_text())
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    bundle.write_text("{}\n" + bundle.read_text() + "\n")
    imported = laptop.chimera("evidence", "import", str(bundle), "-o", "json")
    assert imported.code == 1
    assert imported.json["refused"][0].startswith("line 1: ")
    assert len(imported.json["imported"]) == 1
    assert laptop.chimera("verify", "--env", "production").code == 0
    gone = laptop.chimera("evidence", "import", str(tmp_path / "nothing"))
    assert (gone.code, "cannot be read" in gone.err) == (4, True)


def test_whoever_signs_hears_before_that_the_key_counts_for_nothing(team, tmp_path):
    make_key(tmp_path / "stranger")
    proven = team.chimera("prove", "--sign", "--key", str(tmp_path / "ci"))
    assert "warning" not in proven.err
    signed = team.chimera("evidence", "sign", "--key", str(tmp_path / "stranger"))
    assert signed.code == 0
    assert "warning: the key SHA256:" in signed.err
    assert "counts for nothing: no Identity in origin/HEAD has it" in signed.err
    assert "warning" not in team.chimera("evidence", "sign", "--key", str(tmp_path / "ci")).err


@pytest.mark.parametrize("how", ["--bare", "--ssh"])
def test_an_imported_signature_that_does_not_verify_is_refused(team, laptop, tmp_path, how):
    assert team.chimera("prove").code == 0
    assert team.chimera("evidence", "sign", how, "--key", str(tmp_path / "ci")).code == 0
    bundle = tmp_path / "all.intoto.jsonl"
    assert team.chimera("evidence", "export", "-o", str(bundle)).code == 0
    envelope = json.loads(bundle.read_text())
    payload = base64.b64decode(envelope["payload"])
    edited = payload.replace(b'"local"', b'"place"')
    assert edited != payload
    envelope["payload"] = base64.b64encode(edited).decode()
    bundle.write_text(json.dumps(envelope) + "\n")
    imported = laptop.chimera("evidence", "import", str(bundle))
    assert imported.code == 1
    assert "line 1: the signature by SHA256:" in imported.out
    assert "does not verify" in imported.out
    assert evidence_of(laptop) == []


def test_a_junk_signature_does_not_keep_a_sound_one_out(team, laptop, tmp_path):
    assert team.chimera("prove", "--sign", "--key", str(tmp_path / "ci")).code == 0
    assert team.chimera("evidence", "sign", "--bare", "--key", str(tmp_path / "eve")).code == 0
    bundle = tmp_path / "all.intoto.jsonl"
    assert team.chimera("evidence", "export", "-o", str(bundle)).code == 0
    envelope = json.loads(bundle.read_text())
    (junk,) = [s for s in envelope["signatures"] if len(base64.b64decode(s["sig"])) == 64]
    junk["sig"] = base64.b64encode(b"x" * 64).decode()
    stranger = {"keyid": "SHA256:" + "A" * 43, "sig": base64.b64encode(b"y" * 64).decode()}
    envelope["signatures"].append(stranger)  # whether that is sound, nobody here can tell
    bundle.write_text(json.dumps(envelope) + "\n")
    imported = laptop.chimera("evidence", "import", str(bundle), "-o", "json")
    assert imported.code == 1
    (refused,) = imported.json["refused"]
    assert junk["keyid"] in refused
    assert laptop.chimera("verify", "--env", "production").code == 0


def test_in_a_comparison_the_evidence_that_was_pulled_counts(team, laptop, tmp_path):
    team.git("checkout", "-q", "-b", "topic")
    team.write("src/answer.py", "print(int('42'))\n")
    team.commit()
    team.git("push", "-q", "origin", "topic")
    key = ("--key", str(tmp_path / "ci"))
    proven = team.chimera("prove", "--base", "origin/main", "--sign", *key)
    assert proven.code == 0, proven.out + proven.err
    assert team.chimera("evidence", "push").code == 0
    laptop.git("fetch", "-q", "origin")
    assert laptop.chimera("evidence", "pull").code == 0
    compared = laptop.chimera(
        "prove", "--base", "origin/main", "--head", "origin/topic", "-o", "json"
    )
    assert compared.json["proven"] == []
    assert [r["proof"] for r in compared.json["reused"]] == ["Proof/answer"]


def test_messages_and_exit_codes(team, tmp_path, monkeypatch):
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    listed = team.chimera("evidence", "list")
    assert (listed.code, listed.out) == (0, "no evidence yet: `chimera prove` makes it\n")
    nothing = team.chimera("evidence", "sign", "--key", str(tmp_path / "ci"))
    assert nothing.code == 4
    assert "no evidence made here fits the present content" in nothing.err
    assert team.chimera("evidence", "export", "-o", str(tmp_path / "x")).code == 5
    for name, said in {
        "nothing": "there is no Proof/nothing",
        "Gate/x": "there is no Gate/x",
        "abcd": "no evidence with a digest that begins with 'abcd'",
    }.items():
        refused = team.chimera("evidence", "sign", name, "--key", str(tmp_path / "ci"))
        assert (refused.code, said in refused.err) == (4, True), refused.err
    assert team.chimera("evidence", "push", "nowhere").code == 1
    keyless = team.chimera("prove", "--sign")
    assert keyless.code == 4
    assert "there is no key to sign with" in keyless.err
    assert evidence_of(team) == []  # it was said before anything ran
    unsigned = team.chimera("prove", "--key", str(tmp_path / "ci"))
    assert (unsigned.code, "add --sign" in unsigned.err) == (4, True)
    team.git("remote", "remove", "origin")
    assert team.chimera("evidence", "signers").code == 4


def test_damaged_evidence_is_named_and_fails(team):
    assert team.chimera("prove").code == 0
    (statement,) = (team.root / ".chimera/evidence").glob("*.json")
    statement.write_text(statement.read_text().replace("pass", "fail"))
    listed = team.chimera("evidence", "list")
    assert listed.code == 1
    assert f"damaged  .chimera/evidence/{statement.name}" in listed.out
    assert team.chimera("evidence", "show", statement.stem).code == 1


def test_records_of_provings_keep_working(team):
    assert team.chimera("prove").code == 0
    written = team.chimera("record").out
    assert written.startswith("wrote proofs/records/answer-")
    assert team.chimera("check").code == 0
    assert team.chimera("prove", "-o", "json").json["proven"] == []


def test_evidence_that_the_repository_brings_is_nobodys(team, laptop, tmp_path):
    """A commit could say of a statement that it was made here, and have it signed."""
    assert team.chimera("prove").code == 0
    team.git("add", "-f", ".chimera/evidence")
    team.git("commit", "-q", "-m", "evidence")
    team.git("push", "-q", "origin", "main")
    laptop.git("pull", "-q", "origin", "main")
    key = ("--key", str(tmp_path / "ci"))
    for command in (("evidence", "list"), ("evidence", "sign", *key), ("prove",), ("verify",)):
        refused = laptop.chimera(*command)
        assert refused.code == 1
        assert "evidence and state cannot come with the repository" in refused.err

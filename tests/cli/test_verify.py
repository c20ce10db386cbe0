"""`chimera verify`: what it accepts, what it refuses, and how it ends."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.signer import SSlibKey

from chimera.signatures import Envelope, EnvelopeSignature
from chimera.signatures.signer import BareSigner
from chimera.workspace import Workspace
from chimera.workspace.signing import sign_all

SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CI = BareSigner.of(SECRET)
EVE = BareSigner.of(Ed25519PrivateKey.from_private_bytes(bytes(32)))


def identity(name: str, key: str) -> dict:
    return {"kind": "automation", "keys": [{"key": key}]}


def write(root: Path, kind: str, name: str, spec: object) -> None:
    value = {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    file = root / "specs" / f"{kind}-{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=2) + "\n")


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    command = ["git", "-C", str(root), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(root: Path, *, trusted: bool = False) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "change")
    if trusted:
        git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    return git(root, "rev-parse", "HEAD")


PROOF = {
    "claim": "the answer is right",
    "phase": "apply",
    "covers": {"paths": ["src/**"]},
    "inputs": ["src/**"],
    "steps": [
        {
            "run": "command",
            "argv": ["python", "answer.py"],
            "cwd": "src",
            "expect": {"stdout": {"equals": "42\n"}},
        }
    ],
    "controls": [{"mutate": "replace", "path": "src/answer.py", "old": "42", "new": "41"}],
}


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose one proof was proven once, by a workspace of its own."""
    root = tmp_path_factory.mktemp("proven") / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / ".gitignore").write_text(".chimera/\n*.json\n*.jsonl\n")
    (root / "src").mkdir()
    (root / "src" / "answer.py").write_text("print(42)\n")
    spec = {**PROOF, "steps": [{**PROOF["steps"][0], "argv": ["python", "src/answer.py"]}]}
    del spec["steps"][0]["cwd"]
    write(root, "Proof", "answer", spec)
    write(root, "Environment", "production", {"protected": True})
    write(root, "Identity", "ci", identity("ci", CI.public.text))
    write(root, "Role", "prover", {"members": ["Identity/ci"], "capabilities": ["prove"]})
    commit(root, trusted=True)
    git(root, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    result = Workspace.open(root).prove()
    assert result.outcome.value == "passed", result
    return root


@pytest.fixture
def repository(proven: Path, tmp_path: Path, chimera: Callable) -> Path:
    """A copy of it, which the command is run in; the evidence is not signed yet."""
    shutil.copytree(proven, tmp_path, symlinks=True, dirs_exist_ok=True)
    key = tmp_path / ".chimera" / "key"
    key.write_bytes(SECRET.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o600)
    return tmp_path


def store(repository: Path):
    return Workspace.open(repository).evidence.store


def sign(repository: Path, signer: BareSigner = CI) -> Envelope:
    """Sign the one piece of evidence there is."""
    evidence = Workspace.open(repository).evidence
    (digest,) = evidence.store.digests()
    sign_all(evidence.store, signer, [digest])
    return evidence.store.envelope(digest)


def failed(answer) -> tuple[str, list[str]]:
    """The check that failed first, with its reasons."""
    checks = json.loads(answer.out)["evidence"][0]["checks"]
    (check,) = [check for check in checks if check["state"] == "fail"]
    return check["name"], check["reasons"]


def test_evidence_made_here_passes_where_nothing_is_protected(repository, chimera):
    answer = chimera("verify")
    assert answer.code == 0, answer.out + answer.err
    assert "passed  Proof/answer: evidence" in answer.out
    assert "not-asked   signature" in answer.out
    assert "1 piece of evidence: passed" in answer.out


def test_protected_environment_asks_for_a_signature_and_says_how(repository, chimera):
    answer = chimera("verify", "--env", "production")
    assert answer.code == 1
    assert answer.out.count("nobody has signed it") == 1
    assert answer.out.count("chimera evidence sign") == 1
    assert "not-reached subjects" in answer.out
    sign(repository)
    answer = chimera("verify", "--env", "production")
    assert answer.code == 0, answer.out + answer.err
    assert "signed by Identity/ci" in answer.out
    assert "the keys of origin/HEAD at" in answer.out


def test_stale_evidence_exits_7_and_names_the_input(repository, chimera):
    (repository / "src" / "answer.py").write_text("print(42)  # otherwise\n")
    answer = chimera("verify", "answer")
    assert answer.code == 7
    assert "src/** changed since it was proven" in answer.out
    assert "prove it again" in answer.out


def test_proof_that_was_never_run_exits_5(repository, chimera):
    shutil.rmtree(repository / ".chimera" / "evidence")
    answer = chimera("verify")
    assert answer.code == 5
    assert "Proof/answer was never run" in answer.out


def test_tree_without_proofs_is_not_exercised(tmp_path, chimera):
    answer = chimera("verify")
    assert answer.code == 5
    assert "0 pieces of evidence: not-exercised" in answer.out


def test_another_commit_can_be_verified_against(repository, chimera):
    before = git(repository, "rev-parse", "HEAD")
    (repository / "src" / "answer.py").write_text("print(42)  # otherwise\n")
    after = commit(repository)
    assert chimera("verify", "--at", before).code == 0
    assert chimera("verify", "--at", after).code == 7
    assert chimera("verify", "--at", "nothing-of-this-name").code == 4


# Files


def envelope_file(repository: Path, envelope: Envelope, name: str = "evidence.json") -> str:
    (repository / name).write_bytes(envelope.to_json())
    return name


def test_envelope_from_elsewhere_passes_by_its_signature(repository, chimera):
    name = envelope_file(repository, sign(repository))
    shutil.rmtree(repository / ".chimera" / "evidence")
    answer = chimera("verify", name)
    assert answer.code == 0, answer.out + answer.err
    assert f"passed  {name}: evidence" in answer.out
    assert "of Proof/answer, signed by Identity/ci" in answer.out


def test_unsigned_file_from_elsewhere_is_refused_in_every_environment(repository, chimera):
    (digest,) = store(repository).digests()
    name = envelope_file(repository, store(repository).envelope(digest))
    statement = repository / "statement.json"
    statement.write_bytes(store(repository).envelope(digest).payload)
    shutil.rmtree(repository / ".chimera" / "evidence")
    for file in (name, "statement.json"):
        answer = chimera("verify", file)
        assert answer.code == 1
        assert "nobody has signed it" in answer.out


def test_statement_by_itself_takes_the_signatures_that_are_kept_here(repository, chimera):
    envelope = sign(repository)
    (repository / "statement.json").write_bytes(envelope.payload)
    assert chimera("verify", "statement.json", "--env", "production").code == 0


def test_bundle_is_verified_line_by_line(repository, chimera):
    good = sign(repository)
    edited = Envelope(good.payload_type, good.payload + b" ", good.signatures)
    lines = [good.to_json(), edited.to_json(), b"{", b""]
    (repository / "evidence.intoto.jsonl").write_bytes(b"\n".join(lines))
    answer = chimera("verify", "evidence.intoto.jsonl")
    assert answer.code == 1
    assert "passed  evidence.intoto.jsonl, line 1: evidence" in answer.out
    assert "failed  evidence.intoto.jsonl, line 2: evidence" in answer.out
    assert "    fail        signature         the signature does not fit the key" in answer.out
    assert "not-reached" not in answer.out, "of several only what failed is told"
    assert "failed  evidence.intoto.jsonl, line 3\n    the envelope is not JSON" in answer.out
    assert "3 pieces of evidence: failed" in answer.out


def test_bundle_that_was_exported_is_verified_by_securesystemslib_too(repository, chimera):
    """What CI signs, anybody verifies without Chimera."""
    key = str(repository / ".chimera" / "key")
    assert chimera("evidence", "sign", "--bare", "--key", key).code == 0
    assert chimera("evidence", "export", "-o", "all.intoto.jsonl").code == 0
    (line,) = (repository / "all.intoto.jsonl").read_bytes().splitlines()
    theirs = TheirEnvelope.from_dict(json.loads(line))
    point = SECRET.public_key().public_bytes_raw().hex()
    key = SSlibKey(CI.public.fingerprint, "ed25519", "ed25519", {"public": point})
    assert theirs.verify([key], 1) == {key.keyid: key}
    shutil.rmtree(repository / ".chimera" / "evidence")
    answer = chimera("verify", "all.intoto.jsonl", "--env", "production")
    assert answer.code == 0, answer.out + answer.err


def test_evidence_by_an_unknown_key_is_refused(repository, chimera):
    name = envelope_file(repository, sign(repository, EVE))
    check, reasons = failed(chimera("verify", name, "--env", "production", "-o", "json"))
    assert check == "signature"
    assert "is unknown: origin/HEAD does not have it, and neither has this tree" in reasons[0]


def test_key_that_the_branch_brings_is_told_apart_and_refused(repository, chimera):
    """The attack: a change that adds its own key, and evidence that the key signed."""
    write(repository, "Identity", "eve", identity("eve", EVE.public.text))
    members = {"members": ["Identity/ci", "Identity/eve"], "capabilities": ["prove"]}
    write(repository, "Role", "prover", members)
    commit(repository)
    sign(repository, EVE)
    answer = chimera("verify", "--env", "production", "-o", "json")
    assert answer.code == 1
    shown = json.loads(answer.out)["evidence"][0]
    assert "trusted only by this branch, not by origin/HEAD" in shown["reasons"][0]
    commit(repository, trusted=True)
    assert chimera("verify", "--env", "production").code == 0


def test_repository_cannot_name_its_trust_ref(repository, chimera):
    git(repository, "symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
    git(repository, "config", "chimera.trustRef", "HEAD")
    name = envelope_file(repository, sign(repository))
    answer = chimera("verify", name, "--env", "production")
    assert answer.code == 1
    assert "there is no trusted ref that says whose keys count" in answer.out
    assert "CHIMERA_TRUST_REF" in answer.out
    assert chimera("verify", name, "--env", "production", "--trust", "origin/main").code == 0


def test_trust_ref_of_the_environment_is_used(repository, chimera, monkeypatch):
    first = git(repository, "rev-parse", "HEAD")
    spec = identity("ci", CI.public.text)
    spec["keys"][0]["revoked"] = {"at": "2026-11-01T00:00:00Z", "reason": "lost"}
    write(repository, "Identity", "ci", spec)
    commit(repository, trusted=True)
    name = envelope_file(repository, sign(repository))
    answer = chimera("verify", name, "--env", "production", "-o", "json")
    assert failed(answer)[0] == "key"
    assert "is revoked" in failed(answer)[1][0]
    monkeypatch.setenv("CHIMERA_TRUST_REF", first)
    assert chimera("verify", name, "--env", "production").code == 0


def test_environment_that_only_the_trust_ref_protects_is_protected(repository, chimera):
    write(repository, "Environment", "production", {"protected": False})
    commit(repository)
    answer = chimera("verify", "--env", "production")
    assert answer.code == 1
    assert "nobody has signed it" in answer.out


def test_evidence_of_the_store_is_verified_by_its_digest(repository, chimera):
    (digest,) = store(repository).digests()
    answer = chimera("verify", digest[7:19])
    assert answer.code == 0
    assert "of Proof/answer" in answer.out


@pytest.mark.parametrize("name", ["nothing", "Proof/other", "nothing.json", "."])
def test_what_is_nothing_to_verify_is_a_usage_error(repository, chimera, name):
    answer = chimera("verify", name)
    assert answer.code == 4
    assert "is no proof of this tree, no file, and no digest" in answer.err


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b"[]", "no JSON object"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"payload": "e30=", "payloadType": "text/plain"}', "the envelope holds text/plain"),
        (b'{"_type": "https://in-toto.io/Statement/v1"}', "not the result of a test"),
        (b" " * (16 * 1024 * 1024 + 1), "longer than"),
    ],
)
def test_file_that_is_no_evidence_is_refused_with_a_reason(repository, chimera, data, said):
    (repository / "evidence.json").write_bytes(data)
    answer = chimera("verify", "evidence.json")
    assert answer.code == 1
    assert said in answer.out


def test_terminal_is_not_commanded_by_evidence(repository, chimera):
    """What a hostile statement says is shown, and obeyed by nothing."""
    envelope = sign(repository)
    statement = json.loads(envelope.payload)
    statement["predicate"]["proof"] = "Proof/\x1b[2Janswer\n::error::gotcha"
    payload = json.dumps(statement).encode()
    forged = Envelope(envelope.payload_type, payload, ())
    signed = CI.sign_bare(b"x")
    forged = Envelope(forged.payload_type, payload, (EnvelopeSignature("\\u001b", signed),))
    answer = chimera("verify", envelope_file(repository, forged))
    assert answer.code == 1
    assert "\x1b" not in answer.out
    assert "\n::error" not in answer.out


def test_json_names_every_check_and_what_to_do(repository, chimera):
    answer = chimera("verify", "-o", "json", "--env", "production")
    told = json.loads(answer.out)
    assert told["format"] == "chimera-verify/1"
    assert told["outcome"] == "failed"
    assert told["trust"]["ref"] == "origin/HEAD"
    (one,) = told["evidence"]
    assert one["proof"] is None or one["proof"] == "Proof/answer"
    states = [(check["name"], check["state"]) for check in one["checks"]]
    assert states[:3] == [("payload type", "pass"), ("statement", "pass"), ("signature", "fail")]
    assert {state for _, state in states[3:]} == {"not-reached"}
    assert one["checks"][2]["help"]

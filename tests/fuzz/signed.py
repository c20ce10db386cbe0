"""What is fuzzed of keys, signatures and evidence, all of which may come from anybody."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from io import BytesIO

from chimera.kinds import Registry, load_snapshot, read_source
from chimera.model import TrustRoot, digest_bytes
from chimera.plugin import load_plugins
from chimera.proof import EvidenceError, Verifier
from chimera.proof.evidence.bundle import bound_to, read_bundle
from chimera.proof.evidence.store import parse_statement
from chimera.signatures import (
    APPROVAL,
    IN_TOTO,
    Envelope,
    PublicKey,
    SignatureError,
    verify_signature,
    verify_ssh,
)
from tests.fuzz.trees import MemoryTree

NOW = datetime(2026, 11, 21, tzinfo=UTC)
KEY = PublicKey.parse(
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
)
PROOF = {
    "apiVersion": "chimera/v1",
    "kind": "Proof",
    "metadata": {"name": "answer"},
    "spec": {
        "claim": "it holds",
        "inputs": ["src/**"],
        "steps": [{"run": "command", "argv": ["true"]}],
        "controls": [{"mutate": "delete", "path": "src/a.py"}],
    },
}


@cache
def _verifier() -> Verifier:
    files = {"proofs/answer.yaml": json.dumps(PROOF).encode(), "src/a.py": b""}
    loaded = load_snapshot(read_source(MemoryTree(files)), Registry.collect(load_plugins()))
    return Verifier(loaded.snapshot, TrustRoot("origin/main", "0" * 40, ()), NOW)


def evidence(data: bytes) -> None:
    """Read what the first byte says: a key, an SSH signature, an envelope, a bundle, a statement.

    It is read, or refused with a reason; what nobody signed verifies for nobody.
    """
    targets = (_key, _ssh_signature, _envelope, _bundle, _statement)
    with suppress(SignatureError, EvidenceError):
        targets[(data[0] if data else 0) % len(targets)](data[1:])


def _key(data: bytes) -> None:
    key = PublicKey.parse(data.decode("utf-8", "replace"))
    assert PublicKey.parse(key.text) == key
    assert PublicKey.of_blob(key.blob) == key
    assert key.fingerprint.startswith("SHA256:")


def _ssh_signature(data: bytes) -> None:
    key = verify_ssh(data.decode("utf-8", "replace"), b"a message nobody signed", APPROVAL)
    raise AssertionError(f"{key.text} signed it")


def _envelope(data: bytes) -> None:
    envelope = Envelope.parse(data)
    again = Envelope.parse(envelope.to_json())
    assert (again.payload_type, again.payload) == (envelope.payload_type, envelope.payload)
    assert set(again.signatures) == set(envelope.signatures)
    for signature in envelope.signatures:
        with suppress(SignatureError):
            key = verify_signature(envelope, signature, [KEY])
            raise AssertionError(f"{key.text} signed it")
    assert _verifier().verify(envelope).state != "valid"


def _bundle(data: bytes) -> None:
    for _, found in read_bundle(BytesIO(data)):
        assert isinstance(found, Envelope) or found.message


def _statement(data: bytes) -> None:
    verification = _verifier().verify(Envelope(IN_TOTO, data), signed=False)
    assert verification.failed is not None
    assert all(verification.failed.reasons), verification
    digest = digest_bytes(data)
    bound_to(parse_statement(data, digest), digest)

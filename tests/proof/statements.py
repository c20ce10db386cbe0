"""Statements and keys for tests of evidence: small, and as `chimera prove` would write them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chimera.model import Address, Digest, TrustedKey, TrustRoot, canonical_json
from chimera.proof.evidence.bundle import bound_to
from chimera.proof.evidence.store import EvidenceStore, parse_statement
from chimera.signatures import Envelope, sign_envelope
from chimera.signatures.signer import BareSigner

PROVER = Address("Role", "prover")
ZEROS = "0" * 64


def statement(
    finding: str = "pass", at: str = "2026-11-21T00:00:00.000000Z", **changes: Any
) -> Any:
    """A statement about `Proof/answer`, with changes of its predicate."""
    predicate = {
        "result": "PASSED" if finding == "pass" else "FAILED",
        "configuration": [
            {"name": "Proof/answer", "digest": {"sha256": ZEROS}},
            {"name": "engine", "digest": {"sha256": "e" * 64}},
        ],
        "proof": "Proof/answer",
        "finding": finding,
        "passedTests": ["step 1: exit code 0"] if finding == "pass" else [],
        "failedTests": [] if finding == "pass" else ["step 1: exit code 0"],
        "exercised": 2,
        "repetitions": 2,
        "controls": [{"mutation": "42 for 41", "finding": "fail"}],
        "reasons": [] if finding == "pass" else ["it printed 41"],
        "volatile": {
            "at": at,
            "actor": {"name": "ci"},
            "environment": "local",
            "revision": "c" * 40,
            "isolation": {"network": True, "files": False},
        },
    }
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "Proof/answer", "digest": {"sha256": ZEROS}},
            {"name": "src/**", "digest": {"sha256": ZEROS}},
        ],
        "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
        "predicate": predicate | changes,
    }


def bound(value: Any) -> tuple[Address, Digest]:
    """What a statement is bound to."""
    return bound_to(value, "sha256:" + ZEROS)


def put(store: EvidenceStore, value: Any) -> Digest:
    """Keep a statement as one that was made here."""
    return store.put(*bound(value), value)


def bring_in(store: EvidenceStore, value: Any) -> Digest:
    """Keep a statement as one from elsewhere."""
    return store.bring_in(*bound(value), canonical_json(value))


def key(number: int = 1) -> BareSigner:
    """A key that is the same in every run."""
    return BareSigner.of(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def sign(store: EvidenceStore, digest: Digest, signer: BareSigner) -> Envelope:
    """Sign what is kept."""
    parse_statement(store.envelope(digest).payload, digest)
    signed = sign_envelope(store.envelope(digest), signer)
    store.add_signature(digest, signed.signatures[-1])
    return store.envelope(digest)


def trusting(signer: BareSigner, *capabilities: str, **changes: Any) -> TrustRoot:
    """A trust root that knows one key, of `Identity/ci`."""
    roles = {PROVER: frozenset(capabilities)} if capabilities else {}
    fields: dict[str, Any] = {
        "fingerprint": signer.public.fingerprint,
        "public": signer.public.text,
        "identity": Address("Identity", "ci"),
        "human": False,
        "roles": tuple(roles),
        "capabilities": frozenset(capabilities),
    }
    return TrustRoot("origin/main", "c" * 40, (TrustedKey(**(fields | changes)),), roles)


def day(number: int) -> datetime:
    """A day of November 2026, in UTC."""
    return datetime.fromisoformat(f"2026-11-{number:02}T00:00:00Z")

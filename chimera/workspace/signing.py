"""Signing evidence: by which key, what that has signed already, and whose keys count.

What a person signs is an SSH signature, which `ssh-keygen` verifies; what automation does is bare
DSSE, which other tools verify. Refuses to sign anything twice by one key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chimera.context import Context
from chimera.model import Digest, TrustRoot
from chimera.proof import EvidenceStore
from chimera.signatures import (
    APPROVAL,
    EVIDENCE,
    AllowedSigner,
    Envelope,
    EnvelopeSignature,
    PublicKey,
    SignatureError,
    Signer,
    allowed_signers,
    ensure_ready,
    open_signer,
    sign_envelope,
    verify_signature,
)


@dataclass(frozen=True)
class Signed:
    """What was signed now, what the key had signed already, and the key."""

    fingerprint: str
    signed: tuple[Digest, ...]
    already: tuple[Digest, ...] = ()


def open_evidence_signer(context: Context, key: Path | None, *, ssh: bool | None) -> Signer:
    """Open the key to sign with; raises `ChimeraError` where none can sign."""
    signer = open_signer(context, key)
    ensure_ready(signer)
    wants_ssh = context.actor.kind == "human" if ssh is None else ssh
    return _SshSigner(signer) if wants_ssh else signer


def sign_all(store: EvidenceStore, signer: Signer, digests: Iterable[Digest]) -> Signed:
    """Sign each piece of evidence that the key has not signed yet."""
    signed, already = [], []
    keyid = signer.public.fingerprint
    for digest in digests:
        envelope = store.envelope(digest)
        if any(s.keyid == keyid and _verifies(envelope, s, signer) for s in envelope.signatures):
            already.append(digest)
            continue
        made = sign_envelope(Envelope(envelope.payload_type, envelope.payload), signer)
        store.add_signature(digest, made.signatures[0])
        signed.append(digest)
    return Signed(keyid, tuple(signed), tuple(already))


def signers_file(trust: TrustRoot) -> str:
    """Return the keys that count as an `allowed_signers` file of `ssh-keygen`."""
    return allowed_signers(_signers(trust))


@dataclass(frozen=True, slots=True)
class _SshSigner:
    """Signs as a person does: what it makes is an SSH signature, which `ssh-keygen` verifies."""

    signer: Signer

    @property
    def public(self) -> PublicKey:
        return self.signer.public

    def sign(self, message: bytes, namespace: str) -> str:
        return self.signer.sign(message, namespace)


def _verifies(envelope: Envelope, signature: EnvelopeSignature, signer: Signer) -> bool:
    """Tell whether a signature is the signer's own."""
    try:
        verify_signature(envelope, signature, (signer.public,))
    except SignatureError:
        return False
    return True


def _signers(trust: TrustRoot) -> Iterator[AllowedSigner]:
    """Yield each key that can sign anything, with what it may sign and until when."""
    for key in trust.keys:
        namespaces = tuple(
            namespace
            for namespace, capability in ((EVIDENCE, "prove"), (APPROVAL, "approve"))
            if capability in key.capabilities
            and (key.human or capability != "approve")  # only a person approves
        )
        if namespaces and key.revoked is None:
            public = PublicKey.parse(key.public)
            yield AllowedSigner(
                str(key.identity), public, namespaces, key.not_before, key.not_after
            )

"""Who says what evidence says: when, by whom and where it was proven, and who signed that.

What a statement says of itself is as good as its signatures. Refuses to name anybody for a
signature that does not verify, whatever key it claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chimera.model import Address, Finding, TrustRoot
from chimera.proof.evidence import Statement
from chimera.signatures import (
    Envelope,
    EnvelopeSignature,
    PublicKey,
    SignatureError,
    verify_signature,
)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a statement says of the proving: empty where it says nothing that can be read."""

    proof: str
    finding: str
    at: str
    actor: str
    automated: bool
    environment: str
    revision: str

    @staticmethod
    def of(statement: Statement) -> Provenance:
        """Read a statement, of which anything may be missing or of another type."""
        predicate = _mapping(statement.get("predicate"))
        volatile = _mapping(predicate.get("volatile"))
        actor = _mapping(volatile.get("actor"))
        return Provenance(
            proof=_text(predicate.get("proof")),
            finding=_text(predicate.get("finding")),
            at=_text(volatile.get("at")),
            actor=_text(actor.get("name")),
            automated=actor.get("kind") == "automation",
            environment=_text(volatile.get("environment")),
            revision=_text(volatile.get("revision")),
        )

    @property
    def moment(self) -> str:
        """When it was proven, to the second."""
        whole, dot, _ = self.at.partition(".")
        return f"{whole}Z" if dot else self.at


def is_pass(statement: Statement) -> bool:
    """Tell whether a statement says that the proof passed, in both of its fields."""
    predicate = _mapping(statement.get("predicate"))
    finding = predicate.get("finding")
    return predicate.get("result") == "PASSED" and finding == Finding.PASS.value


@dataclass(frozen=True, slots=True)
class Signatory:
    """A signature of evidence: whose it is, where it is somebody's, and why it does not count."""

    keyid: str
    identity: Address | None = None
    refusal: str | None = None

    @property
    def counts(self) -> bool:
        """Whether the signature vouches for the evidence."""
        return self.refusal is None


class Signatories:
    """Tells who signed, by the keys of a trust root at a moment; without one, nobody is known."""

    def __init__(self, trust: TrustRoot | None, now: datetime) -> None:
        self._trust = trust
        self._now = now
        self._known: dict[str, PublicKey] = {}
        for key in trust.keys if trust is not None else ():
            public = PublicKey.parse(key.public)
            self._known[public.fingerprint] = public

    def of(self, envelope: Envelope) -> tuple[Signatory, ...]:
        """Return who signed an envelope, a signature each, in the order of the envelope."""
        return tuple(self._signatory(envelope, signature) for signature in envelope.signatures)

    def vouch_for(self, envelope: Envelope) -> bool:
        """Tell whether a key that counts now, and may vouch for evidence, signed the envelope."""
        return any(signatory.counts for signatory in self.of(envelope))

    def _signatory(self, envelope: Envelope, signature: EnvelopeSignature) -> Signatory:
        if self._trust is None:
            return Signatory(signature.keyid, None, "there is no trust ref that knows keys")
        try:
            public = verify_signature(envelope, signature, self._candidates(signature))
        except SignatureError as error:
            return Signatory(signature.keyid, None, error.message)
        key = self._trust.find(public.fingerprint)
        if key is None:
            return Signatory(public.fingerprint, None, "the key is nobody's")
        refusal = key.refusal(self._now)
        if refusal is None and not self._trust.can(key, "prove"):
            refusal = f"no role of {key.identity} may vouch for evidence (`prove`)"
        return Signatory(public.fingerprint, key.identity, refusal)

    def _candidates(self, signature: EnvelopeSignature) -> Iterable[PublicKey]:
        named = self._known.get(signature.keyid)
        return (named,) if named is not None else tuple(self._known.values())


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

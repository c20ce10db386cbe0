"""Who signed evidence: each signature, whose it is, whether it counts, and who acted by that.

Every answer is the verifier's own, given for one signature at a time. Refuses to name anybody for a
signature that does not verify, whatever key it claims.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from chimera.model import Actor, Address
from chimera.proof.evidence.provenance import Provenance
from chimera.proof.evidence.verification import CheckName
from chimera.proof.evidence.verifying import Verifier
from chimera.signatures import Envelope, EnvelopeSignature

_ASKED: tuple[CheckName, ...] = ("payload type", "statement", "signature", "key")


@dataclass(frozen=True, slots=True)
class Signatory:
    """A signature of evidence: whose it is, where it is somebody's, and why it does not count."""

    keyid: str
    identity: Address | None = None
    refusal: str | None = None
    human: bool = False

    @property
    def counts(self) -> bool:
        """Whether the signature vouches for the evidence."""
        return self.refusal is None


def actor_of(said: Provenance, signed_by: Iterable[Signatory]) -> Actor:
    """Return who proved something: a person whose signature counts, and automation where none does.

    What a statement says of its actor is a name; nothing in it makes anybody a person.
    """
    people = (s.identity for s in signed_by if s.counts and s.human and s.identity is not None)
    person = next(people, None)
    return Actor(said.actor, "automation") if person is None else Actor(str(person), "human")


def signatories(verifier: Verifier, envelope: Envelope) -> tuple[Signatory, ...]:
    """Return who signed an envelope, a signature each, in the order of the envelope."""
    return tuple(_signatory(verifier, envelope, one) for one in envelope.signatures)


def _signatory(verifier: Verifier, envelope: Envelope, signature: EnvelopeSignature) -> Signatory:
    verification = verifier.verify(replace(envelope, signatures=(signature,)))
    if verification.signer is not None:
        signer = verification.signer
        return Signatory(signature.keyid, signer.identity, human=signer.human)
    checks = {check.name: check for check in verification.checks}
    failed = next(checks[name] for name in _ASKED if checks[name].state == "fail")
    identity = None
    if verifier.trust is not None and checks["signature"].state == "pass":
        key = verifier.trust.find(signature.keyid)
        identity = None if key is None else key.identity
    return Signatory(signature.keyid, identity, "; ".join(failed.reasons))

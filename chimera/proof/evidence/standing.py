"""Whether there is evidence for the present content, and if not, what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chimera.kinds import Document
from chimera.model import Address, Digest, Finding, Outcome, TrustRoot, Verdict
from chimera.proof.evidence.choosing import deciding
from chimera.proof.evidence.conformance import read_statement
from chimera.proof.evidence.store import EvidenceError, EvidenceStore, Kept
from chimera.proof.evidence.verification import OUTCOMES, State, Verification
from chimera.proof.evidence.verifying import Verifier
from chimera.proof.inputs import binding_of
from chimera.proof.kinds import ProofSpec

_MOST_TOLD = 3  # pieces of evidence of which it is said why they do not count


@dataclass(frozen=True, slots=True)
class Standing:
    """How a proof stands over the present content; only `valid` meets what is owed."""

    proof: Address
    state: State
    finding: Finding
    evidence: Digest | None = None
    reasons: tuple[str, ...] = ()
    verification: Verification | None = None

    @property
    def outcome(self) -> Outcome:
        """The standing as an exit code says it."""
        if self.verification is not None:
            return self.verification.outcome
        return OUTCOMES[self.state]

    @property
    def verdict(self) -> Verdict:
        """The standing as the gate weighs it; a pass names the evidence."""
        name, rests_on = str(self.proof), (self.evidence,) if self.evidence else ()
        reasons = (f"evidence {self.evidence}",) if self.state == "valid" else self.reasons
        return Verdict(name, name, self.finding, reasons, rests_on=rests_on)


def stand(
    verifier: Verifier, proof: Document[ProofSpec], store: EvidenceStore, *, signed: bool
) -> Standing:
    """Tell whether evidence fits the present content, the proof's document and the engine.

    Evidence counts that a key of the verifier's trust root has signed, which may prove and counts
    now; and, unless `signed`, what was made here.
    """
    bound_to = binding_of(proof, verifier.subjects_of(proof))

    def is_signed(digest: Digest) -> bool:
        try:
            return verifier.is_signed(store.envelope(digest))
        except EvidenceError:
            return False

    digest = deciding(
        *(store, proof.address, bound_to),
        is_signed=is_signed,
        needs_signature=signed,
        now=verifier.now,
    )
    about = store.about(proof.address, bound_to)
    if digest is None:
        return _without(verifier, proof, store, about, signed=signed)
    is_own = any(kept.is_own and kept.digest == digest for kept in about)
    return _judged(verifier, proof, store, digest, signed=signed, is_own=is_own)


def _judged(
    verifier: Verifier,
    proof: Document[ProofSpec],
    store: EvidenceStore,
    digest: Digest,
    *,
    signed: bool,
    is_own: bool,
) -> Standing:
    """Verify one piece of evidence, whatever an index says that it is about.

    What was made here and failed stands as failed, signed or not: to sign it would change nothing.
    """
    try:
        envelope = store.envelope(digest)
    except EvidenceError as error:
        return Standing(proof.address, "altered", Finding.FAIL, digest, (error.message,))
    verification = verifier.verify(envelope, signed=not is_own)
    if verification.state == "valid" and signed and is_own:
        verification = verifier.verify(envelope)
    if verification.proof != proof.address and verification.state == "valid":
        reasons = (f"it is evidence for {verification.proof}",)
        return Standing(proof.address, "stale", Finding.NOT_EXERCISED, digest, reasons)
    return Standing(
        proof.address,
        verification.state,
        verification.finding,
        digest,
        _reasons(verification),
        verification,
    )


def _without(
    verifier: Verifier,
    proof: Document[ProofSpec],
    store: EvidenceStore,
    about: tuple[Kept, ...],
    *,
    signed: bool,
) -> Standing:
    """Say why nothing counts: by whom it is, which part differs, or that it was never proven."""
    refused = [
        _judged(verifier, proof, store, kept.digest, signed=signed, is_own=kept.is_own)
        for kept in about[-_MOST_TOLD:]
    ]
    if refused:
        reasons = [
            f"evidence {found.evidence}: {reason}" for found in refused for reason in found.reasons
        ]
        first = refused[-1]
        return Standing(
            proof.address,
            first.state,
            first.finding,
            first.evidence,
            tuple(reasons),
            first.verification,
        )
    return _by_another(verifier, proof, store, signed=signed)


def _by_another(
    verifier: Verifier, proof: Document[ProofSpec], store: EvidenceStore, *, signed: bool
) -> Standing:
    """Say what differs in the nearest evidence of the proof, none of which is about this content.

    Where none can be read, what the last one made here is.
    """
    nearest = _nearest(verifier, proof, store)
    digest = store.latest(proof.address) if nearest is None else nearest.digest
    if digest is None:
        reason = f"{proof.address} was never run"
        return Standing(proof.address, "missing", Finding.NOT_EXERCISED, None, (reason,))
    # Whatever the index says, it was not kept for this content: the content is what is asked first.
    found = _judged(verifier, proof, store, digest, signed=signed, is_own=True)
    if found.state == "valid" and nearest is not None and not nearest.is_own:
        return _judged(verifier, proof, store, digest, signed=signed, is_own=False)
    return found


def _nearest(verifier: Verifier, proof: Document[ProofSpec], store: EvidenceStore) -> Kept | None:
    """Return the evidence of a proof that differs least from what is here, of equals the latest."""
    found: list[tuple[int, bool, str, Kept]] = []
    for kept in store.every(proof.address):
        try:
            stated = read_statement(store.get(kept.digest))
        except EvidenceError:
            continue
        if stated.proof == str(proof.address):
            found.append((*verifier.distance(proof, stated), stated.at, kept))
    found.sort(key=lambda one: (one[2], one[3].digest), reverse=True)
    return min(found, key=lambda one: one[:2])[3] if found else None


def how_to_prove(proof: str, trust: TrustRoot | None, now: datetime, *, signed: bool) -> str:
    """Say what gives a proof evidence that counts, and who can give it where it has to be signed.

    `trust` says whose keys count at `now`.
    """
    if not signed:
        return f"run `chimera prove {proof}`"
    keys = trust.keys if trust is not None else ()
    able = {
        str(key.identity)
        for key in keys
        if "prove" in key.capabilities and key.refusal(now) is None
    }
    whose = f"a key of {' or '.join(sorted(able))}" if able else "a key that may prove"
    return f"run `chimera prove {proof} --sign` with {whose}"


def _reasons(verification: Verification) -> tuple[str, ...]:
    failed = verification.failed
    if failed is None:
        return ()
    is_about_trust = failed.help is not None and verification.state == "untrusted"
    return (*failed.reasons, failed.help) if is_about_trust and failed.help else failed.reasons

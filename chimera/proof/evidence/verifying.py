"""Verifying evidence, offline and without running anything: named checks, in order.

A check that fails ends the examination: what comes after it is not reached. Refuses evidence for
other content, another definition or another engine, by a key that does not count, and evidence that
contradicts itself. The commit that it names is an annotation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from chimera.kinds import Document, Snapshot
from chimera.model import Address, Finding, TrustedKey, TrustRoot, digest_bytes
from chimera.proof.evidence.conformance import Stated, read_statement
from chimera.proof.evidence.provenance import untimely
from chimera.proof.evidence.store import EvidenceError, parse_statement
from chimera.proof.evidence.verification import Check, CheckName, Verification
from chimera.proof.inputs import ANY_ENGINE, ContentSubject, content_subjects, engine_digest
from chimera.proof.kinds import ProofSpec
from chimera.signatures import (
    IN_TOTO,
    Envelope,
    EnvelopeSignature,
    PublicKey,
    SignatureError,
    verify_signature,
)

PROVE_AGAIN = "prove it again: `chimera prove`"
_HOW_TO_TRUST = "set CHIMERA_TRUST_REF to the protected branch, outside the repository"


@dataclass(frozen=True)
class Verifier:
    """Verifies evidence against one snapshot, which is read once.

    `trust` says whose keys count at `now`; `None` where no trusted ref does, and then no signature
    counts and `now` says nothing. `branch` is what the snapshot itself says of keys: it trusts
    nobody, and explains.
    """

    snapshot: Snapshot
    trust: TrustRoot | None
    now: datetime | None
    branch: TrustRoot | None = None
    _subjects: dict[Address, tuple[ContentSubject, ...]] = field(default_factory=dict)

    def verify(self, envelope: Envelope, *, signed: bool = True) -> Verification:
        """Examine evidence; its signatures are not asked for where it was made here (`signed`)."""
        examination = _Examination(self, envelope, signed)
        checks = tuple(examination.checks())
        stated = examination.stated
        proof = examination.proof.address if examination.proof is not None else None
        evidence = digest_bytes(envelope.payload)
        return Verification(evidence, checks, proof, stated, examination.signer)

    def is_signed(self, envelope: Envelope) -> bool:
        """Tell whether a key that may prove, and counts now, has signed an envelope."""
        examination = _Examination(self, envelope, is_signed=True)
        try:
            examination.check_payload_type()
            examination.check_signature()
            examination.check_key()
        except _RefusedError:
            return False
        return True

    def distance(self, proof: Document[ProofSpec], stated: Stated) -> tuple[int, bool]:
        """Return how many subjects differ from those that are here, and whether the engine does."""
        expected = {subject.name: subject.digest for subject in self.subjects_of(proof)}
        names = expected.keys() | stated.subjects.keys()
        differing = sum(expected.get(name) != stated.subjects.get(name) for name in names)
        lets_any = proof.spec.engine == ANY_ENGINE
        return differing, not lets_any and stated.engine != engine_digest()

    def subjects_of(self, proof: Document[ProofSpec]) -> tuple[ContentSubject, ...]:
        """Return what evidence for a proof has to be about."""
        if proof.address not in self._subjects:
            self._subjects[proof.address] = content_subjects(proof, self.snapshot)
        return self._subjects[proof.address]

    @cached_property
    def proofs(self) -> dict[str, Document[ProofSpec]]:
        """The proofs of the snapshot, by their address as text."""
        return {str(proof.address): proof for proof in self.snapshot.of_model(ProofSpec)}

    @cached_property
    def keys(self) -> dict[str, PublicKey]:
        """The keys that a signature is tried with, by fingerprint; whether they count comes later.

        The branch's are among them to tell a key that only it trusts from one that nobody knows.
        """
        roots = [root for root in (self.branch, self.trust) if root is not None]
        return {key.fingerprint: PublicKey(key.public) for root in roots for key in root.keys}

    def refusal(self, fingerprint: str) -> tuple[str, str] | None:
        """Say why a key's signature on evidence does not count, and what to do; else `None`."""
        assert self.trust is not None
        assert self.now is not None
        key = self.trust.find(fingerprint)
        if key is None:
            return (
                f"the key {fingerprint} is trusted only by this branch, not by {self.trust.ref}",
                f"bring the identity into {self.trust.ref} first, in a change of its own",
            )
        if (reason := key.refusal(self.now)) is not None:
            return reason, "have it signed by a key that counts: `chimera evidence sign`"
        if "prove" not in key.capabilities:
            return (
                f"{key.identity} may not prove: it has no role with the capability `prove`",
                "have it signed by whoever may prove, as CI: `chimera evidence sign`",
            )
        return None


class _RefusedError(Exception):
    """A check failed."""

    def __init__(self, *reasons: str, help: str | None = None) -> None:
        super().__init__(*reasons)
        self.reasons = reasons
        self.help = help


class _Examination:
    """One piece of evidence, check by check; each check relies on those before it."""

    def __init__(self, verifier: Verifier, envelope: Envelope, is_signed: bool) -> None:
        self.verifier = verifier
        self.envelope = envelope
        self.is_signed = is_signed
        self.stated: Stated | None = None
        self.proof: Document[ProofSpec] | None = None
        self.signer: TrustedKey | None = None
        self._signers: list[str] = []

    def checks(self) -> Iterator[Check]:
        """Yield how each check ended; after one that fails, none is reached."""
        is_over = False
        for name, check in self._in_order():
            if is_over:
                yield Check(name, "not-reached")
                continue
            if not self.is_signed and name in {"signature", "key"}:
                yield Check(
                    name, "not-asked", ("it was made here, for an unprotected environment",)
                )
                continue
            try:
                yield Check(name, "pass", (check(),))
            except _RefusedError as refused:
                is_over = True
                yield Check(name, "fail", refused.reasons, refused.help)

    def _in_order(self) -> tuple[tuple[CheckName, Callable[[], str]], ...]:
        return (
            ("payload type", self.check_payload_type),
            ("statement", self.check_statement),
            ("signature", self.check_signature),
            ("key", self.check_key),
            ("proof definition", self.check_definition),
            ("subjects", self.check_subjects),
            ("engine", self.check_engine),
            ("isolation", self.check_isolation),
            ("result", self.check_result),
        )

    def check_payload_type(self) -> str:
        """Refuse an envelope around anything but a statement."""
        if self.envelope.payload_type != IN_TOTO:
            raise _RefusedError(
                f"the envelope holds {self.envelope.payload_type}, not {IN_TOTO}",
                help="give an envelope that `chimera evidence export` wrote",
            )
        return IN_TOTO

    def check_statement(self) -> str:
        """Refuse what is no statement of a test's result, as in-toto and Chimera have it."""
        payload = self.envelope.payload
        try:
            self.stated = read_statement(parse_statement(payload, digest_bytes(payload)))
        except EvidenceError as error:
            raise _RefusedError(error.message, help=PROVE_AGAIN) from error
        return f"about {self.stated.proof}"

    def check_signature(self) -> str:
        """Refuse what no known key has signed as it stands."""
        if self.verifier.trust is None:
            raise _RefusedError(
                "there is no trusted ref that says whose keys count", help=_HOW_TO_TRUST
            )
        if not self.envelope.signatures:
            raise _RefusedError("nobody has signed it", help="sign it: `chimera evidence sign`")
        reasons = []
        for signature in self.envelope.signatures:
            try:
                self._signers.append(self._signer(signature).fingerprint)
            except SignatureError as error:
                reasons.append(error.message)
        if not self._signers:
            raise _RefusedError(*reasons, help="have it signed by a key that may prove")
        return f"by {' and '.join(self._signers)}"

    def _signer(self, signature: EnvelopeSignature) -> PublicKey:
        """Return the key that made a signature; raises `SignatureError`."""
        trust, keys = self.verifier.trust, self.verifier.keys
        assert trust is not None
        if signature.keyid in trust.shared:
            raise SignatureError(
                f"the key {signature.keyid} is nobody's: two identities of {trust.ref} name it"
            )
        if signature.keyid in trust.pending:
            raise SignatureError(
                f"the key {signature.keyid} comes with what would be applied: it counts once that"
                " is applied"
            )
        if signature.keyid.startswith("SHA256:") and signature.keyid not in keys:
            here = "" if self.verifier.branch is None else ", and neither has this tree"
            raise SignatureError(
                f"the key {signature.keyid} is unknown: {trust.ref} does not have it{here}"
            )
        return verify_signature(self.envelope, signature, keys.values())

    def check_key(self) -> str:
        """Refuse signatures by keys that may not prove, or do not count now."""
        refusals = []
        for fingerprint in self._signers:
            refusal = self.verifier.refusal(fingerprint)
            if refusal is None:
                assert self.verifier.trust is not None
                self.signer = self.verifier.trust.find(fingerprint)
                assert self.signer is not None
                return f"{self.signer.identity} may prove, says {self.verifier.trust.ref}"
            refusals.append(refusal)
        raise _RefusedError(*(reason for reason, _ in refusals), help=refusals[0][1])

    def check_definition(self) -> str:
        """Refuse evidence for a proof that is not here, or is defined otherwise."""
        assert self.stated is not None
        named = self.stated.proof
        self.proof = self.verifier.proofs.get(named)
        if self.proof is None:
            raise _RefusedError(
                f"there is no {named} here", help="verify it in the repository that it is about"
            )
        proven = self.stated.subjects.get(named)
        if proven is None:
            raise _RefusedError(f"{named} was not proven", help=PROVE_AGAIN)
        if proven != self.proof.digest:
            raise _RefusedError(f"{named} changed since it was proven", help=PROVE_AGAIN)
        return f"{named} is as it was proven"

    def check_subjects(self) -> str:
        """Refuse evidence that is about more, less or other content than is here."""
        assert self.stated is not None
        assert self.proof is not None
        expected = {s.name: s.digest for s in self.verifier.subjects_of(self.proof)}
        stated = self.stated.subjects
        reasons = []
        for name in sorted(expected.keys() | stated.keys()):
            if name not in stated:
                reasons.append(f"{name} was not proven")
            elif name not in expected:
                reasons.append(f"{name} is no longer an input")
            elif stated[name] != expected[name]:
                reasons.append(f"{name} changed since it was proven")
        if reasons:
            raise _RefusedError(*reasons, help=PROVE_AGAIN)
        return f"{len(expected)} agree"

    def check_engine(self) -> str:
        """Refuse what another version of the engine proved, unless the proof lets it in."""
        assert self.stated is not None
        assert self.proof is not None
        if self.stated.engine is None:
            raise _RefusedError("it does not say which engine proved it", help=PROVE_AGAIN)
        if self.stated.engine == engine_digest():
            return "proven by this version"
        if self.proof.spec.engine == ANY_ENGINE:
            return f"proven by {self.stated.engine}: the proof lets any version in"
        raise _RefusedError(
            "another version of the engine proved it",
            help="prove again with this one, or say `engine: any` in the proof",
        )

    def check_isolation(self) -> str:
        """Refuse what ran with less isolation than the proof asks for."""
        assert self.stated is not None
        assert self.proof is not None
        asked = self.proof.spec.isolation
        missing = [name for name in asked if name not in self.stated.isolation]
        if missing:
            raise _RefusedError(
                f"the proof asks for isolation that did not hold: {', '.join(missing)}",
                help="prove it where the kernel lets an unprivileged user isolate processes",
            )
        held = ", ".join(sorted(self.stated.isolation)) or "nothing"
        return f"isolated: {held}; asked for: {', '.join(asked) or 'nothing'}"

    def check_result(self) -> str:
        """Refuse what did not pass, contradicts itself, or did less than the proof asks for."""
        assert self.stated is not None
        assert self.proof is not None
        stated, spec = self.stated, self.proof.spec
        if contradictions := tuple(stated.contradictions()):
            raise _RefusedError(*contradictions, help=PROVE_AGAIN)
        if stated.finding is not Finding.PASS:
            raise _RefusedError(*(stated.reasons or ("it did not pass",)), help=PROVE_AGAIN)
        now = self.verifier.now
        if now is not None and (reason := untimely(stated.at, now)) is not None:
            raise _RefusedError(reason, help="set the clock of who proves it, and prove it again")
        if stated.repetitions < spec.repeat:
            raise _RefusedError(
                f"it was run {stated.repetitions} times, and the proof asks for {spec.repeat}",
                help=PROVE_AGAIN,
            )
        if len(stated.controls) != len(spec.controls):
            raise _RefusedError(
                f"{len(stated.controls)} controls were run, and the proof has {len(spec.controls)}",
                help=PROVE_AGAIN,
            )
        return f"passed: {stated.exercised} assertions, {stated.repetitions} repetitions"

"""Evidence as people handle it: listed, shown, signed, exported and imported.

Refuses to sign what is not whole, and to call anybody its signer whom the trust ref does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from chimera.context import write_whole
from chimera.model import Actor, Address, Digest, Outcome, Result, TrustRoot, UsageError
from chimera.proof import EvidenceError, EvidenceStore, ProofSpec
from chimera.proof.evidence.bundle import bound_to, bring_in_envelope, bundle, read_bundle
from chimera.proof.evidence.provenance import Provenance
from chimera.proof.evidence.signatories import Signatory, actor_of, signatories
from chimera.proof.evidence.store import Statement
from chimera.proof.evidence.verifying import Verifier
from chimera.proof.inputs import binding_of
from chimera.signatures import (
    Envelope,
    SignatureError,
    Signer,
    fault_of,
    is_armoured,
    pae,
)
from chimera.state import Layout
from chimera.workspace.naming import is_digest_prefix, proof_named
from chimera.workspace.sharing import Exchange, pull, push
from chimera.workspace.signing import Signed, open_evidence_signer, sign_all, signers_file

if TYPE_CHECKING:
    from chimera.workspace.proving import ProveReport
    from chimera.workspace.workspace import Workspace

Fit = Literal["fits", "stale", "no such proof"]


@dataclass(frozen=True)
class Row:
    """One piece of evidence: what it says, who signed it, whether it is about what is here now."""

    digest: Digest
    said: Provenance
    signed_by: tuple[Signatory, ...]
    fit: Fit
    is_own: bool

    @property
    def actor(self) -> Actor:
        """Who proved it: a person where one signed, else automation."""
        return actor_of(self.said, self.signed_by)


@dataclass(frozen=True)
class Listing:
    """Every piece of evidence, the latest first, and the files that are not what they should be."""

    rows: tuple[Row, ...]
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shown:
    """One piece of evidence whole."""

    row: Row
    statement: Statement
    envelope: Envelope

    @property
    def payload(self) -> bytes:
        """The bytes that are signed: DSSE's encoding of the statement and its type."""
        return pae(self.envelope.payload_type, self.envelope.payload)

    @property
    def ssh_signature(self) -> bytes:
        """The first SSH signature; raises `UsageError` where there is none."""
        for signature in self.envelope.signatures:
            if is_armoured(signature.sig):
                return signature.sig
        raise UsageError(
            f"{self.row.digest} has no SSH signature",
            help="make one with `chimera evidence sign --ssh`",
        )

    @property
    def subjects(self) -> tuple[tuple[str, Digest], ...]:
        """What was proven, by name, with digests."""
        return tuple((s["name"], s["digest"]["sha256"]) for s in self.statement["subject"])

    @property
    def isolation(self) -> tuple[str, ...]:
        """What isolation held in every run, as far as the statement says."""
        volatile = self.statement["predicate"].get("volatile")
        held = volatile.get("isolation") if isinstance(volatile, dict) else None
        if not isinstance(held, dict):
            return ()
        return tuple(sorted(name for name, value in held.items() if value is True))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it did not pass, as far as the statement says."""
        found = self.statement["predicate"].get("reasons")
        return tuple(map(str, found)) if isinstance(found, list) else ()


@dataclass(frozen=True)
class Imported:
    """What a bundle brought, and why some of its lines were refused."""

    digests: tuple[Digest, ...]
    refused: tuple[str, ...] = ()


class Evidence:
    """The evidence of one workspace, held against its present content."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @cached_property
    def store(self) -> EvidenceStore:
        """Where evidence is kept; raises `StateError` where the repository brought some itself."""
        if Layout(self._workspace.root).folder.exists():
            self._workspace.prepare()
        return EvidenceStore.below(self._workspace.root)

    @cached_property
    def trust(self) -> TrustRoot | None:
        """The keys that count, where there is a trust ref."""
        from chimera.workspace.trust import trust_of

        found = trust_of(self._workspace)
        return None if found is None else found.root

    def signatories(self, digest: Digest) -> tuple[Signatory, ...]:
        """Return who signed a piece of evidence, by those keys at the present moment."""
        return signatories(self._verifier, self.store.envelope(digest))

    @cached_property
    def _verifier(self) -> Verifier:
        now = self._workspace.context.clock.now()
        return Verifier(self._workspace.loaded.snapshot, self.trust, now)

    @cached_property
    def _present(self) -> dict[Address, Digest]:
        """What evidence about each proof has to be bound to now."""
        return {
            proof.address: binding_of(proof, self._verifier.subjects_of(proof))
            for proof in self._workspace.loaded.snapshot.of_model(ProofSpec)
        }

    def list(self, names: Sequence[str] = ()) -> Result[Listing]:
        """Return all evidence, or that of the proofs named."""
        wanted = {str(self._proof(name)) for name in names}
        rows: list[Row] = []
        for digest in self.store.digests():
            try:
                row = self._row(digest, self.store.get(digest))
            except EvidenceError:
                continue  # it is among the damaged
            if not wanted or row.said.proof in wanted:
                rows.append(row)
        rows.sort(key=lambda row: (row.said.at, row.digest), reverse=True)
        damaged = tuple(str(p.relative_to(self._workspace.root)) for p in self.store.damaged())
        outcome = Outcome.FAILED if damaged else Outcome.PASSED
        return Result(Listing(tuple(rows), damaged), outcome)

    def show(self, name: str) -> Shown:
        """Return the evidence that a digest, or the beginning of one, names."""
        digest = self._named(name)
        statement = self.store.get(digest)
        return Shown(self._row(digest, statement), statement, self.store.envelope(digest))

    def sign(self, names: Sequence[str], signer: Signer) -> Signed:
        """Sign evidence by digest or proof; without names, all made here that fits the content.

        Raises `UsageError` where there is nothing to sign.
        """
        digests = self._chosen(names, own=True)
        if not digests:
            raise UsageError(
                "there is nothing to sign: no evidence made here fits the present content",
                help="run `chimera prove` first, or name evidence by its digest",
            )
        return sign_all(self.store, signer, digests)

    def signer(self, key: Path | None, *, ssh: bool | None = None) -> Signer:
        """Open the key to sign with; raises `UsageError` where there is none.

        `ssh` has it make signatures that `ssh-keygen` verifies; left out, a person's does and
        automation's does not.
        """
        return open_evidence_signer(self._workspace.context, key, ssh=ssh)

    def doubt(self, signer: Signer) -> str | None:
        """Say why what the key signs would not count now; `None` where it would.

        It may count later, when the trust ref has the key: that does not keep anybody from signing.
        """
        trust, fingerprint = self.trust, signer.public.fingerprint
        if trust is None:
            return f"no trust ref says whose the key {fingerprint} is: set CHIMERA_TRUST_REF"
        nothing = f"the key {fingerprint} counts for nothing"
        if fingerprint in trust.shared:
            return f"{nothing}: two identities in {trust.ref} name it"
        if trust.find(fingerprint) is None:
            return f"{nothing}: no Identity in {trust.ref} has it"
        refusal = self._verifier.refusal(fingerprint)
        return None if refusal is None else refusal[0]

    def sign_report(self, signer: Signer, report: ProveReport) -> Signed:
        """Sign what was proven now, and what was used again that nobody vouches for yet."""
        proven = [proof.evidence for proof in report.proven]
        reused = [again.evidence for again in report.reused if not again.signers]
        return sign_all(self.store, signer, (d for d in (*proven, *reused) if d is not None))

    def export(self, names: Sequence[str], file: Path) -> tuple[Digest, ...]:
        """Write what fits the present content, of all proofs or those named, as a bundle."""
        digests = self._chosen(names, own=False)
        data = bundle(map(self.store.envelope, digests))
        try:
            write_whole(file, data)
        except OSError as error:
            raise UsageError(
                f"cannot write {file}: {error.strerror}", help="name a file that can be written"
            ) from error
        return digests

    def import_from(self, path: Path) -> Result[Imported]:
        """Take in the evidence of a bundle; what is wrong with a line concerns no other.

        A signature that does not verify is refused, and the statement with it that has no other.
        """
        self._workspace.prepare()
        taken: list[Digest] = []
        refused: list[str] = []
        try:
            with path.open("rb") as file:
                for number, found in read_bundle(file):
                    try:
                        if isinstance(found, SignatureError):
                            raise found
                        sound, faults = self._sound(found)
                        refused += (f"line {number}: {fault}" for fault in faults)
                        if sound is not None:
                            taken.append(bring_in_envelope(self.store, sound))
                    except (EvidenceError, SignatureError) as error:
                        refused.append(f"line {number}: {error.message}")
        except OSError as error:
            raise UsageError(
                f"{path} cannot be read: {error.strerror}", help="name a file of evidence"
            ) from error
        outcome = Outcome.FAILED if refused else Outcome.PASSED
        if not taken and not refused:
            outcome = Outcome.NOT_EXERCISED
        return Result(Imported(tuple(dict.fromkeys(taken)), tuple(refused)), outcome)

    def push(self, remote: str) -> Result[Exchange]:
        """Add what is signed here, and the approvals, to the remote's ref of evidence."""
        return push(self._workspace, remote)

    def pull(self, remote: str) -> Result[Exchange]:
        """Take in what the remote's ref of evidence holds and is not here."""
        return pull(self._workspace, remote)

    def signers(self) -> str:
        """Return the keys that count now as an `allowed_signers` file of `ssh-keygen`.

        Raises `UsageError` where there is no trust ref.
        """
        if self.trust is None:
            raise UsageError(
                "there is no trust ref that says whose keys count",
                help="set CHIMERA_TRUST_REF, as to origin/main, or fetch origin",
            )
        return signers_file(self.trust)

    def _sound(self, envelope: Envelope) -> tuple[Envelope | None, tuple[str, ...]]:
        """Return an envelope without the signatures that do not verify, and why each does not."""
        known, sound, faults = self._verifier.keys.values(), [], []
        for signature in envelope.signatures:
            fault = fault_of(envelope, signature, known)
            if fault is None:
                sound.append(signature)
            else:
                faults.append(f"the signature by {signature.keyid} does not verify: {fault}")
        if faults and not sound:
            return None, tuple(faults)
        return replace(envelope, signatures=tuple(sound)), tuple(faults)

    def _row(self, digest: Digest, statement: Statement) -> Row:
        proof, bound = bound_to(statement, digest)
        present = self._present.get(proof)
        return Row(
            digest,
            Provenance.of(statement),
            self.signatories(digest),
            "no such proof" if present is None else "fits" if present == bound else "stale",
            self.store.is_own(proof, bound, digest),
        )

    def _chosen(self, names: Sequence[str], *, own: bool) -> tuple[Digest, ...]:
        """Return the evidence that is named, by digest or as what fits of a proof."""
        found: list[Digest] = []
        for name in names or map(str, self._present):
            if self._is_digest(name):
                found.append(self._named(name))
                continue
            proof = self._proof(name)
            about = self.store.about(proof, self._present[proof])
            fitting = [kept.digest for kept in about if kept.is_own or not own]
            if names and not fitting:
                made = " made here" if own else ""
                raise UsageError(
                    f"there is no evidence{made} of {proof} that fits the present content",
                    help=f"run `chimera prove {proof.name}`, or name evidence by its digest",
                )
            found += fitting
        return tuple(dict.fromkeys(found))

    def _is_digest(self, name: str) -> bool:
        """Tell whether a name is the beginning of a digest and not that of a proof."""
        is_proof = "/" in name or Address("Proof", name) in self._present
        return not is_proof and is_digest_prefix(name)

    def _named(self, prefix: str) -> Digest:
        prefix = prefix.removeprefix("sha256:")
        found = [digest for digest in self.store.digests() if digest[7:].startswith(prefix)]
        if len(found) != 1:
            what = "several pieces of" if found else "no"
            raise UsageError(
                f"there is {what} evidence with a digest that begins with {prefix!r}",
                help="`chimera evidence list` names them; write more of the digest"
                if found
                else "`chimera evidence list` names what there is",
            )
        return found[0]

    def _proof(self, name: str) -> Address:
        address = proof_named(name)
        if address not in self._present:
            known = ", ".join(map(str, self._present)) or "none"
            raise UsageError(f"there is no {address}", help=f"there is: {known}")
        return address

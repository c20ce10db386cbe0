"""Verifying evidence from anywhere against a tree, offline and without running anything.

Refuses to take a file's word for anything: what is not signed by a key of the trust ref counts only
where nothing is protected and this clone made it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from chimera.gate import environments, trust_root
from chimera.kinds import Document
from chimera.model import Outcome, Result, UsageError, digest_bytes
from chimera.proof import EvidenceError, ProofSpec, Verification, Verifier, how_to_prove, stand
from chimera.proof.evidence.bundle import bound_to, read_bundle
from chimera.proof.evidence.store import parse_statement
from chimera.proof.evidence.verifying import PROVE_AGAIN
from chimera.signatures import IN_TOTO, Envelope, SignatureError, read_json
from chimera.workspace.judging import placements_of
from chimera.workspace.naming import is_digest_prefix
from chimera.workspace.protection import protects
from chimera.workspace.proving import select
from chimera.workspace.trust import Trust, trust_for

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

MOST_FILE_BYTES = 16 << 20
"""The longest envelope or statement that is read; a bundle may have as many lines as it likes."""


@dataclass(frozen=True)
class Examined:
    """What came of one thing that was given: a file, a line of a bundle, a proof or a digest.

    Without a `verification`, `reasons` say why there was nothing to verify.
    """

    given: str
    outcome: Outcome
    verification: Verification | None = None
    reasons: tuple[str, ...] = ()
    help: str | None = None


@dataclass(frozen=True)
class VerifyReport:
    """Everything that was examined, against which commit, and whose keys counted."""

    examined: tuple[Examined, ...]
    environment: str
    revision: str | None
    trust: Trust | None


def verify(
    workspace: Workspace, names: Sequence[str], *, at: str | None, environment: str
) -> Result[VerifyReport]:
    """Verify files, proofs and digests, or the evidence of every proof, against a tree.

    The tree is the commit `at`, or what may be applied to the environment. Raises `UsageError` for
    what is neither a file, nor a proof, nor the digest of evidence.
    """
    bench = _Bench(workspace, at, environment)
    if names:
        examined = tuple(found for name in names for found in bench.examine(name))
    else:
        examined = tuple(map(bench.examine_proof, bench.proofs()))
    outcomes = [found.outcome for found in examined] or [Outcome.NOT_EXERCISED]
    report = VerifyReport(examined, environment, bench.loaded.snapshot.tree.revision, bench.trust)
    return Result(report, Outcome.worst(outcomes))


class _Bench:
    """One tree, one trust ref and one environment, for all that is examined."""

    def __init__(self, workspace: Workspace, at: str | None, environment: str) -> None:
        self._workspace = workspace
        self._store = workspace.evidence.store
        self.loaded = workspace.commit(at) if at else workspace.for_environment(environment)
        self.trust = workspace.trust
        with workspace.read_state() as state:
            self._keys = trust_for(workspace, state, environment)
        here = environments(self.loaded.snapshot).get(environment, False)
        self._is_protected = here or protects(workspace, environment)

    def proofs(self) -> list[Document[ProofSpec]]:
        """Return the proofs that do not stand in a dormant layer."""
        placements = placements_of(self.loaded.snapshot)
        return select(self.loaded, (), lambda address: placements.get(address, ()))

    @cached_property
    def verifier(self) -> Verifier:
        """What verifies against the tree by the keys that count, as at the gate."""
        snapshot = self.loaded.snapshot
        branch = trust_root(snapshot, "this tree", snapshot.tree.revision or "")
        return Verifier(snapshot, self._keys, self._workspace.context.clock.now(), branch)

    def examine(self, name: str) -> Iterator[Examined]:
        """Yield what came of a proof's name, a file or a digest, whichever it is first."""
        proof = self.verifier.proofs.get(name if "/" in name else f"Proof/{name}")
        if proof is not None:
            yield self.examine_proof(proof)
        elif Path(name).is_file():
            yield from self._examine_file(Path(name))
        elif is_digest_prefix(name):
            shown = self._workspace.evidence.show(name)
            yield self._verified(name, shown.envelope)
        else:
            raise UsageError(
                f"{name!r} is no proof of this tree, no file, and no digest of evidence",
                help="`chimera get Proof` lists proofs, `chimera evidence list` evidence",
            )

    def examine_proof(self, proof: Document[ProofSpec]) -> Examined:
        """Return how a proof stands by the evidence that is kept here."""
        found = stand(self.verifier, proof, self._store, signed=self._is_protected)
        failed = found.verification.failed if found.verification is not None else None
        help = failed.help if failed is not None else None
        has_to_be_signed = self._is_protected and help == PROVE_AGAIN
        if found.state != "valid" and (failed is None or has_to_be_signed):
            now, name = self._workspace.context.clock.now(), str(proof.address)
            how = how_to_prove(name, self._keys, now, signed=self._is_protected)
            help = f"{how}, or pull its evidence"
        return Examined(str(proof.address), found.outcome, found.verification, found.reasons, help)

    def _examine_file(self, file: Path) -> Iterator[Examined]:
        try:
            with file.open("rb") as opened:
                if file.suffix == ".jsonl":
                    yield from self._examine_lines(file, opened)
                else:
                    yield self._examine_one(str(file), opened.read(MOST_FILE_BYTES + 1))
        except OSError as error:
            raise UsageError(
                f"{str(file)!r} cannot be read: {error.strerror}", help="name a file of evidence"
            ) from error

    def _examine_lines(self, file: Path, opened: IO[bytes]) -> Iterator[Examined]:
        for number, found in read_bundle(opened):
            given = f"{file}, line {number}"
            if isinstance(found, SignatureError):
                yield Examined(given, Outcome.FAILED, reasons=(found.message,), help=found.help)
            else:
                yield self._verified(given, found)

    def _examine_one(self, given: str, data: bytes) -> Examined:
        """Examine an envelope, or a statement by itself with the signatures that are kept here."""
        try:
            value = read_json(data, "the file")
            if isinstance(value, dict) and "_type" in value:
                signatures = self._store.signatures(digest_bytes(data))
                return self._verified(given, Envelope(IN_TOTO, data, signatures))
            return self._verified(given, Envelope.parse(data))
        except SignatureError as error:
            help = error.help or "give an envelope, a statement, or a bundle (*.jsonl)"
            return Examined(given, Outcome.FAILED, reasons=(error.message,), help=help)

    def _verified(self, given: str, envelope: Envelope) -> Examined:
        """Verify an envelope; unsigned only what this clone made, where nothing is protected."""
        signed = self._is_protected or not self._is_own(envelope)
        found = self.verifier.verify(envelope, signed=signed)
        failed = found.failed
        if failed is None:
            return Examined(given, found.outcome, found)
        return Examined(given, found.outcome, found, failed.reasons, failed.help)

    def _is_own(self, envelope: Envelope) -> bool:
        digest = digest_bytes(envelope.payload)
        try:
            proof, bound = bound_to(parse_statement(envelope.payload, digest), digest)
        except EvidenceError:
            return False
        return any(k.is_own and k.digest == digest for k in self._store.about(proof, bound))

"""Whether there is evidence for the present content, and if not, what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from chimera.kinds import Document, Snapshot
from chimera.model import Address, Digest, Finding, Verdict
from chimera.proof.evidence import (
    PREDICATE_TYPE,
    EvidenceError,
    EvidenceStore,
    Statement,
    parse_statement,
)
from chimera.proof.inputs import ContentSubject, binding, content_subjects, engine_digest
from chimera.proof.kinds import ProofSpec

State = Literal["valid", "failed", "stale", "missing", "altered"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a proof stands over the present content; only `valid` meets what is owed."""

    proof: Address
    state: State
    finding: Finding
    evidence: Digest | None = None
    reasons: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The standing as the gate weighs it; a pass names the evidence."""
        reasons = (f"evidence {self.evidence}",) if self.state == "valid" else self.reasons
        return Verdict(str(self.proof), str(self.proof), self.finding, reasons)


def standing(
    proof: Document[ProofSpec], snapshot: Snapshot, store: EvidenceStore, engine: Digest = ""
) -> Standing:
    """Tell whether evidence fits the snapshot's content, the proof's document and the engine.

    `engine` is this engine's digest unless another is given.
    """
    engine = engine or engine_digest()
    subjects = content_subjects(proof, snapshot)
    digest = store.find(proof.address, binding(str(proof.address), subjects, engine))
    if digest is None:
        return _without(proof.address, subjects, engine, store)
    try:
        return judge(store.get(digest), digest, proof.address, subjects, engine)
    except EvidenceError as error:
        return Standing(proof.address, "altered", Finding.FAIL, digest, (error.message,))


def judge(
    statement: Statement,
    digest: Digest,
    proof: Address,
    subjects: Iterable[ContentSubject],
    engine: Digest,
) -> Standing:
    """Judge one statement against what it would have to be about, whatever an index says."""
    differing = tuple(_differences(statement, proof, subjects, engine))
    if differing:
        return Standing(proof, "stale", Finding.NOT_EXERCISED, digest, differing)
    predicate = statement["predicate"]
    finding = predicate.get("finding")
    if predicate.get("result") == "PASSED" and finding == Finding.PASS.value:
        return Standing(proof, "valid", Finding.PASS, digest)
    reasons = tuple(map(str, _items(predicate.get("reasons")))) or ("it did not pass",)
    if finding == Finding.NOT_EXERCISED.value:
        return Standing(proof, "failed", Finding.NOT_EXERCISED, digest, reasons)
    return Standing(proof, "failed", Finding.FAIL, digest, reasons)


def _without(
    proof: Address, subjects: Iterable[ContentSubject], engine: Digest, store: EvidenceStore
) -> Standing:
    """Say why nothing fits: never proven, or which part differs from what was proven last."""
    latest = store.latest(proof)
    if latest is None:
        return Standing(proof, "missing", Finding.NOT_EXERCISED, None, (f"{proof} was never run",))
    try:
        found = judge(store.get(latest), latest, proof, subjects, engine)
    except EvidenceError as error:
        return Standing(proof, "altered", Finding.FAIL, latest, (error.message,))
    # The index had no entry for this content: whatever it says, the statement was not kept for it.
    return found


def _differences(
    statement: Statement, proof: Address, subjects: Iterable[ContentSubject], engine: Digest
) -> Iterable[str]:
    """Yield what of a statement is not what it would have to be."""
    predicate = statement.get("predicate")
    if statement.get("predicateType") != PREDICATE_TYPE or not isinstance(predicate, dict):
        yield "it is not the result of a test"
        return
    proven = predicate.get("proof")
    if proven != str(proof):
        yield f"it is evidence for {proven}"
    if _digest_of(predicate, "engine") != engine:
        yield "another version of the engine proved it"
    expected = {subject.name: subject.digest for subject in subjects}
    stated = _stated_subjects(statement)
    for name in sorted(expected.keys() | stated.keys()):
        if name not in stated:
            yield f"{name} was not proven"
        elif name not in expected:
            yield f"{name} is no longer an input"
        elif stated[name] != expected[name]:
            yield f"{name} changed since it was proven"


def _stated_subjects(statement: Statement) -> dict[str, Digest]:
    """Return the subjects by name; a name that is stated twice or oddly matches nothing."""
    found: dict[str, Digest] = {}
    for subject in _items(statement.get("subject")):
        name, digest = _descriptor(subject)
        found[name] = "" if name in found else digest
    return found


def _digest_of(predicate: dict[str, Any], name: str) -> Digest | None:
    for item in _items(predicate.get("configuration")):
        found, digest = _descriptor(item)
        if found == name:
            return digest
    return None


def _items(value: Any) -> list[Any]:
    """Return a list as it is and anything else as empty: evidence comes from anywhere."""
    return value if isinstance(value, list) else []


def _descriptor(value: Any) -> tuple[str, Digest]:
    digests = value.get("digest") if isinstance(value, dict) else None
    hexadecimal = digests.get("sha256") if isinstance(digests, dict) else None
    name = str(value.get("name")) if isinstance(value, dict) else ""
    return name, f"sha256:{hexadecimal}"


def verify(data: bytes, digest: Digest, snapshot: Snapshot, engine: Digest = "") -> Standing:
    """Judge evidence from anywhere against the snapshot, offline and without running anything.

    Raises `EvidenceError` for bytes that do not hash to `digest` or are no statement about a proof
    of this snapshot.
    """
    statement = parse_statement(data, digest)
    predicate = statement.get("predicate")
    named = predicate.get("proof") if isinstance(predicate, dict) else None
    for proof in snapshot.of_model(ProofSpec):
        if str(proof.address) == named:
            subjects = content_subjects(proof, snapshot)
            return judge(statement, digest, proof.address, subjects, engine or engine_digest())
    raise EvidenceError(
        f"there is no {named} here", help="verify it in the repository that it was proven in"
    )

"""Evidence on its way: what a statement is bound to, and bundles, one DSSE envelope a line.

A bundle is `*.intoto.jsonl`, as in-toto's attestation bundles are. Whatever comes from elsewhere
is hostile: sizes and counts are bounded, a line is taken whole or refused with its reason, and
nothing of it counts before its signatures do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Any

from chimera.model import Address, Digest, UsageError, digest_bytes
from chimera.proof.evidence.store import (
    MOST_STATEMENT_BYTES,
    PREDICATE_TYPE,
    EvidenceError,
    EvidenceStore,
    Statement,
    is_digest,
    parse_statement,
)
from chimera.proof.inputs import ANY_ENGINE, ContentSubject, binding
from chimera.signatures import IN_TOTO, Envelope, EnvelopeSignature, SignatureError

MOST_LINES = 20_000
_MOST_LINE_BYTES = 16 << 20
_MOST_SUBJECTS = 10_000


def bound_to(statement: Statement, digest: Digest) -> tuple[Address, Digest]:
    """Return the proof that a statement is about, and the digest of all that it is bound to.

    Raises `EvidenceError` for a statement that says either badly.
    """
    predicate = statement.get("predicate")
    if statement.get("predicateType") != PREDICATE_TYPE or not isinstance(predicate, dict):
        raise EvidenceError(f"{digest} is not the result of a test")
    try:
        proof = Address.parse(str(predicate.get("proof")))
    except UsageError as error:
        raise EvidenceError(f"{digest} names no proof: {error.message}") from error
    if proof.kind != "Proof":
        raise EvidenceError(f"{digest} is about {proof}, which is no proof")
    subjects = [ContentSubject(*_resource(s, digest)) for s in _list(statement, "subject", digest)]
    stated = [_resource(c, digest) for c in _list(predicate, "configuration", digest, "engine")]
    engines = [found for _, found in stated]
    if len(engines) != 1:
        raise EvidenceError(f"{digest} does not say which version of the engine proved it")
    lets_any = predicate.get("acceptsEngine") == ANY_ENGINE
    return proof, binding(str(proof), sorted(subjects), ANY_ENGINE if lets_any else engines[0])


def bring_in(store: EvidenceStore, data: bytes) -> Digest:
    """Keep a statement from elsewhere and return its digest; raises `EvidenceError`."""
    digest = digest_bytes(data)
    if len(data) > MOST_STATEMENT_BYTES:
        raise EvidenceError(f"{digest} has {len(data)} bytes, more than evidence may have")
    proof, bound = bound_to(parse_statement(data, digest), digest)
    return store.bring_in(proof, bound, data)


def bring_in_envelope(store: EvidenceStore, envelope: Envelope) -> Digest:
    """Keep the statement and the signatures of an envelope; raises `EvidenceError`."""
    if envelope.payload_type != IN_TOTO:
        raise EvidenceError(f"the envelope holds {envelope.payload_type}, not {IN_TOTO}")
    digest = bring_in(store, envelope.payload)
    for signature in envelope.signatures:
        store.add_signature(digest, signature)
    return digest


def bundle(envelopes: Iterable[Envelope]) -> bytes:
    """Return envelopes as the lines of a bundle."""
    return b"".join(
        line.to_json() + b"\n" for envelope in envelopes for line in _one_signature_a_key(envelope)
    )


def read_bundle(file: IO[bytes]) -> Iterator[tuple[int, Envelope | SignatureError]]:
    """Yield each line's number with its envelope, or with what is wrong with it.

    Empty lines are passed over. What follows a line that is too long, or one too many, is not read.
    """
    for number in range(1, MOST_LINES + 2):
        line = file.readline(_MOST_LINE_BYTES + 1)
        if not line:
            return
        if number > MOST_LINES or len(line) > _MOST_LINE_BYTES:
            yield number, SignatureError("the bundle is too large: nothing is read from here on")
            return
        if not line.strip():
            continue
        try:
            yield number, Envelope.parse(line)
        except SignatureError as error:
            yield number, error


def _one_signature_a_key(envelope: Envelope) -> list[Envelope]:
    """Split an envelope in which a key signed twice: readers accept one signature of each."""
    rounds: list[dict[str, EnvelopeSignature]] = [{}]
    for signature in envelope.signatures:
        free = next((signed for signed in rounds if signature.keyid not in signed), None)
        if free is None:
            rounds.append(free := {})
        free[signature.keyid] = signature
    return [
        Envelope(envelope.payload_type, envelope.payload, tuple(signed.values()))
        for signed in rounds
    ]


def _list(value: Any, field: str, digest: Digest, name: str | None = None) -> list[Any]:
    """Return what a field lists, or those entries of it that have `name`."""
    found = value.get(field)
    if not isinstance(found, list) or not 0 < len(found) <= _MOST_SUBJECTS:
        raise EvidenceError(f"{digest} has no list of what its {field} is")
    if name is None:
        return found
    return [item for item in found if isinstance(item, dict) and item.get("name") == name]


def _resource(value: Any, digest: Digest) -> tuple[str, Digest]:
    """Read the name and the SHA-256 digest of an in-toto resource descriptor."""
    name = value.get("name") if isinstance(value, dict) else None
    digests = value.get("digest") if isinstance(value, dict) else None
    found = f"sha256:{digests.get('sha256')}" if isinstance(digests, dict) else ""
    if not isinstance(name, str) or not is_digest(found):
        raise EvidenceError(f"{digest} names something without its SHA-256 digest")
    return name, found

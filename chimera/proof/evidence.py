"""Evidence: an in-toto Statement of one proving, kept by its own digest.

The store is `.chimera/evidence/`: `<sha256>.json` holds a statement as canonical JSON, `artifacts/`
what the steps wrote, and `index/<proof>/<sha256 of what it is bound to>` names the latest statement
about that content, so that a look-up never searches. Refuses what does not hash to its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chimera.context import write_whole
from chimera.model import Address, ChimeraError, Digest, canonical_json, digest_bytes

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
Statement = Mapping[str, Any]


class EvidenceError(ChimeraError):
    """Stored evidence is not what its name says."""


class EvidenceStore:
    """Statements by digest, and the latest by proof and content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    def below(root: Path) -> EvidenceStore:
        """Return the store of the repository at `root`."""
        return EvidenceStore(root / ".chimera" / "evidence")

    def put(self, proof: Address, bound_to: Digest, statement: Statement) -> Digest:
        """Keep a statement as the latest about what it is bound to, and return its digest."""
        data = canonical_json(statement)
        digest = digest_bytes(data)
        write_whole(self._statement(digest), data)
        write_whole(self._index(proof, bound_to), digest.encode())
        write_whole(self._index(proof, None), digest.encode())
        return digest

    def keep(self, artifact: bytes) -> Digest:
        """Keep an artifact that a statement names, and return its digest."""
        digest = digest_bytes(artifact)
        write_whole(self.folder / "artifacts" / _hex(digest), artifact)
        return digest

    def find(self, proof: Address, bound_to: Digest) -> Digest | None:
        """Return the digest of the latest statement about this content, if there is one."""
        return _read_digest(self._index(proof, bound_to))

    def latest(self, proof: Address) -> Digest | None:
        """Return the digest of the proof's latest statement about any content."""
        return _read_digest(self._index(proof, None))

    def get(self, digest: Digest) -> Statement:
        """Return the statement with this digest.

        Raises `EvidenceError` where it is absent or its bytes do not hash to `digest`.
        """
        path = self._statement(digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise EvidenceError(
                f"the evidence {digest} cannot be read: {error.strerror}",
                help="run `chimera prove` again",
            ) from error
        return parse_statement(data, digest)

    def _statement(self, digest: Digest) -> Path:
        return self.folder / f"{_hex(digest)}.json"

    def _index(self, proof: Address, bound_to: Digest | None) -> Path:
        name = "latest" if bound_to is None else _hex(bound_to)
        return self.folder / "index" / proof.name / name


def parse_statement(data: bytes, digest: Digest) -> Statement:
    """Read a statement whose digest is known; raises `EvidenceError` for any other bytes."""
    if digest_bytes(data) != digest:
        raise EvidenceError(
            f"the evidence {digest} was altered after it was written",
            help="delete the file below .chimera/evidence and run `chimera prove` again",
        )
    try:
        statement = json.loads(data)
    except (ValueError, RecursionError):
        statement = None
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT_TYPE:
        raise EvidenceError(f"{digest} is not an in-toto statement")
    return statement


def _hex(digest: Digest) -> str:
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256" or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise EvidenceError(f"{digest!r} is not a SHA-256 digest")
    return value


def _read_digest(path: Path) -> Digest | None:
    """Read an index entry; one that is damaged counts as absent and is written anew."""
    try:
        digest = path.read_text(encoding="ascii")
        _hex(digest)
    except (OSError, UnicodeDecodeError, EvidenceError):
        return None
    return digest

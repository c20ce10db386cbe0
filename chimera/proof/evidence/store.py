"""Evidence: an in-toto Statement of one proving, kept by its own digest, and who signed it.

The store is `.chimera/evidence/`: `<sha256>.json` holds the bytes of a statement as they came,
`signatures/<sha256 of the statement>/<sha256 of the signature>.json` a DSSE signature of it, and
`artifacts/` what steps wrote. `index/<proof>/<sha256 of what it is bound to>/<sha256>` is there for
each statement about that content and says whether it was made here, so that a look-up never
searches; `index/<proof>/latest` names the last one made here.

Refuses what does not hash to its name, and to take for made here what came from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chimera.context import write_whole
from chimera.model import Address, ChimeraError, Digest, canonical_json, digest_bytes
from chimera.signatures import (
    IN_TOTO,
    Envelope,
    EnvelopeSignature,
    SignatureError,
    read_json,
)

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
MOST_STATEMENT_BYTES = 8 << 20
MOST_SIGNATURE_BYTES = 64 << 10
MOST_SIGNATURES = 64  # of one statement
Statement = Mapping[str, Any]

_HEX = re.compile(r"[0-9a-f]{64}")
_HERE = b"here"


class EvidenceError(ChimeraError):
    """Stored evidence is not what its name says."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A statement about some content: `is_own` where it was made here and not brought in."""

    digest: Digest
    is_own: bool


class EvidenceStore:
    """Statements by digest, those about some content, and their signatures.

    Any number of processes may write at once: every file is put in place whole, and no file ever
    gets other content than its name says.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    def below(root: Path) -> EvidenceStore:
        """Return the store of the repository at `root`."""
        return EvidenceStore(root / ".chimera" / "evidence")

    def put(self, proof: Address, bound_to: Digest, statement: Statement) -> Digest:
        """Keep a statement made here about what it is bound to, and return its digest.

        What was damaged of earlier ones about the same is no longer looked for: it is proven anew.
        """
        data = canonical_json(statement)
        digest = digest_bytes(data)
        write_whole(self._statement(digest), data)
        for kept in self.about(proof, bound_to):
            if not self.is_sound(kept.digest):
                self._mark(proof, bound_to, kept.digest).unlink(missing_ok=True)
        write_whole(self._mark(proof, bound_to, digest), _HERE)
        write_whole(self._latest(proof), digest.encode())
        return digest

    def bring_in(self, proof: Address, bound_to: Digest, data: bytes) -> Digest:
        """Keep the bytes of a statement from elsewhere, and return their digest.

        It never becomes one that was made here, and one that was made here stays so.
        """
        digest = digest_bytes(data)
        mark = self._mark(proof, bound_to, digest)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()  # first, so that a statement that is here is found
        if not self.is_sound(digest):
            write_whole(self._statement(digest), data)
        if not self._latest(proof).exists():
            write_whole(self._latest(proof), digest.encode())
        return digest

    def keep(self, artifact: bytes) -> Digest:
        """Keep an artifact that a statement names, and return its digest."""
        digest = digest_bytes(artifact)
        write_whole(self.folder / "artifacts" / hex_of(digest), artifact)
        return digest

    def about(self, proof: Address, bound_to: Digest) -> tuple[Kept, ...]:
        """Return every statement about this content, by digest; one that was deleted is none."""
        return tuple(
            Kept(digest, self.is_own(proof, bound_to, digest))
            for mark in _named(self._about(proof, bound_to))
            if self.has(digest := f"sha256:{mark.name}")
        )

    def every(self, proof: Address) -> Iterator[Kept]:
        """Yield every statement about any content of the proof's, by what it is bound to."""
        for folder in _named(self.folder / "index" / proof.name):
            yield from self.about(proof, f"sha256:{folder.name}")

    def is_own(self, proof: Address, bound_to: Digest, digest: Digest) -> bool:
        """Tell whether a statement about this content was made here."""
        return _read(self._mark(proof, bound_to, digest), len(_HERE)) == _HERE

    def latest(self, proof: Address) -> Digest | None:
        """Return the digest of the last statement made here about any content of the proof's."""
        written = _read(self._latest(proof), 71).decode("ascii", "replace")
        return written if is_digest(written) else None

    def has(self, digest: Digest) -> bool:
        """Tell whether there is a file for the statement, whatever it holds."""
        return self._statement(digest).is_file()

    def get(self, digest: Digest) -> Statement:
        """Return the statement with this digest.

        Raises `EvidenceError` where it is absent or its bytes do not hash to `digest`.
        """
        return parse_statement(self._load(digest), digest)

    def digests(self) -> tuple[Digest, ...]:
        """Return the digests that statements are kept under, sorted; their files may be damaged."""
        names = (path.stem for path in self.folder.glob("*.json"))
        return tuple(sorted(f"sha256:{name}" for name in names if _HEX.fullmatch(name)))

    def envelope(self, digest: Digest) -> Envelope:
        """Return the bytes of a statement with every signature that is kept of them.

        Raises `EvidenceError` as `get` does. The signatures are whole, and have yet to be verified.
        """
        data = self._load(digest)
        parse_statement(data, digest)
        return Envelope(IN_TOTO, data, self.signatures(digest))

    def signatures(self, digest: Digest) -> tuple[EnvelopeSignature, ...]:
        """Return the signatures kept of a statement, sorted; damaged ones are passed over."""
        found = (self._signature(path) for path in self._signature_files(digest))
        return tuple(signature for signature in found if signature is not None)

    def has_signature(self, digest: Digest, signature: Digest) -> bool:
        """Tell whether the signature with this digest is kept of a statement, and whole."""
        folder = self.folder / "signatures" / hex_of(digest)
        return self._signature(folder / f"{hex_of(signature)}.json") is not None

    def add_signature(self, digest: Digest, signature: EnvelopeSignature) -> None:
        """Keep a signature of a statement; one that is here already changes nothing.

        Raises `EvidenceError` for one that is too large, or one too many.
        """
        data = canonical_json(signature.value())
        if len(data) > MOST_SIGNATURE_BYTES:
            raise EvidenceError(f"a signature of {digest} is too large to be one")
        folder = self.folder / "signatures" / hex_of(digest)
        path = folder / f"{hex_of(digest_bytes(data))}.json"
        if path.is_file() and self._signature(path) is not None:
            return
        if sum(1 for _ in self._signature_files(digest)) >= MOST_SIGNATURES:
            raise EvidenceError(
                f"the evidence {digest} has {MOST_SIGNATURES} signatures already",
                help=f"remove what nobody needs below {folder}",
            )
        write_whole(path, data)

    def damaged(self) -> Iterator[Path]:
        """Yield the files whose content is not what their name says, sorted."""
        for digest in self.digests():
            if not self.is_sound(digest):
                yield self._statement(digest)
        for folder in _named(self.folder / "signatures"):
            for path in self._signature_files(f"sha256:{folder.name}"):
                if self._signature(path) is None:
                    yield path

    def is_sound(self, digest: Digest) -> bool:
        """Tell whether the statement is here and its bytes hash to its digest."""
        return digest_bytes(_read(self._statement(digest))) == digest

    def _load(self, digest: Digest) -> bytes:
        try:
            return self._statement(digest).read_bytes()
        except OSError as error:
            raise EvidenceError(
                f"the evidence {digest} cannot be read: {error.strerror}",
                help="run `chimera prove` again",
            ) from error

    def _signature(self, path: Path) -> EnvelopeSignature | None:
        data = _read(path, MOST_SIGNATURE_BYTES + 1)
        if digest_bytes(data) != f"sha256:{path.stem}":
            return None
        try:
            return EnvelopeSignature.read(read_json(data, "the signature"))
        except SignatureError:
            return None

    def _signature_files(self, digest: Digest) -> Iterator[Path]:
        return _named(self.folder / "signatures" / hex_of(digest), ".json")

    def _statement(self, digest: Digest) -> Path:
        return self.folder / f"{hex_of(digest)}.json"

    def _about(self, proof: Address, bound_to: Digest) -> Path:
        return self.folder / "index" / proof.name / hex_of(bound_to)

    def _mark(self, proof: Address, bound_to: Digest, digest: Digest) -> Path:
        return self._about(proof, bound_to) / hex_of(digest)

    def _latest(self, proof: Address) -> Path:
        return self.folder / "index" / proof.name / "latest"


def parse_statement(data: bytes, digest: Digest) -> Statement:
    """Read a statement whose digest is known; raises `EvidenceError` for any other bytes."""
    if digest_bytes(data) != digest:
        raise EvidenceError(
            f"the evidence {digest} was altered after it was written",
            help="delete the file below .chimera/evidence and run `chimera prove` again",
        )
    try:
        statement = read_json(data, "the statement")
    except SignatureError as error:
        raise EvidenceError(f"{digest} is not an in-toto statement: {error.message}") from error
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT_TYPE:
        raise EvidenceError(f"{digest} is not an in-toto statement")
    return statement


def is_digest(text: str) -> bool:
    """Tell whether `text` is a SHA-256 digest as it is written everywhere."""
    return text.startswith("sha256:") and _HEX.fullmatch(text[7:]) is not None


def hex_of(digest: Digest) -> str:
    """Return the hexadecimal digits of a digest, a safe name for a file.

    Raises `EvidenceError` for anything else.
    """
    if not is_digest(digest):
        raise EvidenceError(f"{digest!r} is not a SHA-256 digest")
    return digest[7:]


def _read(path: Path, most: int = -1) -> bytes:
    """Read a file of which nothing is believed yet; one that cannot be read is empty."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError:
        return b""


def _named(folder: Path, suffix: str = "") -> Iterator[Path]:
    """Yield what is named by a digest in a folder, sorted; drafts and strangers are passed over."""
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return
    for path in found:
        if path.suffix == suffix and _HEX.fullmatch(path.stem):
            yield path

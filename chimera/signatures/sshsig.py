"""SSHSIG: detached signatures in Git's own format, as `ssh-keygen -Y` makes and verifies them.

The format is OpenSSH's PROTOCOL.sshsig. Refuses a namespace other than the one asked for, and a
non-empty reserved field, which OpenSSH ignores and no signature covers.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from chimera.signatures.algorithms import check_signature
from chimera.signatures.keys import PublicKey
from chimera.signatures.wire import (
    MOST_BYTES,
    Reader,
    SignatureError,
    decode_base64,
    encode_base64,
    string,
)

EVIDENCE = "chimera-evidence"
"""The namespace of signatures on evidence."""
APPROVAL = "chimera-approval"
"""The namespace of signatures on approvals."""
HashAlgorithm = Literal["sha512", "sha256"]
HASH_ALGORITHMS: tuple[HashAlgorithm, ...] = ("sha512", "sha256")
"""How a message is hashed before it is signed; the first is what ssh-keygen does unasked."""

_MAGIC = b"SSHSIG"
_VERSION = 1
BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"
_WIDTH = 70  # as ssh-keygen breaks lines
_LONGEST = 32 * 1024  # characters; one by an RSA key of 16384 bits has 6,000


def signed_data(message: bytes, namespace: str, hash_algorithm: str = "sha512") -> bytes:
    """Return what the key signs for a message."""
    hashed = hashlib.new(hash_algorithm, message).digest()
    fields = (namespace.encode(), b"", hash_algorithm.encode(), hashed)
    return _MAGIC + b"".join(map(string, fields))


def armour(
    public: PublicKey, namespace: str, signature: bytes, hash_algorithm: str = "sha512"
) -> str:
    """Return an armoured signature; `signature` is in the wire format of the key's algorithm."""
    fields = (public.blob, namespace.encode(), b"", hash_algorithm.encode(), signature)
    blob = _MAGIC + _VERSION.to_bytes(4) + b"".join(map(string, fields))
    encoded = encode_base64(blob)
    lines = [encoded[at : at + _WIDTH] for at in range(0, len(encoded), _WIDTH)]
    return "\n".join([BEGIN, *lines, _END, ""])


def is_armoured(signature: str | bytes) -> bool:
    """Tell whether a signature is, by its first line, an armoured SSH signature."""
    begin = BEGIN if isinstance(signature, str) else BEGIN.encode()
    return signature[: len(begin)] == begin


def verify_ssh(signature: str, message: bytes, namespace: str) -> PublicKey:
    """Return the key that signed `message` in `namespace`; whether it is trusted is not asked.

    Raises `SignatureError`, which says what is wrong.
    """
    if len(message) > MOST_BYTES:
        raise SignatureError(f"what was signed is longer than {MOST_BYTES} bytes")
    reader = Reader(_dearmour(signature), "the signature")
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise SignatureError("this is no SSH signature")
    if (version := reader.uint32()) != _VERSION:
        raise SignatureError(f"version {version} of SSH signatures is not known")
    key = PublicKey.of_blob(reader.string())
    signed_for = reader.string()
    reserved = reader.string()
    algorithm = reader.string().decode("ascii", "replace")
    by_key = reader.string()
    reader.end()
    if signed_for != namespace.encode():
        shown = signed_for[:64].decode("utf-8", "replace")
        raise SignatureError(
            f"the signature was made for {shown!r} and does not count for {namespace!r}"
        )
    if reserved:
        raise SignatureError("the signature fills a field that is reserved, and not signed")
    if algorithm not in HASH_ALGORITHMS:
        raise SignatureError(
            f"the signature hashes with {algorithm[:64]!r}: {' and '.join(HASH_ALGORITHMS)} count"
        )
    check_signature(key, by_key, signed_data(message, namespace, algorithm))
    return key


def _dearmour(text: str) -> bytes:
    if len(text) > _LONGEST:
        raise SignatureError("the signature is too long to be one")
    lines = text.rstrip("\r\n").replace("\r\n", "\n").split("\n")
    if len(lines) < 3 or (lines[0], lines[-1]) != (BEGIN, _END):
        raise SignatureError(
            f"an SSH signature stands between {BEGIN!r} and {_END!r}, and nothing around them"
        )
    return decode_base64("".join(lines[1:-1]), "the signature")

"""Public keys as SSH writes them: reading them, and naming them by their fingerprint.

Looks at the form of a key and needs no cryptography for it. Refuses DSA, RSA below 2048 bits,
certificates, and Ed25519 points under which one signature would fit many messages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from chimera.signatures.wire import Reader, SignatureError, decode_base64, encode_base64

ED25519 = "ssh-ed25519"
RSA = "ssh-rsa"
ECDSA = "ecdsa-sha2-"
SK_ED25519 = "sk-ssh-ed25519@openssh.com"
SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
# Name of a curve to the bytes of a coordinate.
CURVES = {"nistp256": 32, "nistp384": 48, "nistp521": 66}
RSA_BITS = range(2048, 16385)
_LONGEST = 8192  # characters of a line; an RSA key of 16384 bits has 2,800

# The y coordinates of the points of small order, without the sign of x; the last two are 0 and 1 in
# a spelling that exceeds the field, which decoders may accept. A test multiplies them by eight.
_SMALL_ORDER = frozenset(
    bytes.fromhex(y)
    for y in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that `parse` has read; `text` is its type and base64, without a comment."""

    text: str

    @staticmethod
    @lru_cache(maxsize=4096)  # a key is read to validate its document, and again to judge it
    def parse(text: str) -> PublicKey:
        """Read a line of `id_….pub`, with or without its comment; raises `SignatureError`."""
        if len(text) > _LONGEST:
            raise SignatureError("the key is too long to be one")
        algorithm, _, rest = text.strip(" \t\r\n").partition(" ")
        encoded, _, comment = rest.strip(" ").partition(" ")
        if "\n" in comment or "\r" in comment:
            raise SignatureError("the key is more than one line", help="write one key to a line")
        key = PublicKey.of_blob(decode_base64(encoded, "the key"))
        if key.algorithm != algorithm:
            raise SignatureError(f"the key says that it is {algorithm!r} and is {key.algorithm}")
        return key

    @staticmethod
    def of_blob(blob: bytes) -> PublicKey:
        """Read a key in SSH's wire format; raises `SignatureError`."""
        reader = Reader(blob, "the key")
        algorithm = reader.string()
        for name, check in _CHECKS.items():
            if algorithm == name.encode():
                check(reader, name)
                reader.end()
                return PublicKey(f"{name} {encode_base64(blob)}")
        raise SignatureError(
            f"keys of the type {algorithm[:64]!r} are not accepted",
            help="use Ed25519: `ssh-keygen -t ed25519`",
        )

    @property
    def algorithm(self) -> str:
        """The key's type, as SSH names it."""
        return self.text.partition(" ")[0]

    @property
    def blob(self) -> bytes:
        """The key in SSH's wire format."""
        return decode_base64(self.text.partition(" ")[2], "the key")

    @property
    def fingerprint(self) -> str:
        """The key's name: `SHA256:…`, as `ssh-keygen -l` prints it."""
        return "SHA256:" + encode_base64(hashlib.sha256(self.blob).digest()).rstrip("=")


def _check_ed25519(reader: Reader, _: str) -> None:
    point = reader.string()
    if len(point) != 32:
        raise SignatureError("an Ed25519 key has 32 bytes")
    if point[:31] + bytes([point[31] & 0x7F]) in _SMALL_ORDER:
        raise SignatureError("the Ed25519 key is a point of small order, which anybody can sign by")


def _check_ecdsa(reader: Reader, name: str) -> None:
    curve = name.partition("-nistp")[2].partition("@")[0]
    if reader.string() != f"nistp{curve}".encode():
        raise SignatureError("the key names another curve than its type")
    point = reader.string()
    if point[:1] != b"\x04" or len(point) != 1 + 2 * CURVES[f"nistp{curve}"]:
        raise SignatureError("the key is not an uncompressed point of its curve")


def _check_rsa(reader: Reader, _: str) -> None:
    exponent = reader.natural(8)
    modulus = reader.natural(RSA_BITS[-1] // 8)
    if modulus.bit_length() not in RSA_BITS:
        raise SignatureError(
            f"an RSA key of {modulus.bit_length()} bits is too short",
            help="use Ed25519: `ssh-keygen -t ed25519`",
        )
    if exponent < 3 or not exponent & 1 or not modulus & 1:
        raise SignatureError("the RSA key has numbers that no RSA key has")


def _check_sk_ed25519(reader: Reader, name: str) -> None:
    _check_ed25519(reader, name)
    _check_application(reader)


def _check_sk_ecdsa(reader: Reader, name: str) -> None:
    _check_ecdsa(reader, name)
    _check_application(reader)


def _check_application(reader: Reader) -> None:
    if not reader.string().startswith(b"ssh:"):
        raise SignatureError("the security key was made for something other than SSH")


_CHECKS: dict[str, Callable[[Reader, str], None]] = {
    ED25519: _check_ed25519,
    **{f"{ECDSA}{curve}": _check_ecdsa for curve in CURVES},
    RSA: _check_rsa,
    SK_ED25519: _check_sk_ed25519,
    SK_ECDSA: _check_sk_ecdsa,
}

"""Checking one SSH signature: which algorithms count, and what each signs.

The only module that verifies anything, and with `signer` the only one that needs `cryptography`.
Refuses SHA-1, an algorithm that is not the key's own, and a security key that nobody touched.
"""

from __future__ import annotations

import hashlib
from typing import Any

from chimera.signatures.keys import CURVES, ECDSA, ED25519, RSA, SK_ECDSA, SK_ED25519, PublicKey
from chimera.signatures.wire import Reader, SignatureError, string

_USER_PRESENT = 0x01
_REFUSED = "the signature does not fit the key and what was signed"


def check_signature(key: PublicKey, signature: bytes, data: bytes) -> None:
    """Check a signature in SSH's wire format over `data`; raises `SignatureError`."""
    reader = Reader(signature, "the signature")
    algorithm = reader.string().decode("ascii", "replace")
    public = Reader(key.blob, "the key")
    public.string()
    if key.algorithm == RSA:
        _check_rsa(public, algorithm, reader, data)
    elif algorithm != key.algorithm:
        raise SignatureError(f"the signature is {algorithm[:64]!r}, the key is {key.algorithm}")
    elif algorithm == ED25519:
        check_ed25519(public.string(), reader.string(), data)
    elif algorithm.startswith(ECDSA):
        _check_ecdsa(public, reader.string(), data)
    elif algorithm in {SK_ED25519, SK_ECDSA}:
        _check_security_key(public, algorithm, reader, data)
    else:
        raise SignatureError(f"signatures of the type {algorithm[:64]!r} are not accepted")
    reader.end()


def check_ed25519(point: bytes, signature: bytes, data: bytes) -> None:
    """Check a bare Ed25519 signature (RFC 8032); raises `SignatureError`.

    OpenSSL refuses S at or beyond the group's order, so that nobody makes a second one of a first.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(point).verify(signature, data)
    except (InvalidSignature, ValueError):
        raise SignatureError(_REFUSED) from None


def _check_ecdsa(public: Reader, signature: bytes, data: bytes) -> None:
    """Check over a NIST curve, with the hash that RFC 5656 gives it.

    Of (r, s) anybody makes (r, n - s): what must not be used twice is told by what was signed.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    name = public.string().decode("ascii")
    curve: ec.EllipticCurve
    hasher: hashes.HashAlgorithm
    curve, hasher = {
        "nistp256": (ec.SECP256R1(), hashes.SHA256()),
        "nistp384": (ec.SECP384R1(), hashes.SHA384()),
        "nistp521": (ec.SECP521R1(), hashes.SHA512()),
    }[name]
    numbers = Reader(signature, "the signature")
    r, s = numbers.natural(CURVES[name]), numbers.natural(CURVES[name])
    numbers.end()
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, public.string())
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hasher))
    except (InvalidSignature, ValueError):
        raise SignatureError(_REFUSED) from None


def _check_rsa(public: Reader, algorithm: str, reader: Reader, data: bytes) -> None:
    """Check by RFC 8332; a signature is as long as the modulus."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    hashers: dict[str, Any] = {"rsa-sha2-512": hashes.SHA512, "rsa-sha2-256": hashes.SHA256}
    if algorithm not in hashers:
        raise SignatureError(
            f"the signature is {algorithm[:64]!r}: of RSA, rsa-sha2-512 and rsa-sha2-256 count"
        )
    exponent, modulus = public.natural(8), public.natural(2048)
    try:
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        key.verify(reader.string(), data, padding.PKCS1v15(), hashers[algorithm]())
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        raise SignatureError(_REFUSED) from None


def _check_security_key(public: Reader, algorithm: str, reader: Reader, data: bytes) -> None:
    """Check what a FIDO key signs: the application, whether it was touched, a counter, a digest."""
    curve_or_point = public.string()
    point = public.string() if algorithm == SK_ECDSA else curve_or_point
    application = public.string()
    signature = reader.string()
    flags, counter = reader.take(1), reader.take(4)
    if not flags[0] & _USER_PRESENT:
        raise SignatureError(
            "nobody touched the security key that signed",
            help="make the key without `-O no-touch-required`",
        )
    signed = hashlib.sha256(application).digest() + flags + counter + hashlib.sha256(data).digest()
    if algorithm == SK_ED25519:
        check_ed25519(point, signature, signed)
    else:
        _check_ecdsa(Reader(string(curve_or_point) + string(point), "the key"), signature, signed)

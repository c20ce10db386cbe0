"""DSSE: an envelope around a payload, and the signatures over its type and its bytes.

The protocol is secure-systems-lab's DSSE v1. A signature is bare Ed25519 (64 bytes), as everybody
verifies it, or an armoured SSH signature over the same bytes, which agents and security keys can
make. Refuses an envelope that says anything twice, and a signature that does not name its key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chimera.model import canonical_json
from chimera.signatures.algorithms import check_ed25519
from chimera.signatures.keys import ED25519, PublicKey
from chimera.signatures.signer import BareSigner, Signer
from chimera.signatures.sshsig import EVIDENCE, is_armoured, verify_ssh
from chimera.signatures.wire import (
    Reader,
    SignatureError,
    decode_base64,
    encode_base64,
    read_json,
)

IN_TOTO = "application/vnd.in-toto+json"
"""The payload type of in-toto statements."""
MOST_SIGNATURES = 64
"""Signatures that one envelope may carry."""
_TYPE = re.compile(r"[\x21-\x7e]{1,255}")
_KEYID = re.compile(r"[\x21-\x7e]{1,512}")
_FINGERPRINT = "SHA256:"
_BARE_BYTES = 64


class UnknownKeyError(SignatureError):
    """A signature may be sound: none of the keys that it was tried with can have made it."""


@dataclass(frozen=True, slots=True)
class EnvelopeSignature:
    """One signature of an envelope.

    `keyid` names the key: ours by its fingerprint, other tools' by anything. It chooses which keys
    are tried and is not signed; the key that fits is what counts.
    """

    keyid: str
    sig: bytes

    @staticmethod
    def read(value: Any) -> EnvelopeSignature:
        """Read a signature from its JSON value; raises `SignatureError`."""
        if not isinstance(value, dict):
            raise SignatureError("a signature of the envelope is no JSON object")
        keyid, sig = value.get("keyid"), value.get("sig")
        if not isinstance(keyid, str) or not _KEYID.fullmatch(keyid):
            raise SignatureError(
                "a signature of the envelope does not say in `keyid` which key made it",
                help="sign it again with a tool that writes a key id",
            )
        signature = EnvelopeSignature(keyid, _base64(sig, "a signature of the envelope"))
        if not signature.sig:
            raise SignatureError("a signature of the envelope is empty")
        return signature

    def value(self) -> dict[str, str]:
        """Return the signature as a JSON value."""
        return {"keyid": self.keyid, "sig": encode_base64(self.sig)}


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload, what kind of payload it is, and who signed both."""

    payload_type: str
    payload: bytes
    signatures: tuple[EnvelopeSignature, ...] = ()

    @staticmethod
    def parse(data: bytes) -> Envelope:
        """Read an envelope from its JSON; raises `SignatureError`.

        Fields that DSSE does not know are passed over: no signature covers them.
        """
        value = read_json(data, "the envelope")
        if not isinstance(value, dict):
            raise SignatureError("the envelope is no JSON object")
        payload_type, signed = value.get("payloadType"), value.get("signatures", [])
        if not isinstance(payload_type, str) or not _TYPE.fullmatch(payload_type):
            raise SignatureError("the envelope does not say in `payloadType` what it holds")
        if not isinstance(signed, list) or len(signed) > MOST_SIGNATURES:
            raise SignatureError(f"an envelope has a list of at most {MOST_SIGNATURES} signatures")
        signatures = tuple(map(EnvelopeSignature.read, signed))
        if len({s.keyid for s in signatures}) < len(signatures):
            raise SignatureError("the envelope holds two signatures of one key")
        if len({s.sig for s in signatures}) < len(signatures):
            raise SignatureError("the envelope holds one signature twice")
        payload = _base64(value.get("payload"), "the payload of the envelope")
        return Envelope(payload_type, payload, signatures)

    def to_json(self) -> bytes:
        """Return the envelope as canonical JSON, its signatures sorted by key id."""
        ordered = sorted(self.signatures, key=lambda s: s.keyid)
        return canonical_json(
            {
                "payloadType": self.payload_type,
                "payload": encode_base64(self.payload),
                "signatures": [signature.value() for signature in ordered],
            }
        )


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return what is signed: DSSE's pre-authentication encoding of a payload and its type."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign_envelope(envelope: Envelope, signer: Signer) -> Envelope:
    """Return the envelope with the signer's signature, in place of an earlier one by its key."""
    message = pae(envelope.payload_type, envelope.payload)
    if isinstance(signer, BareSigner):
        sig = signer.sign_bare(message)
    else:
        sig = signer.sign(message, EVIDENCE).encode("ascii")
    keyid = signer.public.fingerprint
    others = tuple(s for s in envelope.signatures if s.keyid != keyid)
    return Envelope(
        envelope.payload_type, envelope.payload, (*others, EnvelopeSignature(keyid, sig))
    )


def verify_signature(
    envelope: Envelope, signature: EnvelopeSignature, candidates: Iterable[PublicKey]
) -> PublicKey:
    """Return the one of `candidates` that made the signature; raises `SignatureError`."""
    message = pae(envelope.payload_type, envelope.payload)
    if is_armoured(signature.sig):
        return _verify_ssh(signature, message, candidates)
    if len(signature.sig) != _BARE_BYTES:
        raise SignatureError(
            "the signature is neither bare Ed25519 nor an SSH signature",
            help="sign it again with `chimera evidence sign`",
        )
    named = [key for key in candidates if _may_be(signature.keyid, key)]
    if not named:
        raise UnknownKeyError(f"the key {signature.keyid} is not among those that may sign")
    reason = f"the key {signature.keyid} cannot make bare signatures"
    for key in named:
        if key.algorithm != ED25519:
            continue
        try:
            check_ed25519(_point(key), signature.sig, message)
        except SignatureError as error:
            reason = error.message
        else:
            return key
    if not signature.keyid.startswith(_FINGERPRINT):  # it may mean a key that is not here
        raise UnknownKeyError(reason)
    raise SignatureError(reason)


def fault_of(
    envelope: Envelope, signature: EnvelopeSignature, known: Iterable[PublicKey]
) -> str | None:
    """Say why a signature is nobody's; `None` where it verifies, or its key is not `known`."""
    try:
        verify_signature(envelope, signature, tuple(known))
    except UnknownKeyError:
        return None
    except SignatureError as error:
        return error.message
    return None


def _verify_ssh(
    signature: EnvelopeSignature, message: bytes, candidates: Iterable[PublicKey]
) -> PublicKey:
    try:
        text = signature.sig.decode("ascii")
    except UnicodeDecodeError:
        raise SignatureError("the SSH signature is not ASCII") from None
    key = verify_ssh(text, message, EVIDENCE)
    if not _may_be(signature.keyid, key):
        raise SignatureError(f"the signature names {signature.keyid} and is by {key.fingerprint}")
    if key not in candidates:
        raise UnknownKeyError(f"the key {key.fingerprint} is not among those that may sign")
    return key


def _may_be(keyid: str, key: PublicKey) -> bool:
    """Tell whether a key id can mean a key: a fingerprint means one, what else it says any."""
    return not keyid.startswith(_FINGERPRINT) or keyid == key.fingerprint


def _point(key: PublicKey) -> bytes:
    reader = Reader(key.blob, "the key")
    reader.string()
    return reader.string()


def _base64(value: Any, what: str) -> bytes:
    """Read standard or URL-safe base64, both of which DSSE allows."""
    if not isinstance(value, str):
        raise SignatureError(f"{what} is not base64")
    if "-" in value or "_" in value:
        if "+" in value or "/" in value:
            raise SignatureError(f"{what} mixes two alphabets of base64")
        value = value.replace("-", "+").replace("_", "/")
    return decode_base64(value, what)

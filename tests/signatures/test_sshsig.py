import hashlib
import re

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chimera.context import Context
from chimera.signatures import (
    APPROVAL,
    EVIDENCE,
    HASH_ALGORITHMS,
    PublicKey,
    SignatureError,
    open_signer,
    verify_ssh,
)
from chimera.signatures.keys import SK_ECDSA, SK_ED25519
from chimera.signatures.sshsig import BEGIN, armour, signed_data
from chimera.signatures.wire import decode_base64, encode_base64, string

MESSAGE = b"payments may be refunded\n"
ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's group
NAMES = ["ed25519", "ecdsa-256", "ecdsa-384", "ecdsa-521", "rsa"]


def blob_of(signature: str) -> bytes:
    return decode_base64("".join(signature.splitlines()[1:-1]), "it")


def armoured(blob: bytes) -> str:
    return f"{BEGIN}\n{encode_base64(blob)}\n-----END SSH SIGNATURE-----\n"


def fields_of(blob: bytes) -> list[bytes]:
    found, rest = [], blob[10:]
    while rest:
        length = int.from_bytes(rest[:4])
        found.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    return found


def of_fields(fields: list[bytes]) -> str:
    return armoured(b"SSHSIG\0\0\0\1" + b"".join(map(string, fields)))


@pytest.mark.parametrize("name", NAMES)
def test_ours_are_accepted_by_ssh_keygen(openssh, name):
    signer = open_signer(Context.system(), openssh.key(name))
    signature = signer.sign(MESSAGE, APPROVAL)
    assert openssh.accepts(signature, MESSAGE, APPROVAL, openssh.public(name))
    assert not openssh.accepts(signature, MESSAGE + b"!", APPROVAL, openssh.public(name))
    assert not openssh.accepts(signature, MESSAGE, EVIDENCE, openssh.public(name))


@pytest.mark.parametrize("hash", HASH_ALGORITHMS)
@pytest.mark.parametrize("name", NAMES)
def test_those_of_ssh_keygen_are_accepted_by_us(openssh, name, hash):
    signature = openssh.sign(name, MESSAGE, APPROVAL, hash)
    assert verify_ssh(signature, MESSAGE, APPROVAL) == openssh.public(name)


def test_ours_are_byte_for_byte_those_of_ssh_keygen(openssh):
    """Ed25519 has one signature for a message: whatever differed would be the format."""
    signer = open_signer(Context.system(), openssh.key("ed25519"))
    assert signer.sign(MESSAGE, APPROVAL) == openssh.sign("ed25519", MESSAGE, APPROVAL)


def test_another_namespace_is_refused(signer):
    signature = signer.sign(MESSAGE, "git")
    with pytest.raises(SignatureError, match="made for 'git' and does not count for 'chimera-app"):
        verify_ssh(signature, MESSAGE, APPROVAL)


def test_another_message_is_refused(signer):
    with pytest.raises(SignatureError, match="does not fit the key and what was signed"):
        verify_ssh(signer.sign(MESSAGE, APPROVAL), MESSAGE + b" ", APPROVAL)


def test_key_of_somebody_else_put_into_a_signature_is_refused(signer, other):
    fields = fields_of(blob_of(signer.sign(MESSAGE, APPROVAL)))
    fields[0] = other.public.blob
    with pytest.raises(SignatureError, match="does not fit the key"):
        verify_ssh(of_fields(fields), MESSAGE, APPROVAL)


@pytest.mark.parametrize("hash", ["sha1", "md5", "sha384", "", "SHA512"])
def test_another_hash_algorithm_is_refused(signer, hash):
    fields = fields_of(blob_of(signer.sign(MESSAGE, APPROVAL)))
    fields[3] = hash.encode()
    with pytest.raises(SignatureError, match="sha512 and sha256 count"):
        verify_ssh(of_fields(fields), MESSAGE, APPROVAL)


def test_hash_algorithm_is_signed(signer):
    fields = fields_of(blob_of(signer.sign(MESSAGE, APPROVAL)))
    fields[3] = b"sha256"
    with pytest.raises(SignatureError, match="does not fit"):
        verify_ssh(of_fields(fields), MESSAGE, APPROVAL)


def test_reserved_field_is_empty_or_refused(signer, openssh):
    """OpenSSH passes over it, and no signature covers it: anybody could fill it."""
    fields = fields_of(blob_of(signer.sign(MESSAGE, APPROVAL)))
    fields[2] = b"slipped in"
    with pytest.raises(SignatureError, match="reserved"):
        verify_ssh(of_fields(fields), MESSAGE, APPROVAL)
    assert openssh.accepts(of_fields(fields), MESSAGE, APPROVAL, signer.public)


def test_signature_that_was_shifted_by_the_order_is_refused(signer):
    """S and S + L are the same to the equation (RFC 8032, 8.4): one message, two signatures."""
    fields = fields_of(blob_of(signer.sign(MESSAGE, APPROVAL)))
    raw = fields[4][-64:]
    shifted = int.from_bytes(raw[32:], "little") + ORDER
    fields[4] = string(b"ssh-ed25519") + string(raw[:32] + shifted.to_bytes(32, "little"))
    with pytest.raises(SignatureError, match="does not fit"):
        verify_ssh(of_fields(fields), MESSAGE, APPROVAL)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "", "stands between"),
        (lambda text: "x" + text, "stands between"),
        (lambda text: text + "x", "stands between"),
        (lambda text: text.replace("SSH SIGNATURE", "PGP SIGNATURE"), "stands between"),
        (lambda text: text.replace("\n", "", 1), "stands between"),
        (lambda text: text.replace("\n", "\n ", 1), "not base64"),
        (lambda text: text + text, "not base64"),
        (lambda text: text.replace("U1NI", "U1N", 1), "not base64"),
        (lambda text: text + "\n" * 40_000, "too long"),
        (lambda text: armoured(b""), "stands between|cut off"),
        (lambda text: armoured(b"SSHSIH\0\0\0\1"), "no SSH signature"),
        (lambda text: armoured(b"SSHSIG\0\0\0\2"), "version 2"),
        (lambda text: armoured(blob_of(text) + b"\0"), "followed by"),
        (lambda text: armoured(b"SSHSIG\0\0\0\1\xff\xff\xff\xff"), "cut off"),
    ],
)
def test_what_is_no_signature_is_refused_with_a_reason(signer, change, said):
    with pytest.raises(SignatureError, match=said):
        verify_ssh(change(signer.sign(MESSAGE, APPROVAL)), MESSAGE, APPROVAL)


def test_line_ends_of_windows_and_other_widths_are_accepted(signer):
    text = signer.sign(MESSAGE, APPROVAL)
    assert verify_ssh(text.replace("\n", "\r\n"), MESSAGE, APPROVAL) == signer.public
    assert verify_ssh(armoured(blob_of(text)), MESSAGE, APPROVAL) == signer.public


def test_every_truncation_is_refused(signer):
    blob = blob_of(signer.sign(MESSAGE, APPROVAL))
    for end in range(len(blob)):
        with pytest.raises(SignatureError):
            verify_ssh(armoured(blob[:end]), MESSAGE, APPROVAL)


def test_every_flipped_bit_is_refused(signer, flip):
    blob = blob_of(signer.sign(MESSAGE, APPROVAL))
    for byte in range(len(blob)):
        for bit in range(8):
            with pytest.raises(SignatureError):
                verify_ssh(armoured(flip(blob, byte, bit)), MESSAGE, APPROVAL)


@pytest.mark.parametrize("name", ["ecdsa-256", "rsa"])
def test_every_flipped_byte_of_other_keys_is_refused(openssh, flip, name):
    blob = blob_of(openssh.sign(name, MESSAGE, APPROVAL))
    for byte in range(len(blob)):
        with pytest.raises(SignatureError):
            verify_ssh(armoured(flip(blob, byte, 3)), MESSAGE, APPROVAL)


@settings(max_examples=200)
@given(st.data())
def test_changed_letters_of_the_armour_are_refused_or_change_nothing(signer, data):
    text = signer.sign(MESSAGE, APPROVAL)
    at = data.draw(st.integers(0, len(text) - 1))
    put = data.draw(st.characters(max_codepoint=0x17F))
    changed = text[:at] + put + text[at + 1 :]
    try:
        key = verify_ssh(changed, MESSAGE, APPROVAL)
    except SignatureError:
        return
    assert key == signer.public
    assert blob_of(changed) == blob_of(text)


@settings(max_examples=200)
@given(st.binary(max_size=300), st.text(max_size=60))
@example(b"", "")
def test_anything_else_is_refused(blob, text):
    for signature in (text, armoured(blob), armoured(b"SSHSIG\0\0\0\1" + blob)):
        with pytest.raises(SignatureError):
            verify_ssh(signature, MESSAGE, APPROVAL)


def test_rsa_with_sha1_is_refused(openssh):
    fields = fields_of(blob_of(openssh.sign("rsa", MESSAGE, APPROVAL)))
    fields[4] = fields[4].replace(string(b"rsa-sha2-512"), string(b"ssh-rsa"))
    with pytest.raises(SignatureError, match="rsa-sha2-512 and rsa-sha2-256 count"):
        verify_ssh(of_fields(fields), MESSAGE, APPROVAL)


def test_algorithm_that_is_not_the_keys_is_refused(openssh):
    fields = fields_of(blob_of(openssh.sign("ecdsa-256", MESSAGE, APPROVAL)))
    fields[4] = fields[4].replace(b"nistp256", b"nistp384")
    with pytest.raises(SignatureError, match=re.escape("the key is ecdsa-sha2-nistp256")):
        verify_ssh(of_fields(fields), MESSAGE, APPROVAL)


def mpint(number: int) -> bytes:
    return string(number.to_bytes(number.bit_length() // 8 + 1))


class SecurityKey:
    """What a FIDO key does inside (OpenSSH's PROTOCOL.u2f), in software."""

    def __init__(self, algorithm: str) -> None:
        self.algorithm = algorithm.encode()
        if algorithm == SK_ED25519:
            self.ed25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
            point = self.ed25519.public_key().public_bytes_raw()
            fields = (self.algorithm, point, b"ssh:")
        else:
            self.ecdsa = ec.derive_private_key(7, ec.SECP256R1())
            numbers = self.ecdsa.public_key().public_numbers()
            point = b"\4" + numbers.x.to_bytes(32) + numbers.y.to_bytes(32)
            fields = (self.algorithm, b"nistp256", point, b"ssh:")
        self.public = PublicKey.of_blob(b"".join(map(string, fields)))

    def sign(self, message: bytes, flags: int = 1) -> str:
        hashed = hashlib.sha256(signed_data(message, APPROVAL)).digest()
        tail = bytes([flags]) + (9).to_bytes(4)
        signed = hashlib.sha256(b"ssh:").digest() + tail + hashed
        if self.algorithm == SK_ED25519.encode():
            raw = self.ed25519.sign(signed)
        else:
            r, s = decode_dss_signature(self.ecdsa.sign(signed, ec.ECDSA(hashes.SHA256())))
            raw = mpint(r) + mpint(s)
        return armour(self.public, APPROVAL, string(self.algorithm) + string(raw) + tail)


@pytest.mark.parametrize("algorithm", [SK_ED25519, SK_ECDSA])
def test_security_key_counts_once_it_was_touched(openssh, algorithm):
    key = SecurityKey(algorithm)
    signature = key.sign(MESSAGE)
    assert verify_ssh(signature, MESSAGE, APPROVAL) == key.public
    assert openssh.accepts(signature, MESSAGE, APPROVAL, key.public)
    with pytest.raises(SignatureError, match="nobody touched"):
        verify_ssh(key.sign(MESSAGE, flags=0), MESSAGE, APPROVAL)
    with pytest.raises(SignatureError, match="does not fit"):
        verify_ssh(signature, MESSAGE + b"!", APPROVAL)


@pytest.mark.parametrize("algorithm", [SK_ED25519, SK_ECDSA])
def test_flags_and_counter_of_a_security_key_are_signed(algorithm, flip):
    key = SecurityKey(algorithm)
    blob = blob_of(key.sign(MESSAGE))
    for byte in range(len(blob) - 5, len(blob)):
        with pytest.raises(SignatureError):
            verify_ssh(armoured(flip(blob, byte, 2)), MESSAGE, APPROVAL)

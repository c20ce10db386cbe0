import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from chimera.context import Context
from chimera.signatures import (
    EVIDENCE,
    IN_TOTO,
    Envelope,
    EnvelopeSignature,
    SignatureError,
    open_signer,
    pae,
    sign_envelope,
    verify_signature,
)

PAYLOAD = b'{"_type": "https://in-toto.io/Statement/v1"}'


def their_key(signer, keyid=None):
    point = signer.private.public_key().public_bytes_raw().hex()
    keyid = keyid or signer.public.fingerprint
    return SSlibKey(keyid, "ed25519", "ed25519", {"public": point})


@pytest.fixture(scope="module")
def signed(signer):
    return sign_envelope(Envelope(IN_TOTO, PAYLOAD), signer)


def reason(envelope, *keys):
    with pytest.raises(SignatureError) as caught:
        verify_signature(envelope, envelope.signatures[0], keys)
    return caught.value.message


def test_encoding_is_that_of_the_protocol():
    """The example of DSSE's protocol.md."""
    assert (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_ours_are_accepted_by_securesystemslib(signer, other, signed):
    theirs = TheirEnvelope.from_dict(json.loads(signed.to_json()))
    assert theirs.payload == PAYLOAD
    assert theirs.verify([their_key(signer)], 1)
    with pytest.raises(VerificationError):
        theirs.verify([their_key(other, signer.public.fingerprint)], 1)


@pytest.mark.parametrize("keyid", [None, "a-name-of-their-own"])
def test_those_of_securesystemslib_are_accepted_by_us(signer, other, keyid):
    theirs = TheirEnvelope(PAYLOAD, IN_TOTO, {})
    theirs.sign(CryptoSigner(signer.private, their_key(signer, keyid)))
    envelope = Envelope.parse(json.dumps(theirs.to_dict()).encode())
    keys = [other.public, signer.public]
    assert verify_signature(envelope, envelope.signatures[0], keys) == signer.public


def test_two_signers_make_two_signatures_that_both_tools_accept(signer, other, signed):
    both = sign_envelope(signed, other)
    theirs = TheirEnvelope.from_dict(json.loads(both.to_json()))
    assert len(theirs.verify([their_key(signer), their_key(other)], 2)) == 2
    found = [verify_signature(both, s, [signer.public, other.public]) for s in both.signatures]
    assert found == [signer.public, other.public]


def test_ssh_signature_in_an_envelope_is_one_that_ssh_keygen_accepts(openssh):
    ssh = open_signer(Context.system(), openssh.key("ecdsa-256"))
    envelope = sign_envelope(Envelope(IN_TOTO, PAYLOAD), ssh)
    (signature,) = envelope.signatures
    message = pae(IN_TOTO, PAYLOAD)
    assert openssh.accepts(signature.sig.decode(), message, EVIDENCE, ssh.public)
    assert verify_signature(envelope, signature, [ssh.public]) == ssh.public


def test_signing_again_replaces_the_earlier_signature(signer, signed):
    assert sign_envelope(signed, signer) == signed


def test_reading_what_was_written_is_identity(signed, other):
    both = sign_envelope(signed, other)
    again = Envelope.parse(both.to_json())
    assert again.to_json() == both.to_json()
    assert set(again.signatures) == set(both.signatures)


def test_url_safe_base64_is_read(signer):
    envelope = sign_envelope(Envelope(IN_TOTO, b"\xfb\xff\xbf~~~???"), signer)
    value = json.loads(envelope.to_json())
    value["payload"] = value["payload"].replace("+", "-").replace("/", "_")
    assert Envelope.parse(json.dumps(value).encode()) == envelope


def test_another_payload_type_is_refused(signer, signed):
    retyped = Envelope("application/json", signed.payload, signed.signatures)
    assert "does not fit" in reason(retyped, signer.public)


def test_edited_payload_is_refused(signer, signed):
    edited = Envelope(signed.payload_type, PAYLOAD + b" ", signed.signatures)
    assert "does not fit" in reason(edited, signer.public)


def test_unknown_key_is_refused_by_name(signer, other, signed):
    said = f"the key {signer.public.fingerprint} is not among those that may sign"
    assert reason(signed, other.public) == said
    assert reason(signed) == said


def test_signature_under_the_name_of_another_key_is_refused(signer, other, signed):
    (signature,) = signed.signatures
    renamed = EnvelopeSignature(other.public.fingerprint, signature.sig)
    envelope = Envelope(signed.payload_type, signed.payload, (renamed,))
    assert "does not fit" in reason(envelope, signer.public, other.public)


def ssh_signed(signer, namespace=EVIDENCE, keyid=None, payload=PAYLOAD):
    text = signer.sign(pae(IN_TOTO, payload), namespace)
    signature = EnvelopeSignature(keyid or signer.public.fingerprint, text.encode())
    return Envelope(IN_TOTO, PAYLOAD, (signature,))


def test_ssh_signature_of_another_namespace_name_or_payload_is_refused(signer, other):
    good = ssh_signed(signer)
    assert verify_signature(good, good.signatures[0], [signer.public]) == signer.public
    assert "made for 'file'" in reason(ssh_signed(signer, "file"), signer.public)
    assert "does not fit" in reason(ssh_signed(signer, payload=b"{}"), signer.public)
    named = ssh_signed(signer, keyid=other.public.fingerprint)
    assert "and is by" in reason(named, signer.public, other.public)
    assert "not among those" in reason(good, other.public)


def test_bare_signature_over_the_payload_alone_is_refused(signer):
    """Without the type around it, a signature made for something else would count."""
    raw = EnvelopeSignature(signer.public.fingerprint, signer.sign_bare(PAYLOAD))
    assert "does not fit" in reason(Envelope(IN_TOTO, PAYLOAD, (raw,)), signer.public)


def test_bare_signature_that_was_shifted_by_the_order_is_refused(signer, signed):
    """S and S + L are the same to the equation (RFC 8032, 8.4): one message, two signatures."""
    (signature,) = signed.signatures
    order = 2**252 + 27742317777372353535851937790883648493
    shifted = (int.from_bytes(signature.sig[32:], "little") + order).to_bytes(32, "little")
    bent = EnvelopeSignature(signature.keyid, signature.sig[:32] + shifted)
    assert "does not fit" in reason(Envelope(IN_TOTO, PAYLOAD, (bent,)), signer.public)


def test_bare_signature_under_a_key_of_another_type_is_refused(openssh, signed):
    (signature,) = signed.signatures
    key = openssh.public("ecdsa-256")
    renamed = Envelope(IN_TOTO, PAYLOAD, (EnvelopeSignature(key.fingerprint, signature.sig),))
    assert "cannot make bare signatures" in reason(renamed, key)


def value_of(envelope):
    return json.loads(envelope.to_json())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v.pop("payload"), "the payload of the envelope is not base64"),
        (lambda v: v.update(payload=7), "is not base64"),
        (lambda v: v.update(payload=v["payload"] + "="), "is not base64"),
        (lambda v: v.update(payload=v["payload"][:-1]), "is not base64"),
        (lambda v: v.update(payload=" " + v["payload"]), "is not base64"),
        (lambda v: v.update(payload="e31="), "not base64 in its canonical form|is not base64"),
        (lambda v: v.update(payload="-+=="), "two alphabets"),
        (lambda v: v.pop("payloadType"), "payloadType"),
        (lambda v: v.update(payloadType=""), "payloadType"),
        (lambda v: v.update(payloadType="a b"), "payloadType"),
        (lambda v: v.update(payloadType="a" * 256), "payloadType"),
        (lambda v: v.update(signatures={}), "a list of at most 64"),
        (lambda v: v.update(signatures=v["signatures"] * 65), "a list of at most 64"),
        (lambda v: v.update(signatures=[7]), "no JSON object"),
        (lambda v: v.update(signatures=v["signatures"] * 2), "two signatures of one key"),
        (
            lambda v: v["signatures"].append({**v["signatures"][0], "keyid": "another"}),
            "one signature twice",
        ),
        (lambda v: v["signatures"][0].pop("keyid"), "`keyid`"),
        (lambda v: v["signatures"][0].update(keyid=""), "`keyid`"),
        (lambda v: v["signatures"][0].update(keyid="\n"), "`keyid`"),
        (lambda v: v["signatures"][0].update(sig=""), "is empty"),
        (lambda v: v["signatures"][0].update(sig="%"), "is not base64"),
    ],
)
def test_malformed_envelope_is_refused_with_a_reason(signed, change, said):
    value = value_of(signed)
    change(value)
    with pytest.raises(SignatureError, match=said):
        Envelope.parse(json.dumps(value).encode())


def test_envelope_that_says_anything_twice_is_refused(signed):
    text = signed.to_json().decode()
    for field in ("payload", "payloadType", "keyid"):
        at = text.index(f'"{field}":')
        end = text.index('"', at + len(field) + 4) + 1
        twice = text[:at] + text[at:end] + "," + text[at:]
        with pytest.raises(SignatureError, match="twice"):
            Envelope.parse(twice.encode())


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"7", b"\xff", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b"NaN"],
)
def test_what_is_no_envelope_is_refused(data):
    with pytest.raises(SignatureError):
        Envelope.parse(data)


def test_oversized_envelope_is_refused_unread():
    with pytest.raises(SignatureError, match="longer than"):
        Envelope.parse(b" " * (16 * 1024 * 1024 + 1))


def test_unknown_fields_are_passed_over_as_dsse_has_it(signed):
    value = {**value_of(signed), "comment": "\u00e9"}
    assert Envelope.parse(json.dumps(value).encode()) == signed


@pytest.mark.parametrize("sig", [b"x" * 63, b"x" * 65, b"SSHSIG", b"x"])
def test_signature_of_no_known_form_is_refused(signer, sig):
    envelope = Envelope(IN_TOTO, PAYLOAD, (EnvelopeSignature(signer.public.fingerprint, sig),))
    assert "neither bare Ed25519 nor an SSH signature" in reason(envelope, signer.public)


def test_every_flipped_bit_is_refused_or_changes_nothing_that_is_signed(signer, signed, flip):
    """Only the spelling of the JSON, and the hint that `keyid` is, can change unnoticed."""
    data = signed.to_json()
    for byte in range(len(data)):
        for bit in range(8):
            try:
                envelope = Envelope.parse(flip(data, byte, bit))
                (signature,) = envelope.signatures or (None,)
                assert signature is None or verify_signature(envelope, signature, [signer.public])
            except SignatureError:
                continue
            assert (envelope.payload_type, envelope.payload) == (IN_TOTO, PAYLOAD)
            assert signature is None or signature.sig == signed.signatures[0].sig


def test_every_flipped_bit_of_payload_and_signature_is_refused(signer, signed, flip):
    (signature,) = signed.signatures
    for byte in range(len(PAYLOAD)):
        edited = Envelope(IN_TOTO, flip(PAYLOAD, byte, 0), (signature,))
        assert reason(edited, signer.public)
    for byte in range(64):
        for bit in range(8):
            bent = EnvelopeSignature(signature.keyid, flip(signature.sig, byte, bit))
            assert reason(Envelope(IN_TOTO, PAYLOAD, (bent,)), signer.public)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
signatures = st.fixed_dictionaries(
    {},
    optional={
        "keyid": json_values,
        "sig": json_values | st.binary().map(base64.b64encode).map(bytes.decode),
    },
)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "payload": json_values | st.binary(max_size=40).map(base64.b64encode).map(bytes.decode),
        "payloadType": json_values | st.just(IN_TOTO),
        "signatures": json_values | st.lists(signatures, max_size=3),
    },
)


@settings(max_examples=300)
@given(st.binary(max_size=200) | envelopes.map(lambda v: json.dumps(v).encode()))
def test_any_bytes_are_an_envelope_or_refused(signer, data):
    try:
        envelope = Envelope.parse(data)
    except SignatureError:
        return
    for signature in envelope.signatures:
        with pytest.raises(SignatureError):
            verify_signature(envelope, signature, [signer.public])
    assert Envelope.parse(envelope.to_json()).payload == envelope.payload

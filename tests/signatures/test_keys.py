import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.signatures import PublicKey, SignatureError
from chimera.signatures.keys import _SMALL_ORDER
from chimera.signatures.wire import encode_base64, string

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
SK_ED25519 = b"sk-ssh-ed25519@openssh.com"
SK_ECDSA = b"sk-ecdsa-sha2-nistp256@openssh.com"


def line(*fields: bytes, name: bytes | None = None, rest: bytes = b"") -> str:
    blob = b"".join(map(string, fields)) + rest
    return f"{(name or fields[0]).decode()} {encode_base64(blob)}"


def ed25519(point: bytes) -> str:
    return line(b"ssh-ed25519", point)


POINT = bytes(31) + b"\x07"


@pytest.mark.parametrize("name", ["ed25519", "ecdsa-256", "ecdsa-384", "ecdsa-521", "rsa"])
def test_key_has_the_fingerprint_that_ssh_keygen_prints(openssh, name):
    printed = openssh.run("-l", "-f", openssh.key(name)).split()[1]
    assert openssh.public(name).fingerprint == printed


def test_comment_and_line_end_are_no_part_of_a_key(signer):
    text = signer.public.text
    assert PublicKey.parse(f"{text} ada@example.org, her laptop\r\n") == signer.public
    assert PublicKey.parse(text).text == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is cut off"),
        ("ssh-ed25519", "is cut off"),
        ("ssh-ed25519 %%%", "not base64"),
        (line(b"ssh-dss", b"x"), "ssh-keygen|not accepted"),
        (line(b"ssh-ed25519-cert-v01@openssh.com", b"x"), "not accepted"),
        (line(b"ssh-ed25519", b"short"), "32 bytes"),
        (line(b"ssh-ed25519", POINT, rest=b"!"), "followed by"),
        (line(b"ssh-ed25519", POINT, name=b"ssh-rsa"), "says that it is"),
        (line(b"ssh-ed25519", POINT) + " comment\nssh-rsa AAAA", "more than one line"),
        (line(b"ssh-ed25519", POINT)[:-3], "not base64"),
        ("ssh-ed25519 " + "A" * 9000, "too long"),
        (line(b"ssh-rsa", b"\1\0\1", b"\x7f" + b"\xff" * 127), "1023 bits is too short"),
        (line(b"ssh-rsa", b"\1\0\1", b"\0" + b"\xff" * 4096), "not written as SSH does"),
        (line(b"ssh-rsa", b"\0\1", b"\0" + b"\xff" * 256), "not written as SSH does"),
        (line(b"ssh-rsa", b"\xff", b"\0" + b"\xff" * 256), "not written as SSH does"),
        (line(b"ssh-rsa", b"", b"\0" + b"\xff" * 256), "not written as SSH does"),
        (line(b"ssh-rsa", b"\1", b"\0" + b"\xff" * 256), "no RSA key has"),
        (line(b"ecdsa-sha2-nistp256", b"nistp384", b"\4" + b"x" * 96), "another curve"),
        (line(b"ecdsa-sha2-nistp256", b"nistp256", b"\2" + b"x" * 32), "uncompressed point"),
        (line(SK_ED25519, POINT, b"https://example.org"), "other than SSH"),
        (line(SK_ED25519, POINT), "cut off"),
        (line(SK_ECDSA, b"nistp256", b"\4" + b"x" * 64), "cut off"),
    ],
)
def test_what_is_no_key_is_refused_with_a_reason(text, said):
    with pytest.raises(SignatureError, match=said):
        PublicKey.parse(text)


def test_security_keys_are_read():
    for text in (
        line(SK_ED25519, POINT, b"ssh:"),
        line(SK_ECDSA, b"nistp256", b"\4" + b"x" * 64, b"ssh:work"),
    ):
        assert PublicKey.parse(text).text == text


def add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """Add two points of Edwards25519 (RFC 8032, 5.1.4, in affine coordinates)."""
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    return (
        (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P,
    )


def x_of(y: int) -> int:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    return x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P


@pytest.mark.parametrize("encoded", sorted(_SMALL_ORDER), ids=bytes.hex)
def test_points_of_small_order_are_refused_and_are_of_small_order(encoded):
    y = int.from_bytes(encoded, "little") % P
    point = (x_of(y), y)
    for _ in range(3):
        point = add(point, point)
    assert point == (0, 1)
    signed = encoded[:31] + bytes([encoded[31] | 0x80])
    for key in (encoded, signed):
        with pytest.raises(SignatureError, match="small order"):
            PublicKey.parse(ed25519(key))


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: f"ssh-rsa {encode_base64(b)}"))
def test_any_text_is_a_key_or_refused(text):
    try:
        key = PublicKey.parse(text)
    except SignatureError:
        return
    assert PublicKey.parse(key.text) == key


@given(st.binary(max_size=120), st.sampled_from([b"ssh-rsa", b"ssh-ed25519", SK_ED25519, SK_ECDSA]))
def test_any_blob_is_a_key_or_refused(rest, name):
    try:
        key = PublicKey.of_blob(string(name) + rest)
    except SignatureError:
        return
    assert key.blob == string(name) + rest

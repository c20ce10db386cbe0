"""Canonical JSON against RFC 8785's own examples, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.model import ChimeraError, canonical_json, digest_bytes, digest_json, digest_paths

# RFC 8785, appendix B: IEEE 754 bits and what they are written as.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_are_written_as_the_rfc_lists_them(bits: str, text: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_json(number) == text.encode()


def test_the_rfc_example_of_section_3_2_3() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert canonical_json(value).decode() == (
        '{"literals":[null,true,false],'
        '"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_keys_are_sorted_by_utf_16_units_as_in_the_rfc() -> None:
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = json.loads(canonical_json(dict.fromkeys(keys, 0)))
    assert list(written) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize("number", [2**53 - 1, -(2**53) + 1, 0])
def test_integers_that_every_reader_holds_are_written(number: int) -> None:
    assert canonical_json(number) == str(number).encode()


@pytest.mark.parametrize(
    "value",
    [
        2**53,
        -(2**53),
        10**40,
        float("inf"),
        float("nan"),
        {1: 2},
        "\ud800",
        b"bytes",
        {"deep": [{1, 2}]},
    ],
)
def test_what_json_cannot_hold_is_refused_with_help(value: object) -> None:
    with pytest.raises(ChimeraError) as refused:
        digest_json({"value": value})
    assert "no canonical JSON form" in refused.value.message
    assert refused.value.help


def test_nesting_without_end_is_refused() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ChimeraError):
        canonical_json(value)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcé😀\r"), inner),
    max_leaves=12,
)


@given(json_values)
def test_what_was_written_reads_back_equal_and_is_written_the_same_again(value: object) -> None:
    read = json.loads(canonical_json(value), parse_int=float)  # RFC 8785: every number is a double
    assert read == value
    assert canonical_json(read) == canonical_json(value)


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 9), max_size=6), st.randoms())
def test_the_order_of_keys_does_not_matter(value: dict[str, int], random: object) -> None:
    items = list(value.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert digest_json(dict(items)) == digest_json(value)


def test_digests_are_sha_256_and_say_so() -> None:
    assert digest_bytes(b"") == "sha256:" + hashlib.sha256(b"").hexdigest()
    assert digest_json({"a": 1}) == digest_bytes(b'{"a":1}')


def test_the_digest_of_paths_knows_paths_modes_and_content_and_no_order() -> None:
    one, two = ("a", "100644", digest_bytes(b"1")), ("b", "100644", digest_bytes(b"2"))
    assert digest_paths([one, two]) == digest_paths([two, one])
    for other in (
        ("c", *one[1:]),
        ("a", "100755", one[2]),
        ("a", "100644", digest_bytes(b"x")),
    ):
        assert digest_paths([other, two]) != digest_paths([one, two])
    assert digest_paths([one]) != digest_paths([one, two])


@given(st.lists(st.tuples(st.text(), st.text(max_size=6), st.text(max_size=6))))
def test_the_digest_of_paths_is_that_of_their_canonical_json(
    entries: list[tuple[str, str, str]],
) -> None:
    assert digest_paths(entries) == digest_json([list(entry) for entry in sorted(entries)])


def test_a_path_that_is_not_utf_8_has_no_digest() -> None:
    with pytest.raises(ChimeraError, match="not UTF-8"):
        digest_paths([("caf\udce9", "100644", "sha256:0")])

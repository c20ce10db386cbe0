"""Secrets are masked in every encoding, and ordinary text is left alone."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.context import Secrets

SECRET = 'p/ä"s+s w\\ord&1'
# The mask's own character would make "is it still there" ambiguous.
values = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=8)
ENCODINGS = {
    "plain": str,
    "url": lambda value: quote(value, safe=""),
    "url path": quote,
    "url form": quote_plus,
    "url lowercase": lambda value: re.sub("%..", lambda m: m[0].lower(), quote(value, safe="")),
    "encodeURIComponent": lambda value: quote(value, safe="!'()*"),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 url": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "base64 unpadded": lambda value: base64.b64encode(value.encode()).decode().rstrip("="),
    "hex": lambda value: value.encode().hex(),
    "json": lambda value: json.dumps(value)[1:-1],
    "json unescaped": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_encoding_is_masked(name: str) -> None:
    encoded = ENCODINGS[name](SECRET)
    masked = Secrets([SECRET]).mask(f"before <{encoded}> after")
    assert encoded not in masked
    assert masked.startswith("before <***")
    assert masked.endswith("> after")


@settings(deadline=None)
@given(values, st.sampled_from(sorted(ENCODINGS)))
def test_no_encoding_of_any_secret_survives(value: str, name: str) -> None:
    encoded = ENCODINGS[name](value)
    secrets = Secrets([value])
    assert encoded not in secrets.mask(f"({encoded})")
    assert encoded.encode() not in secrets.mask_bytes(f"({encoded})".encode())


@settings(deadline=None)
@given(st.binary(max_size=7), values, st.binary(max_size=7))
def test_a_secret_inside_longer_base64_is_masked(before: bytes, value: str, after: bytes) -> None:
    encoded = base64.b64encode(before + value.encode() + after).decode()
    left = Secrets([value]).mask(encoded).replace("***", "")
    # Only the neighbours, the characters shared with them and the padding may be left.
    assert len(left) <= (len(before) + len(after)) * 4 / 3 + 6


def test_the_longer_secret_wins_over_one_that_it_contains() -> None:
    assert Secrets(["hunter22", "hunter22-and-more"]).mask("x hunter22-and-more y") == "x *** y"


def test_overlapping_secrets_leave_no_remainder() -> None:
    assert Secrets(["abcdefgh", "efghijkl"]).mask("-abcdefghijkl-") == "-***-"


def test_a_secret_that_was_cut_off_is_masked() -> None:
    secrets = Secrets(["sesame-open-now"])
    assert secrets.mask("output: sesame-op") == "output: ***"
    assert secrets.mask("two ses") == "two ses"


def test_each_line_of_a_long_secret_is_masked() -> None:
    secrets = Secrets(["-----BEGIN-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n"])
    assert secrets.mask("line: BgkqhkiG9w0B") == "line: ***"


def test_json_values_are_masked_at_every_depth() -> None:
    secrets = Secrets(["sesame-open", "12345678"])
    value = {"a": ["x sesame-open"], "sesame-open": {"n": 12345678, "f": 1.5, "t": True, "z": None}}
    assert secrets.mask_json(value) == {
        "a": ["x ***"],
        "***": {"n": "***", "f": 1.5, "t": True, "z": None},
    }


def test_text_without_secrets_is_unchanged() -> None:
    assert Secrets().mask("anything") == "anything"
    assert Secrets([""]).mask("anything") == "anything"


def test_bytes_that_are_not_text_are_masked_too() -> None:
    assert Secrets(["sesame-open"]).mask_bytes(b"\xff\x00sesame-open\xfe") == b"\xff\x00***\xfe"


def test_environment_gives_secrets_by_name_and_inside_urls(tmp_path: Path) -> None:
    key_file = tmp_path / "signing.key"
    key_file.touch()
    secrets = Secrets.from_environment(
        {
            "API_TOKEN": "token-value-1",
            "PGPASSWORD": "password-value",
            "DATABASE_URL": "postgres://app:url%2Dpassword@db/main",
            "KEY_FILE": str(key_file),
            "SECRET_MODE": "true",
            "EDITOR": "ordinary-editor",
        }
    )
    assert secrets.mask("token-value-1 password-value url%2Dpassword url-password") == (
        "*** *** *** ***"
    )
    kept = f"{key_file} true ordinary-editor postgres://app"
    assert secrets.mask(kept) == kept

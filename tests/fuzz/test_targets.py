"""The targets of the fuzzer, held to their laws by its seeds and by what hypothesis makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fuzz.signed import evidence
from tests.fuzz.targets import TARGETS, differ, foreign, policy, reader

CORPUS = Path(__file__).parent / "corpus"
SEEDS = sorted(path for path in CORPUS.rglob("*") if path.is_file())

_SCALARS = st.sampled_from(
    ["x", "no", "0o17", "12:30", "~", "1e999", "2", "''", '"\\x00"', "!!binary a", "&a b", "*a"]
)
_KEYS = st.sampled_from(
    ["apiVersion", "kind", "metadata", "spec", "name", "layers", "match", "rules", "<<", "x"]
)
_PIECES = st.one_of(
    st.just("apiVersion: chimera/v1\nkind: Role\nmetadata: {name: a}\nspec: {members: []}\n"),
    st.just("---\n"),
    st.tuples(_KEYS, _SCALARS).map(lambda pair: f"{pair[0]}: {pair[1]}\n"),
    st.tuples(_KEYS, _KEYS, _SCALARS).map(lambda t: f"{t[0]}:\n  {t[1]}: [{t[2]}, {t[2]}]\n"),
    st.text(max_size=8),
)
TEXTS = st.lists(_PIECES, max_size=8).map("".join).map(str.encode)
BYTES = st.one_of(TEXTS, st.binary(max_size=64))


def test_there_are_seeds_for_every_target() -> None:
    assert {path.parent.name for path in SEEDS} == set(TARGETS)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_seeds_keep_the_laws(seed: Path) -> None:
    TARGETS[seed.parent.name](seed.read_bytes())


@given(BYTES)
@example(b"\xef\xbb\xbfkind: Role\r\n")
@example(b"[" * 100_000)
def test_reader(data: bytes) -> None:
    reader(data)


@given(st.sampled_from([b"0", b"1", b"2", b"3"]), BYTES)
def test_foreign(suffix: bytes, data: bytes) -> None:
    foreign(suffix + data)


@given(BYTES, BYTES)
def test_differ(before: bytes, after: bytes) -> None:
    differ(before.replace(b"\0", b"") + b"\0" + after)


_TOKENS = (
    "object .spec [0] + 'a' 1u ( ) size( has( ! == .all( x, true before now .matches('(a+)+$') "
    "\x00 é duration('1s')"
)


@given(st.lists(st.sampled_from([*_TOKENS.split(" "), "\n"]), max_size=12))
def test_policy(pieces: list[str]) -> None:
    policy("".join(pieces).encode())


_FIELDS = st.sampled_from(["payload", "payloadType", "signatures", "keyid", "sig", "_type"])
_VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=6) | st.just("application/vnd.in-toto+json"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_FIELDS, inner, max_size=4),
    max_leaves=6,
)


@given(st.integers(0, 4), st.binary(max_size=64) | _VALUES.map(lambda v: json.dumps(v).encode()))
def test_evidence(choice: int, data: bytes) -> None:
    evidence(bytes([choice]) + data)

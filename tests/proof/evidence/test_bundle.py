"""Bundles: evidence that comes from anywhere, a line at a time."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.model import canonical_json
from chimera.proof import EvidenceError, EvidenceStore
from chimera.proof.evidence import bundle as bundles
from chimera.proof.evidence.bundle import bound_to, bring_in, bring_in_envelope, bundle, read_bundle
from chimera.proof.inputs import ContentSubject, binding
from chimera.signatures import Envelope, EnvelopeSignature, SignatureError
from tests.proof.statements import ZEROS, key, put, sign, statement

SOME = "sha256:" + "d" * 64


@pytest.fixture
def store(tmp_path) -> EvidenceStore:
    return EvidenceStore.below(tmp_path / "here")


@pytest.fixture
def other(tmp_path) -> EvidenceStore:
    return EvidenceStore.below(tmp_path / "there")


def test_bundle_brings_statements_and_signatures_unchanged(store, other):
    digests = [put(store, statement()), put(store, statement("fail"))]
    sign(store, digests[0], key(1))
    sign(store, digests[0], key(2))
    data = bundle(map(store.envelope, digests))
    for _, envelope in read_bundle(io.BytesIO(data)):
        assert isinstance(envelope, Envelope)
        bring_in_envelope(other, envelope)
    for digest in digests:
        assert other.envelope(digest) == store.envelope(digest)
    assert not any(kept.is_own for d in digests for kept in other.about(*bound_to(other.get(d), d)))


def test_two_signatures_in_one_name_become_two_lines(store):
    digest = put(store, statement())
    store.add_signature(digest, EnvelopeSignature(key().public.fingerprint, b"junk"))
    envelope = sign(store, digest, key())
    lines = [found for _, found in read_bundle(io.BytesIO(bundle([envelope])))]
    assert [len(line.signatures) for line in lines] == [1, 1]
    assert {s for line in lines for s in line.signatures} == set(envelope.signatures)


def test_unsigned_evidence_is_a_line_as_well(store):
    (line,) = bundle([store.envelope(put(store, statement()))]).splitlines()
    assert json.loads(line)["signatures"] == []


def test_what_is_wrong_with_a_line_concerns_no_other(store):
    good = bundle([store.envelope(put(store, statement()))])
    found = list(read_bundle(io.BytesIO(b"{\n\n" + good + b"[]\n" + good)))
    assert [number for number, _ in found] == [1, 3, 4, 5]
    assert [isinstance(what, Envelope) for _, what in found] == [False, True, False, True]


def test_reading_stops_where_a_bundle_is_too_large(store, monkeypatch):
    good = bundle([store.envelope(put(store, statement()))])
    monkeypatch.setattr(bundles, "MOST_LINES", 2)
    found = list(read_bundle(io.BytesIO(good * 5)))
    assert len(found) == 3
    assert isinstance(found[-1][1], SignatureError)
    monkeypatch.setattr(bundles, "_MOST_LINE_BYTES", 100)
    ((_, error),) = read_bundle(io.BytesIO(good))
    assert "nothing is read from here on" in str(error)


def test_statement_says_itself_what_it_is_bound_to():
    proof, bound = bound_to(statement(), SOME)
    assert str(proof) == "Proof/answer"
    subjects = [ContentSubject(name, f"sha256:{ZEROS}") for name in ("Proof/answer", "src/**")]
    assert bound == binding("Proof/answer", subjects, "sha256:" + "e" * 64)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.update(predicateType="https://slsa.dev/provenance/v1"),
        lambda s: s.update(predicate=[]),
        lambda s: s.update(subject=[]),
        lambda s: s.update(subject=None),
        lambda s: s.update(subject=[{"name": "x"}]),
        lambda s: s.update(subject=[{"name": 1, "digest": {"sha256": ZEROS}}]),
        lambda s: s.update(subject=[{"name": "x", "digest": {"sha256": "../../x"}}]),
        lambda s: s.update(subject=s["subject"] * 10_001),
        lambda s: s["predicate"].update(proof="Gate/x"),
        lambda s: s["predicate"].update(proof="Proof/../../x"),
        lambda s: s["predicate"].update(proof=None),
        lambda s: s["predicate"].update(configuration=[]),
        lambda s: s["predicate"].update(configuration=s["predicate"]["configuration"][:1]),
        lambda s: s["predicate"].update(configuration=s["predicate"]["configuration"][1:] * 2),
    ],
)
def test_statement_that_is_bound_to_nothing_is_not_taken_in(store, change):
    value = statement()
    change(value)
    with pytest.raises(EvidenceError):
        bring_in(store, canonical_json(value))
    assert store.digests() == ()


def test_statement_that_is_too_large_is_not_taken_in(store, monkeypatch):
    monkeypatch.setattr(bundles, "MOST_STATEMENT_BYTES", 100)
    with pytest.raises(EvidenceError, match="more than evidence may have"):
        bring_in(store, canonical_json(statement()))


def test_envelope_of_something_else_is_not_taken_in(store):
    envelope = Envelope("application/json", canonical_json(statement()))
    with pytest.raises(EvidenceError, match="holds application/json, not"):
        bring_in_envelope(store, envelope)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    for _, found in read_bundle(io.BytesIO(data)):
        assert isinstance(found, Envelope | SignatureError)


_words = st.text(max_size=5)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=8,
)


_FIELDS = ("subject", "predicate", "predicateType", "proof", "configuration")


@given(st.sampled_from(_FIELDS), _values)
def test_any_statement_is_taken_in_or_refused(field, value):
    changed = statement()
    (changed if field in changed else changed["predicate"])[field] = value
    try:
        proof, _ = bound_to(changed, SOME)
    except EvidenceError:
        return
    assert proof.kind == "Proof"

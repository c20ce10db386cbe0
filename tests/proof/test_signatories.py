"""Who signed evidence, and whose signature counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chimera.kinds import Snapshot
from chimera.model import Address, TrustRoot, canonical_json
from chimera.proof.signatories import Signatory, signatories
from chimera.proof.verifying import Verifier
from chimera.signatures import IN_TOTO, Envelope, EnvelopeSignature, sign_envelope

from .evidence import day, key, statement, trusting

CI = Address("Identity", "ci")


def envelope() -> Envelope:
    return Envelope(IN_TOTO, canonical_json(statement()))


def signed() -> Envelope:
    return sign_envelope(envelope(), key())


@pytest.fixture
def snapshot(bench) -> Snapshot:
    return bench.load().snapshot


@pytest.fixture
def told(snapshot):
    """What is told of the signatures of an envelope, by the keys that a trust root knows."""

    def told(trust: TrustRoot | None, of: Envelope) -> tuple[Signatory, ...]:
        return signatories(Verifier(snapshot, trust, day(21)), of)

    return told


PROVER = trusting(key(), "prove")


def test_a_key_that_counts_vouches(told):
    assert told(PROVER, signed()) == (Signatory(key().public.fingerprint, CI),)
    assert told(PROVER, signed())[0].counts
    assert told(PROVER, envelope()) == ()


@pytest.mark.parametrize(
    ("trust", "identity", "reason"),
    [
        (None, None, "no trusted ref"),
        (trusting(key(2), "prove"), None, "is unknown"),
        (trusting(key(), "approve"), CI, "may not prove"),
        (trusting(key()), CI, "may not prove"),
        (trusting(key(), "prove", revoked=day(30)), CI, "is revoked"),
        (trusting(key(), "prove", not_after=day(20)), CI, "expired"),
        (trusting(key(), "prove", not_before=day(22)), CI, "counts from"),
    ],
)
def test_a_key_that_does_not_count_says_why(told, trust, identity, reason):
    (signatory,) = told(trust, signed())
    assert reason in (signatory.refusal or "")
    assert (signatory.identity, signatory.counts) == (identity, False)


@pytest.mark.parametrize(
    "change",
    [
        lambda e: replace(e, payload=e.payload.replace(b"answer", b"other")),
        lambda e: replace(e, payload=b"{}"),
        lambda e: replace(e, payload_type="application/json"),
        lambda e: replace(e, signatures=(EnvelopeSignature(e.signatures[0].keyid, bytes(64)),)),
        lambda e: replace(
            e, signatures=(EnvelopeSignature(key(2).public.fingerprint, e.signatures[0].sig),)
        ),
    ],
    ids=["payload", "no statement", "type", "bytes", "key id"],
)
def test_a_signature_that_does_not_verify_is_nobodys(told, change):
    (signatory,) = told(PROVER, change(signed()))
    assert (signatory.identity, signatory.counts) == (None, False)
    assert signatory.refusal


def test_a_junk_signature_in_the_name_of_a_key_hides_no_good_one(told):
    good = signed()
    junk = EnvelopeSignature(good.signatures[0].keyid, bytes(64))
    found = told(PROVER, replace(good, signatures=(junk, *good.signatures)))
    assert [one.counts for one in found] == [False, True]


def test_another_tools_key_id_is_tried_with_every_key(told):
    good = signed()
    foreign = replace(good, signatures=(EnvelopeSignature("abc123", good.signatures[0].sig),))
    (signatory,) = told(PROVER, foreign)
    assert (signatory.keyid, signatory.identity, signatory.counts) == ("abc123", CI, True)

"""Who says what evidence says, and whose word counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chimera.model import Address, canonical_json
from chimera.proof.provenance import Provenance, Signatories
from chimera.signatures import IN_TOTO, Envelope, EnvelopeSignature, sign_envelope

from .evidence import day, key, statement, trusting

CI = Address("Identity", "ci")


def envelope(value=None) -> Envelope:
    return Envelope(IN_TOTO, canonical_json(value or statement()))


def signed() -> Envelope:
    return sign_envelope(envelope(), key())


def test_statement_says_when_by_whom_and_where():
    said = Provenance.of(statement())
    assert said == Provenance(
        proof="Proof/answer",
        finding="pass",
        at="2026-11-21T00:00:00.000000Z",
        actor="ci",
        automated=True,
        environment="local",
        revision="c" * 40,
    )


@pytest.mark.parametrize(
    "value",
    [{}, {"predicate": 7}, statement(volatile=None), statement(volatile={"at": 1, "actor": "ci"})],
)
def test_statement_that_says_nothing_readable_says_nothing(value):
    said = Provenance.of(value)
    assert (said.at, said.actor, said.automated, said.revision) == ("", "", False, "")


def test_a_key_that_counts_vouches():
    found = Signatories(trusting(key(), "prove"), day(21))
    (signatory,) = found.of(signed())
    assert (signatory.identity, signatory.refusal) == (CI, None)
    assert found.vouch_for(signed())
    assert not found.vouch_for(envelope())


@pytest.mark.parametrize(
    ("trust", "reason"),
    [
        (None, "no trust ref"),
        (trusting(key(2), "prove"), "is not among those that may sign"),
        (trusting(key(), "approve"), "may vouch for evidence"),
        (trusting(key()), "may vouch for evidence"),
        (trusting(key(), "prove", revoked=day(30)), "is revoked"),
        (trusting(key(), "prove", not_after=day(20)), "expired"),
        (trusting(key(), "prove", not_before=day(22)), "counts from"),
    ],
)
def test_a_key_that_does_not_count_says_why(trust, reason):
    found = Signatories(trust, day(21))
    (signatory,) = found.of(signed())
    assert reason in (signatory.refusal or "")
    assert not found.vouch_for(signed())


@pytest.mark.parametrize(
    "change",
    [
        lambda e: replace(e, payload=e.payload.replace(b"pass", b"fail")),
        lambda e: replace(e, payload_type="application/json"),
        lambda e: replace(e, signatures=(EnvelopeSignature(e.signatures[0].keyid, bytes(64)),)),
        lambda e: replace(
            e, signatures=(EnvelopeSignature(key(2).public.fingerprint, e.signatures[0].sig),)
        ),
    ],
    ids=["payload", "type", "bytes", "key id"],
)
def test_a_signature_that_does_not_verify_is_nobodys(change):
    trust = trusting(key(), "prove")
    (signatory,) = Signatories(trust, day(21)).of(change(signed()))
    assert signatory.identity is None
    assert not signatory.counts


def test_a_junk_signature_in_the_name_of_a_key_hides_no_good_one():
    good = signed()
    junk = EnvelopeSignature(good.signatures[0].keyid, bytes(64))
    both = replace(good, signatures=(junk, *good.signatures))
    assert Signatories(trusting(key(), "prove"), day(21)).vouch_for(both)


def test_another_tools_key_id_is_tried_with_every_key():
    good = signed()
    foreign = replace(good, signatures=(EnvelopeSignature("abc123", good.signatures[0].sig),))
    assert Signatories(trusting(key(), "prove"), day(21)).vouch_for(foreign)

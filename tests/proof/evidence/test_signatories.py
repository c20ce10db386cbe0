"""Who signed evidence, and whose signature counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chimera.kinds import Snapshot
from chimera.model import Actor, Address, TrustRoot, canonical_json
from chimera.proof.evidence.provenance import Provenance
from chimera.proof.evidence.signatories import Signatory, actor_of, signatories
from chimera.proof.evidence.verifying import Verifier
from chimera.signatures import IN_TOTO, Envelope, EnvelopeSignature, sign_envelope
from tests.proof.statements import day, key, statement, trusting

CI, ANN = Address("Identity", "ci"), Address("Identity", "ann")


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


@pytest.mark.parametrize(
    ("signed_by", "actor"),
    [
        ((), Actor("ann", "automation")),
        ((Signatory("k", CI),), Actor("ann", "automation")),
        ((Signatory("k", ANN, "it is revoked", human=True),), Actor("ann", "automation")),
        ((Signatory("j", CI), Signatory("k", ANN, human=True)), Actor("Identity/ann", "human")),
    ],
)
def test_the_actor_is_automation_unless_a_person_signed(signed_by, actor):
    claimed = statement(volatile={"actor": {"name": "ann", "kind": "human"}})
    assert actor_of(Provenance.of(claimed), signed_by) == actor


def test_a_persons_signature_is_told_from_a_machines(told):
    (key_of,) = PROVER.keys
    person = replace(PROVER, keys=(replace(key_of, human=True),))
    machine = replace(PROVER, keys=(replace(key_of, human=False),))
    assert [one.human for root in (person, machine) for one in told(root, signed())] == [
        True,
        False,
    ]

"""Attacks on evidence, each refused by the check that is there for it, with its reason."""

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from chimera.model import Address, Finding, Outcome, TrustedKey, TrustRoot
from chimera.proof import Verification, Verifier
from chimera.proof.inputs import content_subjects
from chimera.signatures import (
    APPROVAL,
    IN_TOTO,
    Envelope,
    EnvelopeSignature,
    pae,
    sign_envelope,
)
from chimera.signatures.signer import BareSigner
from tests.proof.conftest import Bench

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CHECKS = [
    "payload type",
    "statement",
    "signature",
    "key",
    "proof definition",
    "subjects",
    "engine",
    "isolation",
    "result",
]
CI, EVE = (BareSigner.of(Ed25519PrivateKey.from_private_bytes(bytes([n] * 32))) for n in (1, 2))


def verify(envelope, snapshot, trust, now, *, signed=True, branch=None) -> Verification:
    return Verifier(snapshot, trust, now, branch).verify(envelope, signed=signed)


def trusted(signer, name="ci", **changes):
    key = TrustedKey(
        signer.public.fingerprint,
        signer.public.text,
        Address("Identity", name),
        human=False,
        roles=(Address("Role", "prover"),),
        capabilities=frozenset({"prove"}),
    )
    return replace(key, **changes)


def root(*keys, **changes):
    return TrustRoot("origin/main", "c" * 40, keys, **changes)


TRUST = root(trusted(CI))


class Evidence:
    """A repository with one proof, proven once, and what attackers make of the evidence."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.report = bench.prove_one()
        self.original = bench.store.get(self.report.evidence)
        self.snapshot = bench.load().snapshot

    def statement(self):
        return copy.deepcopy(dict(self.original))

    def envelope(self, statement=None, signer=CI):
        payload = json.dumps(statement or self.original).encode()
        envelope = Envelope(IN_TOTO, payload)
        return sign_envelope(envelope, signer) if signer else envelope

    def snapshot_with(self, **changes):
        """A snapshot in which the proof is another, and evidence that was made for that one."""
        self.bench.proof(**changes)
        loaded = self.bench.load()
        proof = self.bench.get(loaded=loaded)
        statement = self.statement()
        statement["subject"] = [
            {"name": s.name, "digest": {"sha256": s.digest.removeprefix("sha256:")}}
            for s in content_subjects(proof, loaded.snapshot)
        ]
        self.bench.proof()
        return loaded.snapshot, statement


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    """Evidence for the one proof of a repository."""
    return Evidence(Bench(tmp_path_factory.mktemp("verifying") / "repository"))


def failed(verification):
    """The check that failed, with its reason in one line; the ones behind it were not reached."""
    states = [check.state for check in verification.checks]
    assert [check.name for check in verification.checks] == CHECKS
    at = states.index("fail")
    assert set(states[at + 1 :]) <= {"not-reached"}
    assert verification.checks[at].help, "says what to do"
    return CHECKS[at], "; ".join(verification.checks[at].reasons)


def refused(evidence, envelope, trust=TRUST, snapshot=None, **options):
    found = verify(envelope, snapshot or evidence.snapshot, trust, NOW, **options)
    assert found.state != "valid"
    assert found.finding is not Finding.PASS
    assert found.outcome is not Outcome.PASSED
    return failed(found)


def test_signed_evidence_for_this_content_passes_every_check_and_names_its_signer(evidence):
    found = verify(evidence.envelope(), evidence.snapshot, TRUST, NOW)
    assert [(c.name, c.state) for c in found.checks] == [(name, "pass") for name in CHECKS]
    assert all(check.reasons for check in found.checks)
    assert (found.state, found.outcome, found.finding) == ("valid", Outcome.PASSED, Finding.PASS)
    assert found.signer == TRUST.keys[0]
    assert found.proof == Address("Proof", "answer")


def test_ssh_signature_counts_as_a_bare_one_does(evidence):
    envelope = evidence.envelope(signer=None)
    text = CI.sign(pae(IN_TOTO, envelope.payload), "chimera-evidence")
    signature = EnvelopeSignature(CI.public.fingerprint, text.encode())
    found = verify(replace(envelope, signatures=(signature,)), evidence.snapshot, TRUST, NOW)
    assert found.state == "valid"


def test_what_was_made_here_is_not_asked_for_signatures_where_nothing_is_protected(evidence):
    found = verify(evidence.envelope(signer=None), evidence.snapshot, None, NOW, signed=False)
    states = {check.name: check.state for check in found.checks}
    assert (states["signature"], states["key"]) == ("not-asked", "not-asked")
    assert found.state == "valid"


# Payload type and statement


def test_another_payload_type_is_refused(evidence):
    envelope = Envelope("application/json", evidence.envelope().payload)
    name, reason = refused(evidence, sign_envelope(envelope, CI))
    assert (name, reason) == (
        "payload type",
        f"the envelope holds application/json, not {IN_TOTO}",
    )


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", "not JSON"),
        (b"[]", "not an in-toto statement"),
        (b"[" * 100_000, "not JSON"),
        (b'{"_type": "https://in-toto.io/Statement/v0.1"}', "not an in-toto statement"),
        (b'{"_type": "https://in-toto.io/Statement/v1"}', "not the result of a test"),
        (b'{"_type": 1, "_type": 2}', "twice"),
    ],
)
def test_what_is_no_statement_is_refused(evidence, payload, said):
    name, reason = refused(evidence, sign_envelope(Envelope(IN_TOTO, payload), CI))
    assert name == "statement"
    assert said in reason


def descriptor(**fields):
    return lambda s: s["predicate"]["configuration"].append(fields)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.update(predicateType="https://example.org/other"), "not the result of a test"),
        (lambda s: s.update(predicate=None), "does not say its predicate"),
        (lambda s: s.update(subject=[]), "names no subject"),
        (lambda s: s.update(subject="everything"), "does not say its subject"),
        (lambda s: s.update(subject=s["subject"] * 2), "twice"),
        (lambda s: s["subject"][0].update(digest=None), "no set of digests"),
        (lambda s: s["subject"][0].update(digest={"sha256": "xyz"}), "not SHA-256"),
        (lambda s: s["subject"][0].update(digest={"sha1": "0" * 40}), "lacks its name or its SHA"),
        (lambda s: s["subject"][0].update(digest={}), "neither uri nor digest nor content"),
        (lambda s: s["subject"][0].pop("name"), "lacks its name"),
        (lambda s: s["subject"].append(7), "no resource descriptor"),
        (lambda s: s["subject"].extend([{}] * 10_001), "more than 10000"),
        (lambda s: s["predicate"].pop("result"), "does not say its result"),
        (lambda s: s["predicate"].update(result="GREEN"), "none of PASSED"),
        (lambda s: s["predicate"].pop("configuration"), "does not say its configuration"),
        (descriptor(name="interpreter"), "neither uri nor digest nor content"),
        (descriptor(name="engine", digest={"sha256": "0" * 64}), "two versions of the engine"),
        (descriptor(uri=7), "the uri of an entry"),
        (lambda s: s["predicate"].update(passedTests=[7]), "no text"),
        (lambda s: s["predicate"].update(failedTests="none"), "failedTests"),
        (lambda s: s["predicate"].pop("proof"), "does not say its proof"),
        (lambda s: s["predicate"].update(finding="perhaps"), "none of ours"),
        (lambda s: s["predicate"].update(reasons=7), "does not say its reasons"),
        (lambda s: s["predicate"].update(exercised=True), "does not say its exercised"),
        (lambda s: s["predicate"].update(repetitions=-1), "does not say its repetitions"),
        (lambda s: s["predicate"].update(controls=[{}]), "none of ours"),
        (lambda s: s["predicate"].update(volatile=None), "does not say its volatile"),
        (lambda s: s["predicate"]["volatile"].pop("at"), "does not say its at"),
    ],
)
def test_statement_that_is_not_as_in_toto_and_chimera_have_it_is_refused(evidence, change, said):
    statement = evidence.statement()
    change(statement)
    name, reason = refused(evidence, evidence.envelope(statement))
    assert name == "statement"
    assert said in reason


def test_fields_that_nobody_knows_are_passed_over_as_in_toto_asks(evidence):
    statement = evidence.statement()
    statement["predicate"]["https://example.org/extension"] = {"score": 10}
    statement["predicate"]["url"] = "https://ci.example.org/42"
    found = verify(evidence.envelope(statement), evidence.snapshot, TRUST, NOW)
    assert found.state == "valid"


# Signature


def test_evidence_edited_after_it_was_signed_is_refused(evidence):
    envelope = evidence.envelope()
    edited = replace(envelope, payload=envelope.payload.replace(b"42", b"43"))
    edited = replace(edited, payload=edited.payload + b" ")
    assert refused(evidence, edited) == (
        "signature",
        "the signature does not fit the key and what was signed",
    )


def test_unsigned_evidence_is_refused_and_says_how_to_sign(evidence):
    found = verify(evidence.envelope(signer=None), evidence.snapshot, TRUST, NOW)
    assert failed(found) == ("signature", "nobody has signed it")
    assert "chimera evidence sign" in found.failed.help


def test_without_a_trusted_ref_no_signature_counts(evidence):
    found = verify(evidence.envelope(), evidence.snapshot, None, NOW)
    assert failed(found) == ("signature", "there is no trusted ref that says whose keys count")
    assert "CHIMERA_TRUST_REF" in found.failed.help


def test_unknown_key_is_refused(evidence):
    name, reason = refused(evidence, evidence.envelope(signer=EVE))
    assert name == "signature"
    assert reason == f"the key {EVE.public.fingerprint} is unknown: origin/main does not have it"
    _, reason = refused(evidence, evidence.envelope(signer=EVE), branch=root())
    assert reason.endswith("origin/main does not have it, and neither has this tree")


def test_unknown_key_under_a_name_of_its_own_is_refused(evidence):
    (signature,) = evidence.envelope(signer=EVE).signatures
    envelope = replace(
        evidence.envelope(signer=None), signatures=(replace(signature, keyid="eve"),)
    )
    assert refused(evidence, envelope)[0] == "signature"


def test_unknown_key_under_the_name_of_a_trusted_one_is_refused(evidence):
    (signature,) = evidence.envelope(signer=EVE).signatures
    named = replace(signature, keyid=CI.public.fingerprint)
    envelope = replace(evidence.envelope(signer=None), signatures=(named,))
    assert refused(evidence, envelope)[0] == "signature"


def test_signature_of_another_namespace_is_refused(evidence):
    envelope = evidence.envelope(signer=None)
    text = CI.sign(pae(IN_TOTO, envelope.payload), APPROVAL)
    signature = EnvelopeSignature(CI.public.fingerprint, text.encode())
    name, reason = refused(evidence, replace(envelope, signatures=(signature,)))
    assert name == "signature"
    assert "made for 'chimera-approval' and does not count for 'chimera-evidence'" in reason


def test_signature_over_another_payload_type_is_refused(evidence):
    payload = evidence.envelope().payload
    signed = sign_envelope(Envelope("application/json", payload), CI)
    assert refused(evidence, replace(signed, payload_type=IN_TOTO))[0] == "signature"


def test_key_that_two_identities_name_is_refused(evidence):
    trust = root(shared=frozenset({CI.public.fingerprint}))
    name, reason = refused(evidence, evidence.envelope(), trust)
    assert name == "signature"
    assert "nobody's: two identities of origin/main name it" in reason


def test_key_that_comes_with_what_would_be_applied_is_refused(evidence):
    trust = root(pending=frozenset({CI.public.fingerprint}))
    name, reason = refused(evidence, evidence.envelope(), trust, branch=TRUST)
    assert name == "signature"
    assert "comes with what would be applied" in reason


def test_one_signature_that_counts_is_enough_and_another_takes_nothing_away(evidence):
    both = sign_envelope(evidence.envelope(signer=EVE), CI)
    found = verify(both, evidence.snapshot, TRUST, NOW)
    assert (found.state, found.signer) == ("valid", TRUST.keys[0])


# Key


def test_key_that_only_the_branch_trusts_is_refused_and_says_so(evidence):
    branch = root(trusted(CI), trusted(EVE, "eve"))
    name, reason = refused(evidence, evidence.envelope(signer=EVE), branch=branch)
    assert name == "key"
    assert reason == (
        f"the key {EVE.public.fingerprint} is trusted only by this branch, not by origin/main"
    )


def test_capability_that_only_the_branch_gives_does_not_count(evidence):
    trust = root(trusted(CI, capabilities=frozenset({"approve"})))
    name, reason = refused(evidence, evidence.envelope(), trust, branch=TRUST)
    assert name == "key"
    assert "Identity/ci may not prove: it has no role with the capability `prove`" in reason


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"not_after": NOW}, "expired at"),
        ({"not_after": NOW - DAY}, "expired at"),
        ({"not_before": NOW + DAY}, "counts from"),
        ({"revoked": NOW - DAY}, "is revoked"),
        ({"revoked": NOW + DAY}, "is revoked"),
    ],
)
def test_key_that_does_not_count_now_is_refused(evidence, changes, said):
    name, reason = refused(evidence, evidence.envelope(), root(trusted(CI, **changes)))
    assert name == "key"
    assert said in reason


def test_second_signature_by_a_key_that_counts_makes_up_for_a_revoked_one(evidence):
    trust = root(trusted(EVE, "eve", revoked=NOW), trusted(CI))
    both = sign_envelope(evidence.envelope(signer=EVE), CI)
    assert verify(both, evidence.snapshot, trust, NOW).signer == trust.keys[1]


# Proof definition and subjects


def test_evidence_copied_from_another_tree_is_refused(evidence):
    evidence.bench.write("src/answer.py", "print(42)  # from elsewhere\n")
    found = verify(evidence.envelope(), evidence.bench.load().snapshot, TRUST, NOW)
    evidence.bench.write("src/answer.py", "print(42)\n")
    assert failed(found) == ("subjects", "src/** changed since it was proven")
    assert (found.state, found.outcome) == ("stale", Outcome.STALE)


def test_evidence_for_another_definition_of_the_proof_is_refused(evidence):
    snapshot, _ = evidence.snapshot_with(claim="something easier")
    found = verify(evidence.envelope(), snapshot, TRUST, NOW)
    assert failed(found) == ("proof definition", "Proof/answer changed since it was proven")
    assert found.outcome is Outcome.STALE


def test_evidence_for_a_proof_that_is_not_here_is_refused(evidence):
    statement = evidence.statement()
    statement["predicate"]["proof"] = "Proof/other"
    assert refused(evidence, evidence.envelope(statement)) == (
        "proof definition",
        "there is no Proof/other here",
    )


def test_evidence_that_does_not_bind_its_proof_is_refused(evidence):
    statement = evidence.statement()
    statement["subject"] = [s for s in statement["subject"] if s["name"] != "Proof/answer"]
    assert refused(evidence, evidence.envelope(statement))[0] == "proof definition"


def subject(name, digest):
    return {"name": name, "digest": {"sha256": digest}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: [f for f in found if f["name"] != "src/**"], "src/** was not proven"),
        (lambda found: [*found, subject("lib/**", "0" * 64)], "lib/** is no longer an input"),
        (
            lambda found: (
                [f for f in found if f["name"] != "src/**"] + [subject("src/**", "0" * 64)]
            ),
            "src/** changed since it was proven",
        ),
    ],
)
def test_every_subject_has_to_match_and_not_one_of_them(evidence, change, said):
    statement = evidence.statement()
    statement["subject"] = change(statement["subject"])
    assert refused(evidence, evidence.envelope(statement)) == ("subjects", said)


def test_subject_of_another_algorithm_beside_ours_is_no_way_around_it(evidence):
    statement = evidence.statement()
    for found in statement["subject"]:
        found["digest"] = {"sha512": "0" * 128, "sha256": "0" * 64}
    assert refused(evidence, evidence.envelope(statement))[0] == "proof definition"


def test_commit_that_evidence_names_is_an_annotation(evidence):
    statement = evidence.statement()
    statement["predicate"]["volatile"]["revision"] = "f" * 40
    found = verify(evidence.envelope(statement), evidence.snapshot, TRUST, NOW)
    assert found.state == "valid"


# Engine


def by_another_engine(statement):
    for found in statement["predicate"]["configuration"]:
        if found["name"] == "engine":
            found["digest"] = {"sha256": "0" * 64}
    return statement


def test_evidence_by_another_engine_is_refused(evidence):
    envelope = evidence.envelope(by_another_engine(evidence.statement()))
    found = verify(envelope, evidence.snapshot, TRUST, NOW)
    assert failed(found) == ("engine", "another version of the engine proved it")
    assert found.outcome is Outcome.STALE
    assert "engine: any" in found.failed.help


def test_evidence_that_names_no_engine_is_refused(evidence):
    statement = evidence.statement()
    configuration = statement["predicate"]["configuration"]
    configuration[:] = [item for item in configuration if item["name"] != "engine"]
    assert refused(evidence, evidence.envelope(statement))[0] == "engine"


def test_proof_can_let_in_evidence_by_any_engine(evidence):
    snapshot, statement = evidence.snapshot_with(engine="any")
    envelope = evidence.envelope(by_another_engine(statement))
    found = verify(envelope, snapshot, TRUST, NOW)
    assert found.state == "valid"
    assert any("lets any version in" in check.reasons[0] for check in found.checks)


# Isolation


@pytest.mark.parametrize("held", [True, False])
def test_proof_can_ask_for_isolation(evidence, held):
    snapshot, statement = evidence.snapshot_with(isolation=["network", "files"])
    statement["predicate"]["volatile"]["isolation"] = {"network": True, "files": held}
    found = verify(evidence.envelope(statement), snapshot, TRUST, NOW)
    if held:
        assert found.state == "valid"
    else:
        said = "the proof asks for isolation that did not hold: files"
        assert failed(found) == ("isolation", said)
        assert found.outcome is Outcome.FAILED


def test_isolation_that_is_not_said_did_not_hold(evidence):
    snapshot, statement = evidence.snapshot_with(isolation=["network"])
    for said in ({}, {"network": 1}, {"network": "yes"}):
        statement["predicate"]["volatile"]["isolation"] = said
        envelope = evidence.envelope(statement)
        assert refused(evidence, envelope, snapshot=snapshot)[0] == "isolation"


# Result


def judged(evidence, **predicate):
    statement = evidence.statement()
    statement["predicate"].update(predicate)
    return verify(evidence.envelope(statement), evidence.snapshot, TRUST, NOW)


@pytest.mark.parametrize(
    ("predicate", "said"),
    [
        ({"result": "FAILED"}, "it says FAILED and pass"),
        ({"result": "WARNED"}, "it says WARNED and pass"),
        ({"finding": "fail"}, "it says PASSED and fail"),
        ({"finding": "not-exercised"}, "it says PASSED and not-exercised"),
        ({"failedTests": ["step 1: b", "step 1: a"]}, "that step 1: a failed"),
        (
            {"result": "FAILED", "finding": "fail", "passedTests": ["a"], "failedTests": ["a"]},
            "it says that a passed, and that it failed",
        ),
        ({"exercised": 0}, "no assertion was exercised"),
        ({"controls": [{"mutation": "m", "finding": "pass"}]}, "does not fail under a control"),
        (
            {"controls": [{"mutation": "m", "finding": "not-exercised"}]},
            "does not fail under a control",
        ),
        ({"repetitions": 1}, "it was run 1 times, and the proof asks for 2"),
        ({"controls": []}, "0 controls were run, and the proof has 1"),
    ],
)
def test_result_that_contradicts_itself_or_the_proof_is_refused(evidence, predicate, said):
    name, reason = failed(judged(evidence, **predicate))
    assert name == "result"
    assert said in reason


def test_failure_is_told_with_its_reasons(evidence):
    found = judged(
        evidence, result="FAILED", finding="fail", reasons=["step 1: it printed 41"], passedTests=[]
    )
    assert failed(found) == ("result", "step 1: it printed 41")
    assert (found.state, found.outcome, found.finding) == ("failed", Outcome.FAILED, Finding.FAIL)


def test_proof_that_exercised_nothing_is_not_exercised(evidence):
    found = judged(
        evidence, result="FAILED", finding="not-exercised", reasons=[], exercised=0, passedTests=[]
    )
    assert failed(found) == ("result", "it did not pass")
    assert found.outcome is Outcome.NOT_EXERCISED
    assert found.finding is Finding.NOT_EXERCISED


# Of all kinds

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["PASSED"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=4,
)


def places(value, at=()):
    """Yield the way to everything in a JSON value."""
    yield at
    inner = value.items() if isinstance(value, dict) else ()
    for key, item in enumerate(value) if isinstance(value, list) else inner:
        yield from places(item, (*at, key))


@given(st.data())
def test_statement_with_anything_put_anywhere_is_verified_or_refused(evidence, data):
    """Whoever signs may write what they like: nothing of it may break the verifier."""
    statement = evidence.statement()
    at = data.draw(st.sampled_from([place for place in places(statement) if place]))
    within = statement
    for key in at[:-1]:
        within = within[key]
    within[at[-1]] = data.draw(values)
    found = verify(evidence.envelope(statement), evidence.snapshot, TRUST, NOW)
    assert [check.name for check in found.checks] == CHECKS
    if found.state == "valid":
        assert at[0] == "predicate" or statement == evidence.original


@given(st.binary(max_size=300))
def test_any_payload_is_refused(evidence, payload):
    for envelope in (Envelope(IN_TOTO, payload), sign_envelope(Envelope(IN_TOTO, payload), CI)):
        assert refused(evidence, envelope)[0] == "statement"


def test_whether_a_key_that_counts_signed_is_told_without_the_rest(evidence):
    verifier = Verifier(evidence.snapshot, TRUST, NOW)
    assert verifier.is_signed(sign_envelope(Envelope(IN_TOTO, b"anything"), CI))
    assert not verifier.is_signed(evidence.envelope(signer=EVE))
    assert not verifier.is_signed(evidence.envelope(signer=None))
    assert not verifier.is_signed(sign_envelope(Envelope("text/plain", b"{}"), CI))
    assert not Verifier(evidence.snapshot, None, NOW).is_signed(evidence.envelope())


DESCRIPTOR = {
    "type": "object",
    "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}, {"required": ["content"]}],
    "properties": {
        "name": {"type": "string"},
        "uri": {"type": "string"},
        "digest": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]+$"},
        },
        "content": {"type": "string", "contentEncoding": "base64"},
        "downloadLocation": {"type": "string"},
        "mediaType": {"type": "string"},
        "annotations": {"type": "object"},
    },
    "additionalProperties": False,
}
TESTS = {"type": "array", "items": {"type": "string"}}
SPECIFICATION = {
    "type": "object",
    "required": ["_type", "subject", "predicateType"],
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "subject": {
            "type": "array",
            "minItems": 1,
            "items": {**DESCRIPTOR, "required": ["digest"]},
        },
        "predicateType": {"const": "https://in-toto.io/attestation/test-result/v0.1"},
        "predicate": {
            "type": "object",
            "required": ["result", "configuration"],
            "properties": {
                "result": {"enum": ["PASSED", "WARNED", "FAILED"]},
                "configuration": {"type": "array", "items": DESCRIPTOR},
                "url": {"type": "string"},
                "passedTests": TESTS,
                "warnedTests": TESTS,
                "failedTests": TESTS,
            },
        },
    },
}
"""in-toto's Statement v1, ResourceDescriptor and test-result v0.1 as a schema, from their pages."""


def test_our_statements_are_as_in_toto_has_them(evidence):
    jsonschema.validate(evidence.statement(), SPECIFICATION)
    names = [item["name"] for item in evidence.original["predicate"]["configuration"]]
    assert {"Proof/answer", "engine", "interpreter", "packages", "plugins"} <= set(names)

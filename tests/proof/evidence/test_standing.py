import json
import shutil
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chimera.context import Isolation, Processes
from chimera.model import Address, Finding, Outcome, TrustedKey, TrustRoot
from chimera.proof import Verifier, how_to_prove, stand
from chimera.proof.evidence.bundle import bring_in
from chimera.proof.inputs import binding_of, content_subjects
from chimera.signatures import sign_envelope
from chimera.signatures.signer import BareSigner


def state(bench, name="answer", ref=None):
    found = bench.standing(name, ref)
    return found.state, found.verdict.finding


def test_proof_that_was_never_run_is_missing(bench):
    bench.proof()
    assert state(bench) == ("missing", Finding.NOT_EXERCISED)
    assert bench.standing().reasons == ("Proof/answer was never run",)


def test_evidence_is_named_by_a_pass(bench):
    report = bench.prove_one()
    found = bench.standing()
    assert found.evidence == report.evidence
    assert found.verdict.reasons == (f"evidence {report.evidence}",)


def test_one_byte_of_input_makes_evidence_stale_and_names_the_input(bench):
    bench.prove_one(inputs=["src/**", "proofs/answer.yaml"])
    bench.write("src/answer.py", "print(42) \n")
    assert state(bench) == ("stale", Finding.NOT_EXERCISED)
    assert bench.standing().reasons == ("src/** changed since it was proven",)
    bench.write("src/answer.py", "print(42)\n")
    assert state(bench) == ("valid", Finding.PASS)


def test_mode_of_an_input_counts(bench):
    bench.prove_one()
    (bench.root / "src/answer.py").chmod(0o755)
    assert state(bench) == ("stale", Finding.NOT_EXERCISED)


def test_unrelated_change_leaves_evidence_valid(bench):
    bench.prove_one()
    bench.write("README.md", "hello\n")
    assert state(bench) == ("valid", Finding.PASS)


def test_definition_of_the_proof_counts(bench):
    bench.prove_one()
    bench.proof(claim="something easier")
    assert bench.standing().reasons == ("Proof/answer changed since it was proven",)


def put(bench, *, engine=None, finding=None, at=None):
    """Prove, and keep beside it a statement that differs in what is given."""
    report = bench.prove_one()
    statement = json.loads(json.dumps(bench.store.get(report.evidence)))
    predicate = statement["predicate"]
    if engine is not None:
        (named,) = [c for c in predicate["configuration"] if c["name"] == "engine"]
        named["digest"]["sha256"] = engine
    if finding is not None:
        predicate.update(result="FAILED", finding=finding, reasons=["it was a bad day"])
    if at is not None:
        predicate["volatile"]["at"] = at
    loaded = bench.load()
    proof = bench.get(loaded=loaded)
    bound_to = binding_of(proof, content_subjects(proof, loaded.snapshot))
    return report.evidence, bench.store.put(proof.address, bound_to, statement)


def test_another_engine_makes_evidence_stale(bench):
    _, digest = put(bench, engine="0" * 64, at="2026-11-22T00:00:00.000000Z")
    found = bench.standing()
    assert (found.state, found.evidence, found.reasons) == (
        "stale",
        digest,
        ("another version of the engine proved it",),
    )


def test_work_tree_and_commit_have_the_same_subjects(bench):
    bench.proof(inputs=["src/**", "proofs/*.yaml"])
    commit = bench.commit()
    here, there = bench.load(), bench.load(commit)
    subjects = content_subjects(bench.get(loaded=here), here.snapshot)
    assert subjects == content_subjects(bench.get(loaded=there), there.snapshot)
    assert [subject.name for subject in subjects] == ["Proof/answer", "proofs/*.yaml", "src/**"]
    bench.prove()
    assert state(bench, ref=commit) == ("valid", Finding.PASS)


def test_rebase_that_changes_no_input_leaves_evidence_valid(bench):
    bench.proof()
    bench.commit("base")
    bench.git("checkout", "-q", "-b", "topic")
    bench.write("src/answer.py", "print(42)  # six times seven\n")
    before = bench.commit("topic")
    bench.prove()
    bench.git("checkout", "-q", "main")
    bench.write("docs/other.md", "unrelated\n")
    bench.commit("other")
    bench.git("rebase", "-q", "main", "topic")
    assert bench.git("rev-parse", "HEAD") != before
    assert state(bench) == ("valid", Finding.PASS)


def test_committing_the_record_does_not_undo_the_evidence(bench):
    written = []
    bench.proof(inputs=["**"], controls=[{"mutate": "delete", "path": "src/answer.py"}])
    bench.prove(record=lambda *record: written.append(record))
    kind, name, spec = written[0]
    bench.document(f"proofs/records/{name}.yaml", kind, name, dict(spec))
    assert state(bench) == ("valid", Finding.PASS)
    assert bench.load(bench.commit()).snapshot.records


def test_file_that_holds_a_record_and_a_desired_document_is_an_input(bench):
    written = []
    bench.proof(inputs=["src/**", "proofs/**"])
    bench.prove(record=lambda *record: written.append(record))
    kind, name, spec = written[0]
    bench.document("proofs/answer2.yaml", kind, name, dict(spec))
    first = (bench.root / "proofs/answer.yaml").read_text()
    second = (bench.root / "proofs/answer2.yaml").read_text()
    (bench.root / "proofs/answer2.yaml").unlink()
    bench.write("proofs/answer.yaml", f"{first}---\n{second}")
    assert state(bench) == ("stale", Finding.NOT_EXERCISED)


def test_altered_evidence_is_never_accepted(bench):
    report = bench.prove_one()
    path = bench.store.folder / f"{report.evidence.removeprefix('sha256:')}.json"
    path.write_bytes(path.read_bytes().replace(b"the answer is right", b"the answer is wrong"))
    assert state(bench) == ("altered", Finding.FAIL)
    assert "was altered" in bench.standing().reasons[0]


def test_failed_evidence_rewritten_as_a_pass_is_refused(bench):
    bench.write("src/answer.py", "print(41)\n")
    report = bench.prove_one(controls=[{"mutate": "delete", "path": "src/answer.py"}])
    path = bench.store.folder / f"{report.evidence.removeprefix('sha256:')}.json"
    forged = path.read_bytes().replace(b'"FAILED"', b'"PASSED"').replace(b'"fail"', b'"pass"')
    path.write_bytes(forged)
    assert state(bench) == ("altered", Finding.FAIL)


def test_index_that_points_to_evidence_for_other_content_is_seen_through(bench):
    bench.prove_one()
    (old,) = [f for f in (bench.store.folder / "index/answer").iterdir() if f.name != "latest"]
    bench.write("src/answer.py", "print(42)  # changed\n")
    bench.prove()
    new = {f for f in old.parent.iterdir() if f.name != "latest"} - {old}
    (about,) = new
    shutil.rmtree(about)
    old.rename(about)
    assert state(bench) == ("stale", Finding.NOT_EXERCISED)


def test_evidence_of_another_proof_does_not_count(bench):
    bench.proof("answer")
    bench.proof("other")
    bench.prove("other")
    index = bench.store.folder / "index"
    shutil.rmtree(index / "answer", ignore_errors=True)
    (index / "other").rename(index / "answer")
    assert state(bench)[0] == "stale"
    assert "it is evidence for Proof/other" in bench.standing().reasons


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"sha256:xyz", b"../../etc/passwd"])
def test_damaged_index_is_not_believed(bench, damage):
    report = bench.prove_one()
    for file in (bench.store.folder / "index/answer").rglob("*"):
        if file.is_file():
            file.write_bytes(damage)
    found = bench.standing()
    assert found.state != "valid"
    bench.prove()
    assert bench.standing().state == "valid"
    assert report.evidence


def test_deleted_statement_is_not_accepted(bench):
    bench.prove_one()
    for file in bench.store.folder.glob("*.json"):
        file.unlink()
    assert state(bench) == ("altered", Finding.FAIL)


def test_statement_is_in_toto_and_repeats_in_its_core(bench):
    report = bench.prove_one()
    first = bench.store.get(report.evidence)
    assert first["_type"] == "https://in-toto.io/Statement/v1"
    assert first["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert first["predicate"]["result"] == "PASSED"
    assert {s["name"] for s in first["subject"]} == {"Proof/answer", "src/**"}
    named = {item["name"] for item in first["predicate"]["configuration"]}
    assert {"engine", "interpreter", "packages", "plugins", "Proof/answer"} <= named
    bench.commit()
    second = bench.store.get(bench.prove()[0].evidence)
    volatile = {"volatile": None}
    assert first["predicate"]["volatile"] != second["predicate"]["volatile"]
    assert {**first, "predicate": {**first["predicate"], **volatile}} == {
        **second,
        "predicate": {**second["predicate"], **volatile},
    }


def test_commit_is_named_beside_the_core(bench):
    from chimera.proof import prove

    bench.proof()
    commit = bench.commit()
    loaded = bench.load(commit)
    run = bench.plugins.hook.chimera_run_proof_step
    (report,) = prove(
        loaded.snapshot,
        [bench.get(loaded=loaded)],
        bench.context,
        lambda task: run(task=task),
        bench.store,
    )
    assert bench.store.get(report.evidence)["predicate"]["volatile"]["revision"] == commit


CI = BareSigner.of(Ed25519PrivateKey.from_private_bytes(bytes(32)))
PROVER = TrustedKey(
    CI.public.fingerprint,
    CI.public.text,
    Address("Identity", "ci"),
    human=False,
    capabilities=frozenset({"prove"}),
)
TRUST = TrustRoot("origin/main", "c" * 40, (PROVER,))


def protected(bench, trust=TRUST):
    """How the proof stands where only what a trusted key signed counts."""
    loaded = bench.load()
    now = datetime(2026, 11, 21, tzinfo=UTC)
    proof = bench.get(loaded=loaded)
    return stand(Verifier(loaded.snapshot, trust, now), proof, bench.store, signed=True)


def sign(bench, digest):
    (signature,) = sign_envelope(bench.store.envelope(digest), CI).signatures
    bench.store.add_signature(digest, signature)


def test_evidence_counts_in_a_protected_environment_once_a_key_that_may_prove_has_signed(bench):
    report = bench.prove_one()
    found = protected(bench)
    assert (found.state, found.finding) == ("untrusted", Finding.NOT_EXERCISED)
    assert found.reasons[0] == f"evidence {report.evidence}: nobody has signed it"
    assert "chimera evidence sign" in found.reasons[1]
    sign(bench, report.evidence)
    found = protected(bench)
    assert (found.state, found.verdict.finding) == ("valid", Finding.PASS)
    assert found.verification.signer == PROVER


def test_without_a_trusted_ref_a_protected_environment_takes_no_evidence(bench):
    report = bench.prove_one()
    sign(bench, report.evidence)
    found = protected(bench, None)
    assert found.state == "untrusted"
    assert "there is no trusted ref" in found.reasons[0]
    assert "CHIMERA_TRUST_REF" in found.reasons[1]


def test_evidence_by_a_key_that_may_only_approve_is_told_apart(bench):
    report = bench.prove_one()
    sign(bench, report.evidence)
    approver = TrustedKey(
        CI.public.fingerprint,
        CI.public.text,
        Address("Identity", "ada"),
        human=True,
        capabilities=frozenset({"approve"}),
    )
    found = protected(bench, TrustRoot("origin/main", "c" * 40, (approver,)))
    assert found.state == "untrusted"
    assert "Identity/ada may not prove" in found.reasons[0]


def test_later_failure_takes_away_what_a_signature_gave_whoever_signed_it(bench):
    passed, failed = put(bench, finding="fail", at="2026-11-22T00:00:00.000000Z")
    sign(bench, passed)
    for found in (bench.standing(), protected(bench)):
        assert (found.state, found.evidence) == ("failed", failed)
        assert found.reasons == ("it was a bad day",)


def test_proof_that_lets_in_any_engine_finds_evidence_of_another(bench):
    report = bench.prove_one(engine="any")
    statement = json.loads(json.dumps(bench.store.get(report.evidence)))
    assert statement["predicate"]["acceptsEngine"] == "any"
    (bench.store.folder / f"{report.evidence[7:]}.json").unlink()
    (named,) = [c for c in statement["predicate"]["configuration"] if c["name"] == "engine"]
    named["digest"]["sha256"] = "0" * 64
    data = json.dumps(statement).encode()
    digest = bring_in(bench.store, data)
    sign(bench, digest)
    assert protected(bench).state == "valid"


class Bare(Processes):
    """Processes of a machine whose kernel isolates nothing."""

    def isolation(self):
        return Isolation()


def test_proof_that_asks_for_more_isolation_than_held_shows_nothing(bench):
    bench.context = replace(bench.context, processes=Bare())
    report = bench.prove_one(isolation=["network", "files"])
    assert (report.finding, report.outcome) == (Finding.NOT_EXERCISED, Outcome.NOT_EXERCISED)
    said = "the proof asks for isolation that did not hold: network, files"
    assert report.reasons == (said,)
    assert not report.controls
    assert (bench.standing().finding, bench.standing().reasons) == (Finding.NOT_EXERCISED, (said,))


def test_proof_that_asks_for_isolation_that_holds_passes(bench):
    held = [name for name, holds in asdict(bench.context.processes.isolation()).items() if holds]
    assert bench.prove_one(isolation=held).finding is Finding.PASS
    assert bench.standing().state == "valid"


def test_of_what_is_missing_the_nearest_evidence_says_what_differs(bench, monkeypatch):
    """The engine alone differs from what is here, and what was proven last was something else."""
    bench.prove_one()
    other = bench.root / "src/answer.py"
    written = other.read_text()
    other.write_text("print(42)  # otherwise\n")
    bench.prove()
    other.write_text(written)
    monkeypatch.setattr("chimera.proof.inputs.engine_digest", lambda: "sha256:" + "0" * 64)
    monkeypatch.setattr(
        "chimera.proof.evidence.verifying.engine_digest", lambda: "sha256:" + "0" * 64
    )
    found = bench.standing()
    assert (found.state, found.reasons) == ("stale", ("another version of the engine proved it",))
    assert protected(bench).reasons == found.reasons
    other.write_text("print(42)  # a third\n")
    assert bench.standing().reasons == ("src/** changed since it was proven",)


def test_nearest_evidence_that_fits_counts_no_more_than_its_index_says(bench):
    """What came from elsewhere is not made here by an index that says that it is about another."""
    report = bench.prove_one()
    data = (bench.store.folder / f"{report.evidence[7:]}.json").read_bytes()
    shutil.rmtree(bench.store.folder)
    bring_in(bench.store, data)
    (mark,) = (bench.store.folder / "index/answer").glob("*/*")
    mark.parent.rename(mark.parent.with_name("0" * 64))
    assert bench.standing().state == "untrusted"


@pytest.mark.parametrize(
    ("trust", "whose"),
    [
        (TRUST, "a key of Identity/ci"),
        (None, "a key that may prove"),
        (TrustRoot("main", "c" * 40, (replace(PROVER, revoked=datetime.min),)), "that may prove"),
    ],
)
def test_how_to_prove_says_whose_signature_counts(trust, whose):
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert whose in how_to_prove("Proof/p", trust, now, signed=True)
    assert "`chimera prove Proof/p --sign`" in how_to_prove("Proof/p", trust, now, signed=True)
    assert how_to_prove("Proof/p", trust, now, signed=False) == "run `chimera prove Proof/p`"

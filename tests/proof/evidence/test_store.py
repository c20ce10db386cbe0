"""The store of evidence: nothing is believed that does not hash to its name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.model import Address, canonical_json, digest_bytes
from chimera.proof import EvidenceError, EvidenceStore
from chimera.proof.evidence.choosing import deciding
from chimera.proof.evidence.store import MOST_SIGNATURES
from chimera.signatures import EnvelopeSignature
from tests.proof.statements import bound, bring_in, key, put, sign, statement

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path) -> EvidenceStore:
    return EvidenceStore.below(tmp_path)


def file_of(store: EvidenceStore, digest: str) -> Path:
    return store.folder / f"{digest[7:]}.json"


def decides(store: EvidenceStore, signed: tuple[str, ...] = (), *, needs_signature: bool = False):
    return deciding(
        store,
        *bound(statement()),
        is_signed=lambda digest: digest in signed,
        needs_signature=needs_signature,
    )


def test_statement_comes_back_as_its_bytes_came(store):
    digest = put(store, statement())
    assert store.get(digest) == statement()
    assert store.envelope(digest).payload == canonical_json(statement())
    assert store.digests() == (digest,)
    spaced = canonical_json(statement(reasons=["x"])).replace(b'":', b'" :')
    brought = store.bring_in(*bound(statement()), spaced)
    assert store.envelope(brought).payload == spaced
    assert brought == digest_bytes(spaced)


def test_what_was_made_here_is_told_from_what_was_brought_in(store):
    own, other = put(store, statement()), bring_in(store, statement(reasons=["x"]))
    kept = {kept.digest: kept.is_own for kept in store.about(*bound(statement()))}
    assert kept == {own: True, other: False}
    bring_in(store, statement())
    assert {k.digest: k.is_own for k in store.about(*bound(statement()))}[own]
    put(store, statement(reasons=["x"]))
    assert {k.digest: k.is_own for k in store.about(*bound(statement()))}[other]


def test_evidence_about_other_content_is_not_found(store):
    put(store, statement())
    proof, about = bound(statement())
    assert store.about(proof, "sha256:" + "f" * 64) == ()
    assert store.about(Address("Proof", "other"), about) == ()


def test_signatures_stand_beside_their_statement(store):
    digest = put(store, statement())
    first = sign(store, digest, key(1)).signatures
    both = sign(store, digest, key(2)).signatures
    assert len(first) == 1
    assert len(both) == 2
    assert {s.keyid for s in both} == {key(1).public.fingerprint, key(2).public.fingerprint}
    sign(store, digest, key(1))
    assert store.signatures(digest) == both
    assert store.envelope(put(store, statement("fail"))).signatures == ()


def test_nobody_takes_the_place_of_another_key(store):
    digest = put(store, statement())
    store.add_signature(digest, EnvelopeSignature(key(1).public.fingerprint, b"junk"))
    signatures = sign(store, digest, key(1)).signatures
    assert {len(s.sig) for s in signatures} == {4, 64}


def test_signatures_are_bounded(store):
    digest = put(store, statement())
    for number in range(MOST_SIGNATURES):
        store.add_signature(digest, EnvelopeSignature(f"k{number}", b"x"))
    store.add_signature(digest, EnvelopeSignature("k1", b"x"))
    with pytest.raises(EvidenceError, match="has 64 signatures already"):
        store.add_signature(digest, EnvelopeSignature("one more", b"x"))
    with pytest.raises(EvidenceError, match="too large"):
        store.add_signature(digest, EnvelopeSignature("k", b"x" * 70_000))


@pytest.mark.parametrize(
    "damage",
    [lambda d: b"", lambda d: d[:-1], lambda d: d.replace(b"pass", b"fail"), lambda d: d + b" "],
    ids=["emptied", "cut", "edited", "longer"],
)
def test_a_damaged_statement_is_named_and_never_believed(store, damage):
    digest = put(store, statement())
    path = file_of(store, digest)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(EvidenceError, match="was altered"):
        store.get(digest)
    with pytest.raises(EvidenceError, match="was altered"):
        store.envelope(digest)
    assert list(store.damaged()) == [path]
    assert decides(store) == digest  # it may have been a failure, and nothing goes over it


def test_swapped_statements_are_both_named(store):
    first, second = put(store, statement()), put(store, statement("fail"))
    one, other = file_of(store, first), file_of(store, second)
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    assert set(store.damaged()) == {one, other}


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"keyid":"k","sig":"eA=="}'])
def test_a_damaged_signature_is_named_and_never_believed(store, damage):
    digest = put(store, statement())
    sign(store, digest, key())
    (path,) = (store.folder / "signatures" / digest[7:]).iterdir()
    path.write_bytes(damage)
    assert store.signatures(digest) == ()
    assert list(store.damaged()) == [path]
    sign(store, digest, key())
    assert len(store.signatures(digest)) == 1
    assert list(store.damaged()) == []


def test_proving_anew_heals_what_was_damaged(store):
    old = put(store, statement())
    file_of(store, old).write_bytes(b"")
    new = put(store, statement(at="2026-11-22T00:00:00.000000Z"))
    assert decides(store) == new


def test_a_pull_heals_what_was_damaged(store):
    digest = put(store, statement())
    file_of(store, digest).write_bytes(b"")
    bring_in(store, statement())
    assert list(store.damaged()) == []


def test_a_look_up_without_its_statement_finds_nothing(store):
    """As after a kill between the two, or once somebody deleted the file."""
    digest = bring_in(store, statement())
    file_of(store, digest).unlink()
    assert store.about(*bound(statement())) == ()
    assert decides(store, (digest,)) is None
    bring_in(store, statement())
    assert decides(store, (digest,)) == digest


def test_a_damaged_look_up_makes_nothing_ones_own(store):
    digest = put(store, statement())
    (mark,) = (store.folder / "index/answer").glob(f"*/{digest[7:]}")
    for damage in (b"", b"her", b"elsewhere", b"\xff"):
        mark.write_bytes(damage)
        assert decides(store) is None


def test_strangers_in_the_folder_are_passed_over(store):
    digest = put(store, statement())
    for name in (".1-2.draft", "notes.json", "A" * 64 + ".json"):
        (store.folder / name).write_bytes(b"{")
    (store.folder / "signatures" / digest[7:]).mkdir(parents=True)
    (store.folder / "signatures" / digest[7:] / ".1-2.draft").write_bytes(b"{")
    assert store.digests() == (digest,)
    assert store.signatures(digest) == ()
    assert list(store.damaged()) == []


@pytest.mark.parametrize("name", ["../../../etc/passwd", "sha256:..", "sha256:" + "A" * 64, ""])
def test_what_is_no_digest_leads_to_no_file(store, name):
    for ask in (store.get, store.envelope, store.signatures, store.has):
        with pytest.raises(EvidenceError, match="is not a SHA-256 digest"):
            ask(name)


LATER, LATEST = "2026-11-22T00:00:00.000000Z", "2026-11-23T00:00:00.000000Z"


def test_the_latest_word_of_what_was_made_here_decides(store):
    assert decides(store) is None
    passed = put(store, statement())
    assert decides(store) == passed
    failed = put(store, statement("fail", LATER))
    assert decides(store) == failed
    again = put(store, statement(at=LATEST))
    assert decides(store) == again


def test_at_one_time_the_failure_decides(store):
    put(store, statement())
    failed = put(store, statement("fail"))
    assert decides(store) == failed


def test_unsigned_evidence_from_elsewhere_has_no_word(store):
    bring_in(store, statement())
    assert decides(store) is None
    own = put(store, statement("fail"))
    bring_in(store, statement(at=LATEST))
    assert decides(store) == own


def test_signed_evidence_from_elsewhere_has_a_word(store):
    signed = bring_in(store, statement(at=LATER))
    put(store, statement("fail"))
    assert decides(store, (signed,)) == signed
    failed = bring_in(store, statement("fail", LATEST))
    assert decides(store, (signed, failed)) == failed


def test_where_a_signature_is_needed_own_evidence_takes_away_and_never_gives(store):
    own = put(store, statement(at=LATEST))
    assert decides(store, needs_signature=True) is None
    signed = bring_in(store, statement(at=LATER))
    assert decides(store, (signed,), needs_signature=True) == signed
    put(store, statement("fail", "2026-11-24T00:00:00.000000Z"))
    assert decides(store, (signed,), needs_signature=True) not in (own, signed)


def test_a_failure_in_either_field_is_a_failure(store):
    put(store, statement())
    half = put(store, statement(result="FAILED"))
    assert decides(store) == half


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.booleans(), st.booleans()), max_size=6)
)
def test_nothing_passes_over_a_later_failure_that_counts(tmp_path_factory, words):
    """For any history: whatever decides and passes, no counting failure is as late as it."""
    store = EvidenceStore.below(tmp_path_factory.mktemp("law"))
    known: dict[str, tuple[int, bool, bool]] = {}
    for number, (hour, passes, own, signed) in enumerate(words):
        value = statement(
            "pass" if passes else "fail", f"2026-11-21T0{hour}:00:00Z", exercised=number
        )
        digest = put(store, value) if own else bring_in(store, value)
        known[digest] = (hour, passes, own or signed)
    signers = {d for d, w in zip(known, words, strict=True) if w[3]}
    for needs_signature in (False, True):
        found = decides(store, tuple(signers), needs_signature=needs_signature)
        if found is None or not known[found][1]:
            continue
        hour = known[found][0]
        assert known[found][2]
        assert not needs_signature or found in signers
        assert not any(c and not p and h >= hour for h, p, c in known.values())


def test_many_writers_at_once_leave_every_statement_whole(store):
    values = [statement(exercised=number) for number in range(40)]
    failures: list[BaseException] = []

    def write(part: list) -> None:
        try:
            for value in part:
                sign(store, put(store, value), key())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(values[n::2] + values[:5],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list(store.damaged()) == []
    assert len(store.about(*bound(statement()))) == 40
    assert all(len(store.signatures(digest)) == 1 for digest in store.digests())


WRITER = """
import sys
sys.path[:0] = [{root!r}]
from tests.proof.statements import key, put, sign, statement
from chimera.proof import EvidenceStore
from pathlib import Path
store = EvidenceStore.below(Path({folder!r}))
print("ready", flush=True)
for number in range(100000):
    sign(store, put(store, statement(exercised=number)), key())
"""


def test_a_writer_killed_at_any_moment_leaves_nothing_half_written(store, tmp_path):
    for round in range(4):
        script = WRITER.format(root=str(ROOT), folder=str(tmp_path))
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.03 + 0.017 * round)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert list(store.damaged()) == []
        for kept in store.about(*bound(statement())):
            assert store.get(kept.digest)["predicate"]["finding"] == "pass"
    assert store.digests()

"""The snapshot: its digest, its references, and what is a change of it."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.documents import parse
from chimera.kinds import Snapshot, answers, change_of, validate
from chimera.model import Action, Address, Change, PathSet, digest_json
from tests.kinds.conftest import REGISTRY

DIGESTS = st.none() | st.sampled_from(["sha256:" + c * 64 for c in "abc"])
TARGETS = st.sampled_from([Address("Thing", "a"), PathSet.of(["src/**"])])


@given(TARGETS, DIGESTS)
def test_nothing_changed_between_a_thing_and_itself(target: Any, digest: str | None) -> None:
    change = change_of(target, digest, digest, "main")
    assert (change.action, change.before, change.after) == (Action.NO_OP, digest, digest)


@given(TARGETS, DIGESTS, DIGESTS)
def test_the_action_says_what_became_of_a_target(
    target: Any, before: str | None, after: str | None
) -> None:
    change = change_of(target, before, after, "main")
    there = (before is not None, after is not None, before == after)
    assert (change.before, change.after, change.target) == (before, after, target)
    assert (
        change.action
        is {
            (True, True, True): Action.NO_OP,
            (False, False, True): Action.NO_OP,
            (False, True, False): Action.CREATE,
            (True, False, False): Action.DELETE,
            (True, True, False): Action.UPDATE,
        }[there]
    )


def digest_of(text: str) -> str:
    raw, faults = parse("specs/t.yaml", text.encode())
    assert not faults
    document, found = validate(raw[0], REGISTRY)
    assert document is not None, found
    return document.digest


BASE = {
    "apiVersion": "chimera/v1",
    "kind": "Thing",
    "metadata": {"name": "a", "labels": {"x": "1", "y": "2"}},
    "spec": {"size": 3, "parts": [{"name": "p"}, {"name": "q"}]},
}


@given(st.permutations(list(BASE)), st.randoms())
def test_a_documents_digest_ignores_comments_layout_and_the_order_of_keys(
    keys: list[str], random: Any
) -> None:
    lines = ["# a comment"]
    for key in keys:
        lines += (
            [f"{key}:  # why", f"  {json.dumps(BASE[key])}"]
            if random.random() < 0.5
            else [f"{key}: {json.dumps(BASE[key])}"]
        )
        lines += [""] * random.randrange(2)
    assert digest_of("\n".join(lines) + "\n") == digest_json(BASE)


@pytest.mark.parametrize(
    "edited",
    [
        {**BASE, "spec": {"size": 4, "parts": [{"name": "p"}, {"name": "q"}]}},
        {**BASE, "spec": {"size": 3, "parts": [{"name": "q"}, {"name": "p"}]}},
        {**BASE, "metadata": {"name": "a", "labels": {"x": "1"}}},
    ],
)
def test_a_documents_digest_knows_every_value(edited: dict[str, Any]) -> None:
    assert digest_of(json.dumps(edited) + "\n") != digest_json(BASE)


def test_the_snapshots_digest_depends_on_no_order_and_no_file(folder: Any) -> None:
    for name in "abc":
        folder.thing(name, f"{{owner: {name}}}")
    loaded = folder.load().snapshot
    documents = list(loaded.documents.values())
    digests = {Snapshot.of(loaded.tree, REGISTRY, p).digest for p in permutations(documents)}
    assert digests == {loaded.digest}
    (folder.root / "specs/a.yaml").rename(folder.root / "specs/z.yaml")
    assert folder.load().snapshot.digest == loaded.digest
    folder.thing("b", "{owner: other}")
    assert folder.load().snapshot.digest != loaded.digest


def test_records_never_change_the_snapshots_digest(folder: Any) -> None:
    folder.thing("a")
    before = folder.load().snapshot.digest
    folder.thing("n", "{text: x}", kind="Note")
    with_record = folder.load().snapshot
    assert [str(d.address) for d in with_record.records] == ["Note/n"]
    assert [str(d.address) for d in with_record.desired] == ["Thing/a"]
    assert with_record.digest == before
    folder.thing("b")
    assert folder.load().snapshot.digest != before


def test_references_are_known_from_both_ends(folder: Any) -> None:
    folder.thing("a", "{needs: [Thing/b], friends: {x: Thing/b}}")
    folder.thing("b")
    snapshot = folder.load().snapshot
    b = Address("Thing", "b")
    assert [(str(u.source), u.place.route) for u in snapshot.referred_by(b)] == [
        ("Thing/a", ("spec", "friends", "x")),
        ("Thing/a", ("spec", "needs", 0)),
    ]
    assert snapshot.referred_by(Address("Thing", "a")) == ()


def test_a_snapshot_cannot_be_changed(folder: Any) -> None:
    folder.thing("a")
    snapshot = folder.load().snapshot
    with pytest.raises(AttributeError):
        snapshot.documents = {}
    document = snapshot.documents[Address("Thing", "a")]
    with pytest.raises(Exception, match="frozen"):
        document.spec.size = 7


def note(folder: Any, target: str, after: str) -> Any:
    folder.thing("n", f"{{answers: [{{target: '{target}', after: '{after}'}}]}}", kind="Note")
    return folder.load().snapshot.records[0]


DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64


@pytest.mark.parametrize(
    ("target", "after", "is_answered"),
    [
        ("Thing/a", DIGEST, True),
        ("Thing/a", OTHER, False),
        ("Thing/b", DIGEST, False),
        ("paths:src/**", DIGEST, False),
        ("Thing/a", "deleted", False),
    ],
)
def test_a_record_answers_exactly_one_change(
    folder: Any, target: str, after: str, is_answered: bool
) -> None:
    change = Change(Address("Thing", "a"), Action.UPDATE, OTHER, DIGEST, "x")
    assert answers(note(folder, target, after), change) is is_answered


def test_a_record_answers_a_deletion_and_a_path_set(folder: Any) -> None:
    gone = Change(Address("Thing", "a"), Action.DELETE, OTHER, None, "x")
    assert answers(note(folder, "Thing/a", "deleted"), gone)
    assert not answers(note(folder, "Thing/a", OTHER), gone)
    paths = Change(PathSet.of(["b/**", "a/**"]), Action.UPDATE, OTHER, DIGEST, "x")
    assert answers(note(folder, "paths:a/**,b/**", DIGEST), paths)

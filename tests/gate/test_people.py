"""Whether those whom gates ask can answer."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from chimera.contract import place
from chimera.gate import people
from chimera.kinds import EnvironmentFacts, Subject
from chimera.kinds.memo import NoMemo
from chimera.model import Actor, Diagnostic, Finding, Severity
from tests.gate.test_identities import NOW, key, loaded, write


def _rsa(bits: int) -> str:
    def field(data: bytes) -> bytes:
        return len(data).to_bytes(4) + data

    modulus = (1 << (bits - 1)) + 1
    number = b"\0" + modulus.to_bytes(bits // 8)
    blob = field(b"ssh-rsa") + field((65537).to_bytes(3)) + field(number)
    return f"ssh-rsa {base64.b64encode(blob).decode()}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two people who hold a role, and a gate that asks one of them."""
    person(tmp_path, "ann", key("a"))
    person(tmp_path, "bob", key("b"))
    write(tmp_path, "Role", "owner", "{members: [Identity/ann, Identity/bob]}")
    gate(tmp_path, 1)
    return tmp_path


def person(root: Path, name: str, *keys: str, kind: str = "human", more: str = "") -> None:
    written = ", ".join(f"{{key: {one}{more}}}" for one in keys)
    write(root, "Identity", name, f"{{kind: {kind}, keys: [{written}]}}")


def gate(root: Path, count: int) -> None:
    asks = f"{{approvals: [{{role: Role/owner, count: {count}}}]}}"
    write(root, "Gate", "g", f"{{match: {{kinds: [Role]}}, requires: {asks}}}")


def faults(root: Path, memo: Any = None) -> list[Diagnostic]:
    found = loaded(root)
    assert found.diagnostics == ()
    subject = Subject(
        found.snapshot,
        place(found.snapshot).placements,
        EnvironmentFacts("local", protected=False),
        Actor("ann", "human"),
        NOW,
        memo=memo or NoMemo(),
    )
    return [fault for verdict in people.check(subject) for fault in verdict.diagnostics]


def rules(root: Path) -> list[str]:
    return [fault.rule for fault in faults(root)]


def test_people_who_can_answer_are_no_fault(root: Path) -> None:
    assert rules(root) == []
    gate(root, 2)
    assert rules(root) == []


def test_a_key_of_two_identities_is_an_error(root: Path) -> None:
    person(root, "cid", f"{key('a')} another-comment")
    (fault,) = faults(root)
    assert (fault.rule, fault.severity) == ("identity-key-shared", Severity.ERROR)
    assert fault.address == "Identity/cid"
    assert fault.related


def test_a_key_that_one_identity_names_twice_is_not(root: Path) -> None:
    person(root, "ann", key("a"), f"{key('a')} again")
    assert rules(root) == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (', validBefore: "2026-11-21"', ["identity-key-expired"]),
        (', validBefore: "2026-11-22"', []),
        (', validBefore: "2026-01-01", revoked: {at: "2026-01-01", reason: lost}', []),
    ],
)
def test_a_key_that_expired_is_told(root: Path, more: str, expected: list[str]) -> None:
    person(root, "ann", key("a"), more=more)
    assert rules(root) == expected


@pytest.mark.parametrize(("bits", "expected"), [(2048, ["identity-key-weak"]), (3072, [])])
def test_a_short_rsa_key_is_told(root: Path, bits: int, expected: list[str]) -> None:
    person(root, "ann", _rsa(bits))
    assert rules(root) == expected


def test_a_role_that_nobody_holds_is_told(root: Path) -> None:
    write(root, "Role", "empty", "{members: []}")
    (fault,) = faults(root)
    assert (fault.rule, fault.severity) == ("role-without-members", Severity.WARNING)


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({}, 3),
        ({"kind": "automation"}, 2),
        ({"more": ', revoked: {at: "2026-01-01", reason: lost}'}, 2),
        ({"keys": ()}, 2),
    ],
)
def test_a_gate_that_nobody_can_satisfy_is_told(
    root: Path, change: dict[str, Any], count: int
) -> None:
    gate(root, count)
    given = {"keys": (key("b"),), **change}
    person(root, "bob", *given.pop("keys"), **given)
    (fault,) = faults(root)
    assert fault.rule == "gate-approval-impossible"
    assert fault.address == "Gate/g"
    gate(root, count - 1)
    assert rules(root) == []


def test_a_role_that_cannot_approve_satisfies_no_gate(root: Path) -> None:
    members = "members: [Identity/ann, Identity/bob]"
    write(root, "Role", "owner", f"{{{members}, capabilities: [prove]}}")
    assert rules(root) == ["gate-approval-impossible"]
    write(root, "Role", "owner", f"{{{members}, capabilities: [prove, approve]}}")
    assert rules(root) == []


def test_what_was_remembered_says_the_same(root: Path) -> None:
    class Kept(NoMemo):
        def __init__(self) -> None:
            self.values: dict[str, Any] = {}

        def get(self, key: str) -> Any:
            return self.values.get(key)

        def put(self, key: str, value: Any) -> None:
            self.values[key] = value

    gate(root, 3)
    memo = Kept()
    first = faults(root, memo)
    assert memo.values
    assert faults(root, memo) == first


def test_only_an_error_fails(root: Path) -> None:
    write(root, "Role", "empty", "{members: []}")
    found = loaded(root)
    subject = Subject(
        found.snapshot,
        {},
        EnvironmentFacts("local", protected=False),
        Actor("ann", "human"),
        NOW,
    )
    assert [verdict.finding for verdict in people.check(subject)] == [Finding.NOT_EXERCISED]

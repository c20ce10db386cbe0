"""Whose keys count, by the Identity and Role documents of a trusted revision."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chimera.documents import open_work_tree
from chimera.gate import trust_root
from chimera.kinds import Registry, load_snapshot, read_source
from chimera.model import Address, TrustRoot
from chimera.plugin import load_plugins

REGISTRY = Registry.collect(load_plugins())
NOW = datetime(2026, 11, 21, tzinfo=UTC)
ANN = Address("Identity", "ann")


def key(name: str) -> str:
    """Return a public key that nobody has the private half of."""
    fields = (b"ssh-ed25519", hashlib.sha256(name.encode()).digest())
    blob = b"".join(len(field).to_bytes(4) + field for field in fields)
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


def write(root: Path, kind: str, name: str, spec: str) -> None:
    file = root / "specs" / f"{kind}-{name}.yaml"
    file.parent.mkdir(exist_ok=True)
    head = f"apiVersion: chimera/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    file.write_text(head, "utf-8")


def loaded(root: Path) -> Any:
    return load_snapshot(read_source(open_work_tree(root)), REGISTRY)


def trust(root: Path) -> TrustRoot:
    found = loaded(root)
    assert found.diagnostics == ()
    return trust_root(found.snapshot, "main", "c0ffee")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(
        tmp_path,
        "Identity",
        "ann",
        f"{{kind: human, emails: [Ann@Example.org], keys: [{{key: {key('a')} ann@laptop}}]}}",
    )
    write(tmp_path, "Identity", "ci", f"{{kind: automation, keys: [{{key: {key('c')}}}]}}")
    write(tmp_path, "Role", "owner", "{members: [Identity/ann]}")
    write(tmp_path, "Role", "provers", "{members: [Identity/ci], capabilities: [prove]}")
    return tmp_path


def test_a_key_counts_for_what_its_identitys_roles_allow(root: Path) -> None:
    found = trust(root)
    ann, ci = found.keys
    assert (ann.identity, ann.human, ann.public) == (ANN, True, key("a"))
    assert found.find(ann.fingerprint) == ann
    assert found.can(ann, "approve", Address("Role", "owner"))
    assert not found.can(ann, "approve", Address("Role", "provers"))
    assert not found.can(ann, "prove")
    assert (ci.human, ci.capabilities) == (False, {"prove"})
    assert found.emails == {"ann@example.org": ANN}
    assert ann.refusal(NOW) is None


def test_who_holds_no_role_can_do_nothing(root: Path) -> None:
    write(root, "Role", "owner", "{members: []}")
    found = trust(root)
    assert not found.can(found.keys[0], "approve")


def test_a_key_of_two_identities_is_nobodys(root: Path) -> None:
    write(root, "Identity", "bob", f"{{kind: human, keys: [{{key: {key('a')} another comment}}]}}")
    write(root, "Role", "owner", "{members: [Identity/ann, Identity/bob]}")
    found = trust(root)
    assert [k.identity.name for k in found.keys] == ["ci"]
    assert len(found.shared) == 1


def test_an_address_of_two_identities_is_nobodys(root: Path) -> None:
    write(root, "Identity", "bob", "{kind: human, emails: [ann@example.ORG, bob@example.org]}")
    assert set(trust(root).emails) == {"bob@example.org"}


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ('validAfter: "2026-11-22"', "counts from 2026-11-22T00:00:00+00:00 only"),
        ('validBefore: "2026-11-21"', "expired at 2026-11-21T00:00:00+00:00"),
        ('revoked: {at: "2027-01-01", reason: it was lost}', "is revoked"),
        ('validAfter: "2026-11-21", validBefore: "2026-11-22"', None),
    ],
)
def test_a_key_counts_in_its_time_and_a_revoked_one_never(
    root: Path, more: str, refusal: str | None
) -> None:
    write(root, "Identity", "ann", f"{{kind: human, keys: [{{key: {key('a')}, {more}}}]}}")
    said = trust(root).keys[0].refusal(NOW)
    assert said is None if refusal is None else refusal in str(said)


def test_a_key_that_is_written_twice_counts_as_the_stricter_of_both(root: Path) -> None:
    revoked = f'{{key: {key("a")}, revoked: {{at: "2026-01-01", reason: lost}}}}'
    write(root, "Identity", "ann", f"{{kind: human, keys: [{{key: {key('a')} again}}, {revoked}]}}")
    (ann, _) = trust(root).keys
    assert "is revoked" in str(ann.refusal(NOW))


@pytest.mark.parametrize(
    ("spec", "rule"),
    [
        ("{kind: human, keys: [{key: ssh-ed25519 AAAA}]}", "key-unparsable"),
        ("{kind: human, keys: [{key: ssh-dss AAAAB3NzaC1kc3MAAACBAP}]}", "key-unparsable"),
        (f"{{kind: human, keys: [{{key: {key('x')}, validAfter: soon}}]}}", "time-invalid"),
        (f"{{kind: human, keys: [{{key: {key('x')}, validAfter: '2027-01-31'}}]}}", None),
    ],
)
def test_a_key_that_cannot_be_read_is_told_at_its_place(
    root: Path, spec: str, rule: str | None
) -> None:
    write(root, "Identity", "bob", spec)
    assert [d.rule for d in loaded(root).diagnostics] == ([rule] if rule else [])

"""People who sign, with keys that are made on the spot, and the trust root that knows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chimera.documents import RawDocument
from chimera.gate import ApprovalSpec
from chimera.gate.signed import approved_item, signed_content
from chimera.kinds import Document, validate
from chimera.model import Address, TrustedKey, TrustRoot
from chimera.plan import PlanItem
from chimera.signatures import APPROVAL
from chimera.signatures.signer import BareSigner
from tests.gate.conftest import REGISTRY

OWNER = Address("Role", "owner")
HUMANS, MACHINES = ("ann", "bob", "eve"), ("robot",)


@cache
def signer(name: str) -> BareSigner:
    return BareSigner.of(Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b".")))


def trusted(name: str, *roles: Address, human: bool = True) -> TrustedKey:
    public = signer(name).public
    who = Address("Identity", name)
    capabilities = frozenset({"approve"}) if roles else frozenset()
    return TrustedKey(public.fingerprint, public.text, who, human, roles, capabilities)  # type: ignore[arg-type]


def trust() -> TrustRoot:
    """Ann and Bob hold the role, Eve holds none, and so does the robot, which is no person."""
    keys = (
        trusted("ann", OWNER),
        trusted("bob", OWNER),
        trusted("eve"),
        trusted("robot", OWNER, human=False),
    )
    return TrustRoot("origin/main", "c0ffee", keys, {OWNER: frozenset({"approve"})})


def approval(
    name: str,
    items: Sequence[PlanItem],
    *,
    environment: str = "production",
    decision: Literal["approve", "reject"] = "approve",
    at: datetime = datetime(2026, 11, 20, 12, tzinfo=UTC),
) -> Document[Any]:
    """Return what somebody signed about items of a plan."""
    spec: dict[str, Any] = {
        "decision": decision,
        "identity": f"Identity/{name}",
        "environment": environment,
        "plan": "sha256:" + "0" * 64,
        "items": [approved_item(environment, item) for item in items],
        "at": at.isoformat(),
    }
    spec["signature"] = signer(name).sign(signed_content(spec), APPROVAL)
    value = {
        "apiVersion": "chimera/v1",
        "kind": "Approval",
        "metadata": {"name": f"{name}-{decision}-{at:%d%H}"},
        "spec": spec,
    }
    document, faults = validate(RawDocument("approval.yaml", 0, value), REGISTRY)
    assert document is not None, faults
    assert isinstance(document.spec, ApprovalSpec)
    return document

"""What an approval says, and whose signature it bears.

A record is worth what its signature covers: who signed is whose key the trust ref says it is, and
what was signed is an item of a plan. Refuses to trust anything else that a record says of itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chimera.context import is_to_come, parse_instant
from chimera.gate.kinds import DEFAULT_EXPIRY, ApprovalSpec, ApprovedItem
from chimera.kinds import DELETED, Document, format_duration
from chimera.model import Digest, Target, TrustedKey, TrustRoot, canonical_json, digest_bytes
from chimera.plan import PlanItem, item_digest


def signed_content(spec: Mapping[str, Any]) -> bytes:
    """Return what is signed of an approval: the canonical JSON of its spec without `signature`."""
    return canonical_json({name: value for name, value in spec.items() if name != "signature"})


def approval_digest(approval: Document[ApprovalSpec]) -> Digest:
    """Return what an approval is known by once it is spent: the digest of what was signed.

    Its name, its labels and the form of its signature can be altered by anybody.
    """
    return digest_bytes(signed_content(approval.value["spec"]))


def approved_item(environment: str, item: PlanItem) -> dict[str, str]:
    """Return an item of a plan as an approval names it."""
    return {
        "target": str(item.change.target),
        "action": item.change.action.value,
        "after": item.change.after or DELETED,
        "digest": item_digest(environment, item),
    }


@dataclass(frozen=True, slots=True)
class Signed:
    """An approval with the key that signed it, or the reason for which nobody did."""

    approval: Document[ApprovalSpec]
    digest: Digest
    key: TrustedKey | None = None
    fault: str = ""

    @property
    def name(self) -> str:
        """What it is called, and by whom it is."""
        who = str(self.key.identity) if self.key else self.approval.spec.identity
        return f"{self.approval.address} of {who}"

    @property
    def at(self) -> datetime:
        """When it was signed, by its own account."""
        return parse_instant(self.approval.spec.at)

    def untimely(
        self, now: datetime, age: timedelta = DEFAULT_EXPIRY, source: str = "the default"
    ) -> str | None:
        """Say why it does not count at `now`, where `source` allows it to be of some age."""
        if is_to_come(self.at, now):
            return f"it is dated {self.at.isoformat()}, which is yet to come"
        if self.at + age <= now:
            return f"it is older than the {format_duration(age)} that {source} allows"
        until = self.approval.spec.expires
        if until is not None and parse_instant(until) <= now:
            return f"it ended at {until}"
        return None

    def item(self, target: Target) -> ApprovedItem | None:
        """Return what it says of a target, if it does."""
        return next((i for i in self.approval.spec.items if i.target == str(target)), None)


def signed_by(approval: Document[ApprovalSpec], trust: TrustRoot) -> Signed:
    """Find out whose signature an approval bears; what the key may do is not asked."""
    from chimera.signatures import APPROVAL, SignatureError, verify_ssh

    content = signed_content(approval.value["spec"])
    digest = digest_bytes(content)
    try:
        fingerprint = verify_ssh(approval.spec.signature, content, APPROVAL).fingerprint
    except SignatureError as error:
        return Signed(approval, digest, fault=error.message)
    key = trust.find(fingerprint)
    if key is not None:
        if str(key.identity) != approval.spec.identity:
            return Signed(approval, digest, fault=f"a key of {key.identity} signed it")
        return Signed(approval, digest, key)
    if fingerprint in trust.shared:
        fault = f"two identities name its key {fingerprint}, so that it is nobody's"
    elif fingerprint in trust.pending:
        fault = (
            f"its key {fingerprint} comes with what would be applied: it counts once that is"
            " applied, and lets nothing through that it came with"
        )
    else:
        fault = (
            f"its key {fingerprint} is not in {trust.ref} ({trust.revision[:12]}): a key counts"
            " once it is there"
        )
    return Signed(approval, digest, fault=fault)


def signed_approvals(
    approvals: Iterable[Document[ApprovalSpec]], trust: TrustRoot
) -> Iterator[Signed]:
    """Yield each approval once, in the order of its digest, whatever places it was found in."""
    found: dict[Digest, Signed] = {}
    for approval in approvals:
        signed = signed_by(approval, trust)
        if signed.digest not in found or found[signed.digest].key is None:
            found[signed.digest] = signed
    yield from (found[digest] for digest in sorted(found))

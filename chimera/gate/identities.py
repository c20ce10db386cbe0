"""From the Identity and Role documents of a trusted revision to the keys that count.

Refuses a key that two identities name: nobody can tell by it who signed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from chimera.context import parse_instant
from chimera.gate.kinds import IdentitySpec, RoleSpec
from chimera.kinds import Document, Snapshot
from chimera.model import Address, Capability, TrustedKey, TrustRoot
from chimera.signatures import PublicKey


def trust_root(snapshot: Snapshot, ref: str, revision: str) -> TrustRoot:
    """Return whose keys count, and for what, by the documents of one revision of `ref`."""
    roles = {
        document.address: frozenset[Capability](document.spec.capabilities)
        for document in snapshot.of_model(RoleSpec)
    }
    held = roles_of(snapshot)
    identities = snapshot.of_model(IdentitySpec)
    keys = [key for one in identities for key in _keys(one, held[one.address], roles)]
    named: dict[str, set[Address]] = defaultdict(set)
    for key in keys:
        named[key.fingerprint].add(key.identity)
    shared = frozenset(fingerprint for fingerprint, whose in named.items() if len(whose) > 1)
    kept = [key for key in keys if key.fingerprint not in shared]
    return TrustRoot(ref, revision, tuple(kept), roles, _emails(identities), shared)


def narrowed(trust: TrustRoot, applied: TrustRoot) -> TrustRoot:
    """Return what a trust root says and what is applied says, too.

    A key, a person or a member of a role that comes with a change counts once that is applied: none
    of them lets through the change that it came with.
    """
    kept = []
    for key in trust.keys:
        former = applied.find(key.fingerprint)
        if former is None or former.identity != key.identity:
            continue
        roles = tuple(role for role in key.roles if role in former.roles)
        able = frozenset(w for r in roles for w in trust.roles[r] & applied.roles[r])
        kept.append(replace(key, human=key.human and former.human, roles=roles, capabilities=able))
    allowed = {
        role: what & applied.roles.get(role, frozenset()) for role, what in trust.roles.items()
    }
    known = {key.fingerprint for key in kept}
    pending = frozenset(key.fingerprint for key in trust.keys) - known
    return replace(trust, keys=tuple(kept), roles=allowed, pending=pending)


def roles_of(snapshot: Snapshot) -> Mapping[Address, tuple[Address, ...]]:
    """Return the roles that each identity holds, in order; none for one that holds none."""
    held: dict[Address, list[Address]] = defaultdict(list)
    for role in snapshot.of_model(RoleSpec):
        for member in dict.fromkeys(role.spec.members):
            held[Address.parse(member)].append(role.address)
    return defaultdict(tuple, {member: tuple(roles) for member, roles in held.items()})


def _keys(
    identity: Document[IdentitySpec],
    roles: tuple[Address, ...],
    grants: Mapping[Address, frozenset[Capability]],
) -> Iterator[TrustedKey]:
    """Yield the keys of an identity; one that it names twice counts as the stricter of both."""
    capabilities = frozenset(what for role in roles for what in grants[role])
    found: dict[str, TrustedKey] = {}
    for written in identity.spec.keys:
        public = PublicKey.parse(written.key)
        key = TrustedKey(
            public.fingerprint,
            public.text,
            identity.address,
            identity.spec.kind == "human",
            roles,
            capabilities,
            written.not_before,
            written.not_after,
            parse_instant(written.revoked.at) if written.revoked else None,
        )
        other = found.get(key.fingerprint)
        found[key.fingerprint] = _stricter(other, key) if other else key
    yield from found.values()


def _stricter(one: TrustedKey, other: TrustedKey) -> TrustedKey:
    """Return a key that counts only where both do."""
    starts = [key.not_before for key in (one, other) if key.not_before is not None]
    ends = [key.not_after for key in (one, other) if key.not_after is not None]
    return TrustedKey(
        one.fingerprint,
        one.public,
        one.identity,
        one.human,
        one.roles,
        one.capabilities,
        max(starts, default=None),
        min(ends, default=None),
        one.revoked or other.revoked,
    )


def _emails(identities: tuple[Document[IdentitySpec], ...]) -> Mapping[str, Address]:
    named: dict[str, set[Address]] = defaultdict(set)
    for one in identities:
        for email in one.spec.emails:
            named[email.lower()].add(one.address)
    return {email: whose.pop() for email, whose in sorted(named.items()) if len(whose) == 1}

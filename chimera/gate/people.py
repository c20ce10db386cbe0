"""Whether those whom gates ask can answer: identities with keys, roles with members.

What each part of the repository says of that is remembered, so that a check of unchanged documents
opens none. Refuses to call a gate that nobody can satisfy yet an error: its people's keys may be on
their way. Nothing passes it before they are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chimera.gate.kinds import GateSpec, IdentitySpec, RoleSpec
from chimera.kinds import LoadedShard, Subject
from chimera.model import Address, Diagnostic, Finding, Related, Severity, Verdict

_KINDS = ("Gate", "Identity", "Role")
_LEAST_RSA_BITS = 3072  # NIST SP 800-57: what lasts beyond 2030
JUDGE = "identities"


@dataclass(frozen=True, slots=True)
class _Key:
    identity: str
    index: int
    fingerprint: str
    ends: str | None
    revoked: bool
    weak: bool


@dataclass(frozen=True)
class _People:
    """What all gates ask of roles, who holds those, and by what they sign."""

    keys: tuple[_Key, ...]
    humans: frozenset[str]
    members: Mapping[str, tuple[str, ...]]
    approving: frozenset[str]
    asks: tuple[tuple[str, int, str, int], ...]


def check(subject: Subject) -> Iterator[Verdict]:
    """Yield a verdict with all that is wrong with identities, roles and what gates ask of them."""
    people = _read(subject)
    faults = (*_shared(people, subject), *_aging(people, subject), *_memberless(people, subject))
    faults += tuple(_impossible(people, subject))
    _keep({fault.address for fault in faults}, people, subject)
    for fault in faults:
        is_error = fault.severity is Severity.ERROR
        finding = Finding.FAIL if is_error else Finding.NOT_EXERCISED
        yield Verdict(JUDGE, fault.address or JUDGE, finding, (fault.message,), (fault,))


def _keep(blamed: Collection[str | None], people: _People, subject: Subject) -> None:
    """Have the facts kept of documents that are told of: where they stand is asked in every run."""
    shared = _of_several(people.keys)
    sharing = {key.identity for key in people.keys if key.fingerprint in shared}
    told_of = sharing.union(name for name in blamed if name is not None)
    for shard in subject.snapshot.loaded:
        if not told_of.isdisjoint(shard.names):
            shard.keep()


def _read(subject: Subject) -> _People:
    told = [_told(shard, subject) for shard in subject.snapshot.shards]
    keys = tuple(_Key(*key) for part in told for key in part["keys"])
    return _People(
        tuple(sorted(keys, key=lambda key: (key.identity, key.index))),
        frozenset(name for part in told for name in part["humans"]),
        {name: tuple(members) for part in told for name, members in part["roles"]},
        frozenset(name for part in told for name in part["approving"]),
        tuple(sorted((g, i, r, c) for part in told for g, i, r, c in part["asks"])),
    )


def _told(shard: LoadedShard, subject: Subject) -> dict[str, Any]:
    """Return what the documents of a shard say of this, as it was remembered where it was."""
    rows = tuple(shard.rows_of(_KINDS))
    if not rows:
        return _facts(())
    key = f"people/1 {shard.key}"
    found = subject.memo.get(key)
    if found is None:
        found = _facts(shard.documents[row] for row in rows)
        subject.memo.put(key, found)
    return dict(found)


def _facts(documents: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"keys": [], "humans": [], "roles": [], "approving": [], "asks": []}
    for document in documents:
        name, spec = str(document.address), document.spec
        if isinstance(spec, IdentitySpec):
            found["keys"] += _keys(name, spec)
            if spec.kind == "human":
                found["humans"].append(name)
        elif isinstance(spec, RoleSpec):
            found["roles"].append([name, list(spec.members)])
            if "approve" in spec.capabilities:
                found["approving"].append(name)
        elif isinstance(spec, GateSpec):
            asked = enumerate(spec.requires.approvals)
            found["asks"] += [[name, index, a.role, a.count] for index, a in asked]
    return found


def _keys(name: str, spec: IdentitySpec) -> Iterator[list[Any]]:
    from chimera.signatures import PublicKey

    for index, written in enumerate(spec.keys):
        public = PublicKey.parse(written.key)
        ends = written.not_after.isoformat() if written.not_after else None
        weak = public.algorithm == "ssh-rsa" and len(public.blob) * 8 < _LEAST_RSA_BITS
        yield [name, index, public.fingerprint, ends, written.revoked is not None, weak]


def _shared(people: _People, subject: Subject) -> Iterator[Diagnostic]:
    first: dict[str, _Key] = {}
    for key in people.keys:
        other = first.setdefault(key.fingerprint, key)
        if other.identity != key.identity:
            yield _fault(
                subject,
                key.identity,
                ("keys", key.index, "key"),
                "identity-key-shared",
                f"{other.identity} has the same key: who signed cannot be told by it, and it counts"
                " for neither",
                "give each a key of its own",
                Severity.ERROR,
                other,
            )


def _aging(people: _People, subject: Subject) -> Iterator[Diagnostic]:
    for key in people.keys:
        if key.revoked:
            continue
        where = ("keys", key.index, "key")
        if key.ends is not None and datetime.fromisoformat(key.ends) <= subject.now:
            yield _fault(
                subject,
                key.identity,
                where,
                "identity-key-expired",
                f"the key {key.fingerprint} expired at {key.ends} and counts for nothing",
                "make a new one, and remove this",
            )
        if key.weak:
            yield _fault(
                subject,
                key.identity,
                where,
                "identity-key-weak",
                f"the RSA key {key.fingerprint} is shorter than {_LEAST_RSA_BITS} bits",
                "use Ed25519: `ssh-keygen -t ed25519`",
            )


def _memberless(people: _People, subject: Subject) -> Iterator[Diagnostic]:
    for role, members in sorted(people.members.items()):
        if not members:
            yield _fault(
                subject,
                role,
                ("members",),
                "role-without-members",
                "nobody holds the role, so that nobody can do what it allows",
                "name identities, as in [Identity/ann], or delete the role",
            )


def _impossible(people: _People, subject: Subject) -> Iterator[Diagnostic]:
    signing: dict[str, set[str]] = defaultdict(set)
    shared = _of_several(people.keys)
    for key in people.keys:
        if not key.revoked and key.fingerprint not in shared and key.identity in people.humans:
            signing[key.identity].add(key.fingerprint)
    able = {
        role: len(signing.keys() & members) if role in people.approving else 0
        for role, members in people.members.items()
    }
    for gate, index, role, count in people.asks:
        # A role that is not there is the fault of the reference, and reported as such.
        if role in able and able[role] < count:
            who = "a person" if count == 1 else f"{count} people"
            yield _fault(
                subject,
                gate,
                ("requires", "approvals", index),
                "gate-approval-impossible",
                f"it asks {who} of {role} to approve, and {able[role] or 'none'} of its members"
                " can: a person with a key; where it is protected nothing passes",
                "give the role's members keys, or ask for fewer",
            )


def _of_several(keys: Iterable[_Key]) -> set[str]:
    named: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        named[key.fingerprint].add(key.identity)
    return {fingerprint for fingerprint, whose in named.items() if len(whose) > 1}


def _fault(
    subject: Subject,
    name: str,
    route: tuple[str | int, ...],
    rule: str,
    message: str,
    help: str,
    severity: Severity = Severity.WARNING,
    other: _Key | None = None,
) -> Diagnostic:
    document = subject.snapshot.documents[Address.parse(name)]
    related: tuple[Related, ...] = ()
    if other is not None:
        first = subject.snapshot.documents[Address.parse(other.identity)]
        where = first.at("spec", "keys", other.index, "key")
        related = (Related("the other one is here", where),)
    place = document.at("spec", *route)
    return Diagnostic(rule, message, place, help, severity, name, related=related)

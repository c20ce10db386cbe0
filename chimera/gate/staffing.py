"""Who can sign, how many who hold a role can approve, and what gates ask beyond that.

Owns what is remembered of it: of each shard, and of all identities, all roles and all gates
together, so that a check opens what was edited and nothing else. Refuses to call anything a fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from chimera.gate.kinds import GateSpec, IdentitySpec, RoleSpec
from chimera.kinds import Document, LoadedShard, Subject

LEAST_RSA_BITS = 3072  # NIST SP 800-57: what lasts beyond 2030


class Key(NamedTuple):
    """A key, and where it stands: among those of an identity."""

    identity: str
    position: int
    fingerprint: str
    ends: str | None
    revoked: bool
    weak: bool


@dataclass(frozen=True, slots=True, order=True)
class Ask:
    """An approval that a gate asks for, and by how many of the role it can be given."""

    gate: str
    index: int
    role: str
    count: int
    able: int


@dataclass(frozen=True, slots=True)
class Staffing:
    """What there is to tell of those whom gates ask.

    `shared` holds each key that is another identity's, too, after that one's; `aging` those that
    count, and end or are weak; `memberless` the roles that nobody holds; `unmet` what fewer can
    answer than are asked.
    """

    shared: tuple[tuple[Key, Key], ...]
    aging: tuple[Key, ...]
    memberless: tuple[str, ...]
    unmet: tuple[Ask, ...]


def staffing(subject: Subject) -> Staffing:
    """Look at every identity, role and gate, or at what is remembered of them."""
    signers = _of_all(subject, "Identity", _signers)
    roles = _of_all(subject, "Role", _roles, signers["signing"])
    unmet = _of_all(subject, "Gate", _unmet, roles["able"])
    return Staffing(
        tuple((Key(*first), Key(*other)) for first, other in signers["shared"]),
        tuple(Key(*key) for key in signers["aging"]),
        tuple(roles["memberless"]),
        tuple(Ask(*ask) for ask in unmet),
    )


def _of_all(subject: Subject, kind: str, work_out: Callable[..., Any], *given: Any) -> Any:
    """Return what follows from all documents of a kind and what is given, as it was remembered."""
    shards = [shard for shard in subject.snapshot.shards if kind in shard.kinds]
    known = json.dumps([[shard.key for shard in shards], given], separators=(",", ":"))
    key = f"staffing/1 {kind} {blake2b(known.encode()).hexdigest()}"
    found = subject.memo.get(key)
    if found is None:
        found = work_out(subject, shards, *given)
        subject.memo.put(key, found)
    return found


def _of_each(
    subject: Subject,
    kind: str,
    shards: Iterable[LoadedShard],
    tell: Callable[[Iterable[Document[Any]]], Iterable[Any]],
) -> Iterator[Any]:
    """Yield what is told of the documents of a kind, as it was remembered of their shard."""
    for shard in shards:
        key = f"staffing/1 {tell.__name__} {shard.key}"
        found = subject.memo.get(key)
        if found is None:
            found = list(tell(shard.documents[row] for row in shard.rows_of((kind,))))
            subject.memo.put(key, found)
        yield from found


def _signers(subject: Subject, shards: Sequence[LoadedShard]) -> Any:
    told = list(_of_each(subject, "Identity", shards, _keys))
    keys = sorted(Key._make(key) for _, key in told)
    humans = {key[0] for is_human, key in told if is_human}
    first: dict[str, Key] = {}
    pairs = [(first.setdefault(key.fingerprint, key), key) for key in keys]
    shared = [pair for pair in pairs if pair[0].identity != pair[1].identity]
    not_told_apart = {key.fingerprint for _, key in shared}
    counting = [key for key in keys if not key.revoked]
    signing = {key.identity for key in counting if key.fingerprint not in not_told_apart}
    return {
        "signing": sorted(signing & humans),
        "shared": shared,
        "aging": [key for key in counting if key.ends is not None or key.weak],
    }


def _keys(identities: Iterable[Document[IdentitySpec]]) -> Iterator[Any]:
    from chimera.signatures import PublicKey

    for identity in identities:
        for position, written in enumerate(identity.spec.keys):
            public = PublicKey.parse(written.key)
            ends = written.not_after.isoformat() if written.not_after else None
            is_weak = public.algorithm == "ssh-rsa" and len(public.blob) * 8 < LEAST_RSA_BITS
            key = Key(
                str(identity.address),
                position,
                public.fingerprint,
                ends,
                written.revoked is not None,
                is_weak,
            )
            yield [identity.spec.kind == "human", key]


def _roles(subject: Subject, shards: Sequence[LoadedShard], signing: Iterable[str]) -> Any:
    told = sorted(_of_each(subject, "Role", shards, _members))
    people = frozenset(signing)
    return {
        "able": {
            role: len(people.intersection(members)) if is_approving else 0
            for role, is_approving, members in told
        },
        "memberless": [role for role, _, members in told if not members],
    }


def _members(roles: Iterable[Document[RoleSpec]]) -> Iterator[Any]:
    for role in roles:
        yield [str(role.address), "approve" in role.spec.capabilities, list(role.spec.members)]


def _unmet(subject: Subject, shards: Sequence[LoadedShard], able: Mapping[str, int]) -> Any:
    """Look closely at those shards alone in which more is asked of a role than it can answer.

    A role that is not there is the fault of the reference, and reported as such.
    """
    wanting = [
        shard
        for shard in shards
        if any(
            most > able.get(role, most)
            for role, most in _of_each(subject, "Gate", [shard], _most_asked)
        )
    ]
    asks = _of_each(subject, "Gate", wanting, _asks)
    return sorted(
        [gate, index, role, count, able[role]]
        for gate, index, role, count in asks
        if role in able and able[role] < count
    )


def _most_asked(gates: Iterable[Document[GateSpec]]) -> Iterator[Any]:
    most: dict[str, int] = {}
    for _, _, role, count in _asks(gates):
        most[role] = max(count, most.get(role, 0))
    yield from most.items()


def _asks(gates: Iterable[Document[GateSpec]]) -> Iterator[Any]:
    for gate in gates:
        name = str(gate.address)
        for index, asked in enumerate(gate.spec.requires.approvals):
            yield [name, index, asked.role, asked.count]

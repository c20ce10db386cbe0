"""Whether those whom gates ask can answer: identities with keys, roles with members.

Refuses to call a gate that nobody can satisfy yet an error: its people's keys may be on their way.
Nothing passes it before they are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from chimera.gate.staffing import LEAST_RSA_BITS, Ask, Key, staffing
from chimera.kinds import Subject
from chimera.model import Address, Diagnostic, Finding, Related, Severity, Verdict

JUDGE = "identities"


def check(subject: Subject) -> Iterator[Verdict]:
    """Yield a verdict with all that is wrong with identities, roles and what gates ask of them."""
    found = staffing(subject)
    faults = (
        *_shared(found.shared, subject),
        *_aging(found.aging, subject),
        *_memberless(found.memberless, subject),
        *_impossible(found.unmet, subject),
    )
    sharing = {key.identity for pair in found.shared for key in pair}
    _keep(sharing.union(fault.address for fault in faults if fault.address), subject)
    for fault in faults:
        is_error = fault.severity is Severity.ERROR
        finding = Finding.FAIL if is_error else Finding.NOT_EXERCISED
        yield Verdict(JUDGE, fault.address or JUDGE, finding, (fault.message,), (fault,))


def _keep(told_of: set[str], subject: Subject) -> None:
    """Have the facts kept of documents that are told of: where they stand is asked in every run."""
    for shard in subject.snapshot.loaded if told_of else ():
        if not told_of.isdisjoint(shard.names):
            shard.keep()


def _shared(shared: Iterable[tuple[Key, Key]], subject: Subject) -> Iterator[Diagnostic]:
    for other, key in shared:
        yield _fault(
            subject,
            key.identity,
            ("keys", key.position, "key"),
            "identity-key-shared",
            f"{other.identity} has the same key: who signed cannot be told by it, and it counts"
            " for neither",
            "give each a key of its own",
            Severity.ERROR,
            other,
        )


def _aging(keys: Iterable[Key], subject: Subject) -> Iterator[Diagnostic]:
    for key in keys:
        where = ("keys", key.position, "key")
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
                f"the RSA key {key.fingerprint} is shorter than {LEAST_RSA_BITS} bits",
                "use Ed25519: `ssh-keygen -t ed25519`",
            )


def _memberless(roles: Iterable[str], subject: Subject) -> Iterator[Diagnostic]:
    for role in roles:
        yield _fault(
            subject,
            role,
            ("members",),
            "role-without-members",
            "nobody holds the role, so that nobody can do what it allows",
            "name identities, as in [Identity/ann], or delete the role",
        )


def _impossible(asks: Iterable[Ask], subject: Subject) -> Iterator[Diagnostic]:
    for ask in asks:
        who = "a person" if ask.count == 1 else f"{ask.count} people"
        yield _fault(
            subject,
            ask.gate,
            ("requires", "approvals", ask.index),
            "gate-approval-impossible",
            f"it asks {who} of {ask.role} to approve, and {ask.able or 'none'} of its members"
            " can: a person with a key; where it is protected nothing passes",
            "give the role's members keys, or ask for fewer",
        )


def _fault(
    subject: Subject,
    name: str,
    route: tuple[str | int, ...],
    rule: str,
    message: str,
    help: str,
    severity: Severity = Severity.WARNING,
    other: Key | None = None,
) -> Diagnostic:
    document = subject.snapshot.documents[Address.parse(name)]
    related: tuple[Related, ...] = ()
    if other is not None:
        first = subject.snapshot.documents[Address.parse(other.identity)]
        where = first.at("spec", "keys", other.position, "key")
        related = (Related("the other one is here", where),)
    place = document.at("spec", *route)
    return Diagnostic(rule, message, place, help, severity, name, related=related)

"""Which policies are about a change, and what their rules ask of it.

Refuses to judge: whether a rule holds is `judge`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.kinds import Document, Subject
from chimera.model import Address, Change, Touch, is_dormant
from chimera.policy.former import former_policies
from chimera.policy.kinds import PolicyMatch, PolicySpec


def touch(subject: Subject) -> Iterator[Touch]:
    """Yield each policy that judges with each change that it selects, as it is and as it was."""
    changes = [change for change in subject.changes or () if change.changes]
    found: dict[tuple[Address, Change], dict[str, None]] = {}
    for policy in _judging(subject) if changes else ():
        asks = dict.fromkeys(f"rule {rule.id}" for rule in policy.spec.rules)
        for change in changes:
            if _is_about(policy.spec.match, change, subject):
                found.setdefault((policy.address, change), {}).update(asks)
    for (address, change), asks in found.items():
        yield Touch(str(address), address, change.target, change.paths, tuple(asks))


def _judging(subject: Subject) -> Iterator[Document[PolicySpec]]:
    for policy in subject.snapshot.of_model(PolicySpec):
        if not is_dormant(subject.placed(policy.address)):
            yield policy
    yield from former_policies(subject)


def _is_about(match: PolicyMatch, change: Change, subject: Subject) -> bool:
    is_kind_of_change = not match.changes or change.action.value in match.changes
    return is_kind_of_change and subject.selects(match, change)

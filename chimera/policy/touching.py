"""Which policies are about a change, and what their rules ask of it.

Refuses to judge: whether a rule holds is `judge`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.kinds import Subject
from chimera.model import Change, Touch, is_dormant
from chimera.policy.kinds import PolicyMatch, PolicySpec


def touch(subject: Subject) -> Iterator[Touch]:
    """Yield each policy that judges with each change that it selects.

    A policy judges as it is, and not as it was: a change of one is judged by its cases.
    """
    changes = [change for change in subject.changes or () if change.changes]
    for policy in subject.snapshot.of_model(PolicySpec) if changes else ():
        if is_dormant(subject.placed(policy.address)):
            continue
        asks = tuple(f"rule {rule.id}" for rule in policy.spec.rules)
        for change in changes:
            if _is_about(policy.spec.match, change, subject):
                yield Touch(str(policy.address), policy.address, change.target, change.paths, asks)


def _is_about(match: PolicyMatch, change: Change, subject: Subject) -> bool:
    is_kind_of_change = not match.changes or change.action.value in match.changes
    return is_kind_of_change and subject.selects(match, change)

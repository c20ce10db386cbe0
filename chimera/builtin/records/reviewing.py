"""Records at the gate: freezes that stand, incidents that are open, and rollbacks.

They bind wherever a place has them: the judged tree, the work tree, the trust ref, the records
written here. What cannot be read stops everything: it could have been one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chimera.builtin.records.gating.freezes import review_freezes
from chimera.builtin.records.gating.incidents import review_incidents
from chimera.builtin.records.gating.rollbacks import review_redeployments, review_rollbacks
from chimera.gate import unread

if TYPE_CHECKING:
    from chimera.gate import Weighing
    from chimera.model import Verdict


def review(weighing: Weighing) -> Iterator[Verdict]:
    """Yield what records stop, and what stands and stops nothing."""
    yield from unread(weighing, "Freeze", "Incident", "Rollback", "SeverityModel")
    yield from review_freezes(weighing)
    yield from review_incidents(weighing)
    yield from review_redeployments(weighing)


def review_approval(weighing: Weighing) -> Iterator[Verdict]:
    """Yield whether rollbacks have what they take: a person, evidence that is kept, a backup."""
    yield from review_rollbacks(weighing)

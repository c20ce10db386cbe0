"""The plan: frozen data about what an apply would do and what that owes.

Building one has no side effects. What may drive an apply is in `environment` and `items`; reasons,
layers, listed paths and order are shown and drive nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

from chimera.model import Address, Change, Digest, Obligation, Target, digest_json

FORMAT = "chimera-plan/1"


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One target: its change, the layers it stands in, and what it owes.

    `waivers` are those that speak of the target, each with its digest: whoever approves the item
    approves that they let it pass.
    """

    change: Change
    layers: tuple[str, ...] = ()
    dormant: bool = False
    obligations: tuple[Obligation, ...] = ()
    waivers: tuple[tuple[Address, Digest], ...] = ()
    inputs: Digest | None = None
    """What a run is given, where it is given anything: another input is another run."""

    @property
    def changes(self) -> bool:
        """Whether an apply would do anything about it."""
        return self.change.changes


@dataclass(frozen=True)
class Plan:
    """What an apply to one environment would do."""

    environment: str
    protected: bool
    compared_with: str
    items: tuple[PlanItem, ...]

    @cached_property
    def changing(self) -> tuple[PlanItem, ...]:
        """The items that are not `no-op`."""
        return tuple(item for item in self.items if item.changes)

    @cached_property
    def obligations(self) -> tuple[Obligation, ...]:
        """Everything owed, in order and once."""
        found = dict.fromkeys(o for item in self.changing for o in item.obligations)
        return tuple(sorted(found, key=lambda o: (o.kind, o.subject, str(o.target), str(o.source))))

    @cached_property
    def digest(self) -> Digest:
        """Binds a saved plan and a permit: environment, targets, digests and obligations."""
        return digest_json(
            {
                "environment": self.environment,
                "protected": self.protected,
                "items": sorted(map(_binding, self.changing), key=itemgetter("target")),
            }
        )

    def item(self, target: Target) -> PlanItem | None:
        """Return the item of `target`, if the plan has one."""
        return next((item for item in self.items if item.change.target == target), None)


def _binding(item: PlanItem) -> dict[str, Any]:
    change = item.change
    return {
        "target": str(change.target),
        "before": change.before,
        "after": change.after,
        "obligations": _owed(item),
        **({"waivers": _waivers(item)} if item.waivers else {}),
        **({"inputs": item.inputs} if item.inputs else {}),
    }


def _owed(item: PlanItem) -> list[Any]:
    return sorted({(o.kind, o.subject, str(o.source), o.detail) for o in item.obligations})


def _waivers(item: PlanItem) -> list[Any]:
    return sorted((str(address), digest) for address, digest in item.waivers)


def item_digest(environment: str, item: PlanItem) -> Digest:
    """Return what an approval of one item covers, in whatever plan the item stands.

    What was there before is not part of it: other changes may be applied in between.
    """
    change = item.change
    return digest_json(
        {
            "environment": environment,
            "target": str(change.target),
            "action": change.action.value,
            "after": change.after,
            "obligations": _owed(item),
            "waivers": _waivers(item),
            **({"inputs": item.inputs} if item.inputs else {}),
        }
    )

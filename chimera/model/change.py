"""Changes, where documents stand in the layers, and what a change owes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from chimera.model.address import Address, Target
from chimera.model.digest import Digest


class Action(Enum):
    """What a plan does about a target."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NO_OP = "no-op"
    RUN = "run"
    """Execute what is applied already: what `chimera run` plans, and nothing else does."""


@dataclass(frozen=True, slots=True)
class Change:
    """A difference in a desired document or in a governed path set.

    `before` and `after` are digests, `None` where there is nothing. `reason` says why the action
    was chosen. `paths` lists the paths that differ, for a path set; it is shown and never applied.
    """

    target: Target
    action: Action
    before: Digest | None
    after: Digest | None
    reason: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Placement:
    """A document's place in one contract: the layer is written `contract/id`."""

    address: Address
    layer: str
    dormant: bool


def is_dormant(placements: Iterable[Placement]) -> bool:
    """Tell whether any of a document's layers is dormant, so that nothing may act for it."""
    return any(placement.dormant for placement in placements)


ObligationKind = Literal["proof", "approval", "record"]


@dataclass(frozen=True, slots=True)
class Obligation:
    """What a change owes before it may be applied.

    `subject` is what is owed (`Proof/refund-invariants`, `Role/payments-owner`, a record kind),
    `target` the change that owes it, `source` the document that says so. `detail` holds what the
    kind needs besides (a count of approvals), as sorted pairs, so that it can be part of a digest.
    """

    kind: ObligationKind
    subject: str
    target: Target
    source: Address
    reason: str
    detail: tuple[tuple[str, str], ...] = ()

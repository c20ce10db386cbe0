"""Changes, where documents stand in the layers, and what a change owes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
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


class Category(Enum):
    """What a change means for whoever refers to its target."""

    COSMETIC = "cosmetic"
    """Comments, order and formatting: the same document, written otherwise; it owes nothing."""
    COMPATIBLE = "compatible"
    BREAKING = "breaking"


@dataclass(frozen=True, slots=True)
class Change:
    """A difference in a desired document or in a governed path set.

    `before` and `after` are digests, `None` where there is nothing. `reason` says why the action
    was chosen. The others are shown and never applied: `paths` lists the paths that differ,
    `category` says what that means for whoever refers to the target (`None` where nothing differs,
    or nobody can tell), and `breaks` what no longer holds for them.
    """

    target: Target
    action: Action
    before: Digest | None
    after: Digest | None
    reason: str
    paths: tuple[str, ...] = ()
    category: Category | None = None
    breaks: tuple[str, ...] = ()

    @property
    def is_cosmetic(self) -> bool:
        """Whether the same document is only written otherwise."""
        return self.category is Category.COSMETIC

    @property
    def changes(self) -> bool:
        """Whether an apply would do anything about it."""
        return self.action is not Action.NO_OP

    @property
    def is_move(self) -> bool:
        """Whether the same document stands in other layers, because its file moved."""
        return self.action is Action.UPDATE and self.before == self.after


@dataclass(frozen=True, slots=True)
class Touch:
    """A gate, proof, policy or layer that a change concerns, and what of the change causes that.

    `name` is how it is called: an address, or a layer (`contract/id`) of `source`. `asks` says in
    words what it asks for in any environment; what is owed in one is an `Obligation`. `paths` lists
    the paths that differ, for a path set, and else the files of the document before and after.
    """

    name: str
    source: Address
    target: Target
    paths: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()

    @property
    def is_layer(self) -> bool:
        """Whether it is a layer of its source, and not the source itself."""
        return self.name != str(self.source)


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
    `how` tells people a better way to meet it than the usual one, and is part of no digest.
    """

    kind: ObligationKind
    subject: str
    target: Target
    source: Address
    reason: str
    detail: tuple[tuple[str, str], ...] = ()
    how: str | None = field(default=None, compare=False)

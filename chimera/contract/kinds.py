"""The `LayerContract` kind: ordered layers, what each may do, and what it may never do.

Owns the words of a contract and nothing of their enforcement. Words of `prohibits` are names, not a
closed enumeration, because plugins can add words; `judge` reports one that nobody registered.
"""

from __future__ import annotations

from typing import Annotated, Literal

from chimera.kinds import (
    AddressText,
    Field,
    Glob,
    Governs,
    Items,
    KindName,
    LayerRef,
    Model,
    Name,
    Plays,
    Reference,
    Role,
    StringConstraints,
    Text,
)

LayerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""What stands behind the slash in `contract/id`; the seeds write `2`, `L3` and words."""

IsoDate = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]

ExchangeType = Literal[
    "capability",
    "constraint",
    "interface",
    "measurement",
    "report",
    "requirement",
    "specification",
    "status",
    "strategy",
]
"""What sort of thing passes between two layers; both sides must name the same."""


class Admits(Model):
    """What belongs to a layer; a layer that admits a document's kind comes before one by path."""

    kinds: Items[KindName] = Field(default=(), description="Kinds whose documents stand here.")
    paths: Items[Glob] = Field(
        default=(), description="Files that belong here, as Git :(glob) patterns."
    )


class Refusal(Model):
    """What does not belong to a layer, and where it goes instead."""

    what: Text = Field(description="What is refused, in words: source code.")
    to: LayerRef | None = Field(
        default=None, description="Layer that it belongs to, written contract/id."
    )
    kinds: Items[KindName] = Field(default=(), description="Kinds that are refused here.")
    paths: Items[Glob] = Field(
        default=(), description="Files that are refused here, as Git :(glob) patterns."
    )


class Exchange(Model):
    """One thing that passes between two layers, and what shows that it does."""

    item: Text = Field(description="What passes, in the words that both layers use.")
    type: ExchangeType = Field(description="What sort of thing it is; both sides agree.")
    evidence: Items[Annotated[AddressText, Reference("Proof")]] = Field(
        default=(), description="Proofs that show the exchange; none means not exercised."
    )


class Provision(Exchange):
    """What a layer gives to a neighbour."""

    to: LayerRef = Field(description="Layer that receives it, written contract/id.")


class Receipt(Exchange):
    """What a layer takes from a neighbour."""

    source: LayerRef = Field(
        alias="from", description="Layer that provides it, written contract/id."
    )


class Principle(Model):
    """A statement that a layer keeps to, and the policy that checks it."""

    statement: Text = Field(description="The principle, in a sentence.")
    policy: Annotated[AddressText, Reference("Policy", cites=True)] | None = Field(
        default=None, description="Policy that checks it; a principle without one is reported."
    )


class Objective(Model):
    """A figure that a layer aims at."""

    name: Text = Field(description="What is measured.")
    target: Text = Field(description="The figure aimed at: 99.9 %, <100ms p95.")
    due: Annotated[IsoDate, Plays(Role.CADENCE)] | None = Field(
        default=None, description="Day by which it is to be met; never in a dormant layer."
    )


class Horizon(Model):
    """A span of time in which a layer works, and on what."""

    span: Literal["seconds", "minutes", "hours", "days", "weeks", "months", "years"] = Field(
        description="Length of the span."
    )
    work: Text = Field(description="What happens within it.")


class NeededApproval(Model):
    """An approval without which a dormant layer does not become active."""

    by: Literal["human"] = Field(default="human", description="Who approves; only people do.")
    matter: Text = Field(description="What is approved: policy changes.")
    role: Annotated[AddressText, Reference("Role")] | None = Field(
        default=None,
        description="Role whose approval it is; anybody's who can approve if left out.",
    )


TriggerRule = Literal["automatic", "human", "none"]
Mode = Literal["enforcing", "informational", "simulation"]


class WhenActive(Model):
    """What would bind a dormant layer, were it ever activated; not a plan to do so."""

    routes_through: Items[LayerRef] = Field(
        default=(), description="Layers in which a record of each change is made."
    )
    must_pass: Items[LayerRef] = Field(
        default=(), description="Layers whose proofs each change must pass."
    )
    needs_approval_of: Items[NeededApproval] = Field(
        default=(), description="Approvals that activation and every change would need."
    )
    prohibits: Items[Name] = Field(
        default=(), description="Words that stay, or become, prohibited when it is active."
    )
    trigger: TriggerRule | None = Field(
        default=None, description="What alone could then start its documents."
    )
    mode: Mode | None = Field(
        default=None, description="Whether it would then decide, only inform, or only simulate."
    )
    scope: Items[Text] = Field(default=(), description="What it would then be about.")


class Layer(Model):
    """One level of a contract."""

    id: LayerId = Field(description="What follows the slash in contract/id.")
    name: Text = Field(description="Name of the layer, as people say it.")
    status: Literal["active", "dormant"] = Field(
        description="A dormant layer is defined and forbidden to act."
    )
    purpose: Text = Field(description="What the layer is for, in a sentence or two.")
    scope: Items[Text] = Field(default=(), description="What the layer is about, point by point.")
    horizon: Items[Horizon] = Field(default=(), description="Spans of time in which it works.")
    trigger: TriggerRule | None = Field(
        default=None,
        description="What may start documents of the layer; none: nothing starts them. Left out, "
        "an active layer says nothing about it.",
    )
    mode: Mode | None = Field(
        default=None,
        description="Whether it decides, only informs, or only simulates and suggests. Left out, "
        "an active layer says nothing about it.",
    )
    admits: Admits = Field(default=Admits(), description="Kinds and paths that belong here.")
    refuses: Items[Refusal] = Field(
        default=(), description="What does not belong here, and the layer where it goes."
    )
    prohibits: Items[Name] = Field(
        default=(), description="Words that no document of the layer may act against."
    )
    provides: Items[Provision] = Field(default=(), description="What it gives to its neighbours.")
    receives: Items[Receipt] = Field(default=(), description="What it takes from its neighbours.")
    principles: Items[Principle] = Field(
        default=(), description="Statements that the layer keeps to, with their policies."
    )
    documentation: Items[Annotated[Glob, Governs()]] = Field(
        default=(), description="Files that must exist and change together with the layer."
    )
    objectives: Items[Objective] = Field(default=(), description="Figures that it aims at.")
    owners: Items[Annotated[AddressText, Reference("Role"), Plays(Role.OWNER)]] = Field(
        default=(), description="Roles that answer for the layer; never of a dormant one."
    )
    when_active: WhenActive | None = Field(
        default=None, description="What would bind a dormant layer, were it activated."
    )


class LayerContractSpec(Model):
    """The ordered layers of one contract, the lowest first or as its authors count them."""

    purpose: Text = Field(description="What the contract is about.")
    layers: Items[Layer] = Field(min_length=1, description="The layers, in the contract's order.")
    principles: Items[Principle] = Field(
        default=(), description="Statements that every layer keeps to, with their policies."
    )
    objectives: Items[Objective] = Field(
        default=(), description="Figures that the whole of the layers aims at."
    )
    documentation: Items[Annotated[Glob, Governs()]] = Field(
        default=(), description="Files that must exist and change together with the contract."
    )

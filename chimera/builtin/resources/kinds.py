"""The kinds ResourcePool and ResourceClaim: what there is, and who may ask how much of it.

Owns the shape of the documents. Refuses to judge whether claims and pools fit together: that is
`checking`'s.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from chimera.builtin.resources.quantities import Capacity, Quantity, ResourceName
from chimera.kinds import (
    AddressText,
    Duration,
    Field,
    Items,
    Model,
    Name,
    Reference,
)
from chimera.runtime.system import Strategy

Requests = Annotated[dict[ResourceName, Quantity], Field(min_length=1)]
Utilisation = Annotated[float, Field(gt=0, le=100, strict=False)]
Cost = Annotated[float, Field(ge=0, le=1e9, strict=False, allow_inf_nan=False)]


class PooledSpec(Model):
    """One resource of a pool."""

    capacity: Capacity = Field(
        description="How much there is: cores (2, 500m), bytes (4Gi), GPUs or tokens; auto is what "
        "this process's cgroup and its devices allow."
    )
    cost: Cost = Field(
        default=0.0,
        description="Price of one core, GiB, GPU or token for an hour, in a unit of your own.",
    )
    maximum_utilisation: Utilisation | None = Field(
        default=None,
        description="Share of the capacity that is promised at most, instead of the pool's.",
    )


class ResourcePoolSpec(Model):
    """Resources that claims are served from."""

    where: Literal["here", "elsewhere"] = Field(
        default="here",
        description="Whether they are this machine's, which can be measured, or another's.",
    )
    resources: Annotated[dict[ResourceName, PooledSpec], Field(min_length=1)] = Field(
        examples=[{"cpu": {"capacity": "auto"}, "memory": {"capacity": "auto"}}],
        description="What the pool holds: cpu, memory, gpu, and tokens by their names.",
    )
    maximum_utilisation: Utilisation = Field(
        default=1.0,
        description="Share of each capacity that is promised at most: 0.8 leaves a fifth free, "
        "1.5 promises half as much again as there is.",
    )
    preemption: Literal["never", "newest", "largest"] = Field(
        default="never",
        description="Which leases of lower priority are taken back for a claim that does not fit: "
        "none, or those of the lowest priority, among them the newest or the largest first.",
    )
    speed: Annotated[float, Field(gt=0, le=1e6, strict=False)] = Field(
        default=1.0,
        description="How fast its machines are beside other pools', for the strategy performance.",
    )


class ClaimantSpec(Model):
    """For whom a claim is; whoever is named in one way or another."""

    workflows: Items[Annotated[AddressText, Reference("Workflow")]] = Field(
        default=(), description="Workflows whose runs may use the claim."
    )
    modules: Items[Name] = Field(
        default=(), description="Modules that may use it, by the type they register, such as plan."
    )
    labels: dict[str, str] = Field(
        default_factory=dict,
        description="Labels: workflows that carry all of them may use the claim.",
    )


class ResourceClaimSpec(Model):
    """How much of which resources somebody asks for, and on what terms."""

    claimant: ClaimantSpec = Field(
        default=ClaimantSpec(), alias="for", description="For whom it is; anybody if left out."
    )
    requests: Requests = Field(
        examples=[{"cpu": 1, "memory": "1Gi"}],
        description="How much a lease of it holds at most, by name of the resource.",
    )
    minimum: dict[ResourceName, Quantity] = Field(
        default_factory=dict,
        description="With how much of a resource a lease can do; with all of it if left out.",
    )
    count: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=1, description="How many leases of it are held at a time; each stands in one pool."
    )
    pools: Items[Annotated[AddressText, Reference("ResourcePool")]] = Field(
        default=(), description="Pools that may serve it; any if left out."
    )
    priority: Annotated[int, Field(ge=-1000, le=1000)] = Field(
        default=0,
        description="Who comes first where there is not enough: the higher one does, and of "
        "equals who asked first; what is free is kept for them while they ask again.",
    )
    weight: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1, description="Size of its share beside others', for the strategy fair."
    )
    strategy: Strategy | None = Field(
        default=None,
        description="How it is served beside others: in equal shares (fair), by priority, or from "
        "the fastest pool (performance); the orchestrator's if left out.",
    )
    lease: Duration = Field(
        default=timedelta(hours=1),
        description="How long a lease stands without being renewed; it ends with its run, too.",
    )

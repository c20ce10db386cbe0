"""What the operations `resources.*` take and give."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from chimera.builtin.resources.kinds import Requests
from chimera.builtin.resources.quantities import Quantity, ResourceName
from chimera.kinds import Duration, Field, Items, Model, Name, Text
from chimera.runtime.system import Strategy

Shown = dict[str, str]


class AllocateInputs(Model):
    """Which claims are to be served, or what is asked for without one."""

    claims: Items[Name] = Field(
        default=(), description="Names of applied ResourceClaims, served together."
    )
    requests: dict[ResourceName, Quantity] = Field(
        default_factory=dict, description="How much is asked for, where no claim says it."
    )
    minimum: dict[ResourceName, Quantity] = Field(
        default_factory=dict, description="With how much of it one can do; with all if left out."
    )
    pools: Items[Name] = Field(default=(), description="Pools that may serve the requests.")
    priority: Annotated[int, Field(ge=-1000, le=1000)] = Field(
        default=0, description="Priority of the requests."
    )
    lease: Duration = Field(
        default=timedelta(hours=1), description="How long the requests are held without renewal."
    )
    strategy: Strategy | None = Field(
        default=None, description="fair, priority or performance, instead of what claims say."
    )
    module: Name | None = Field(
        default=None, description="Module that asks, for claims that are for modules."
    )
    partial: bool = Field(
        default=False, description="Whether some claims may be served where not all can be."
    )


class LeaseOutput(Model):
    """One lease."""

    id: str = Field(description="Id, to renew or release it by.")
    claim: str = Field(description="The claim that it serves.")
    pool: str = Field(description="The pool that it stands in.")
    amounts: Shown = Field(description="What it holds, by resource.")
    gpus: Items[int] = Field(default=(), description="Indices of the GPUs that are its own.")
    environment: dict[str, str] = Field(
        default_factory=dict, description="Variables that keep a program to those GPUs."
    )
    until: str = Field(description="Until when it stands unless it is renewed.")
    cost: float = Field(description="What an hour of it costs.")


class Refusal(Model):
    """A claim that could not be served."""

    claim: str = Field(description="The claim.")
    reason: str = Field(description="What was lacking.")


class AllocateOutputs(Model):
    """What was granted."""

    lease: LeaseOutput | None = Field(description="The first lease, which is the only one mostly.")
    leases: Items[LeaseOutput] = Field(description="All of them, in order of their claims.")
    refused: Items[Refusal] = Field(default=(), description="Claims that were not served.")
    preempted: Items[str] = Field(default=(), description="Leases that were taken back for them.")


class ReleaseInputs(Model):
    """Which leases are given back."""

    leases: Annotated[Items[Text], Field(min_length=1)] = Field(description="Ids of the leases.")


class ReleaseOutputs(Model):
    """What came of it."""

    released: Items[str] = Field(description="Leases that were live until now.")
    ended: dict[str, str] = Field(
        default_factory=dict, description="Leases that had ended before, with how."
    )


class RenewInputs(Model):
    """Which lease goes on."""

    lease: Text = Field(description="Id of the lease.")
    for_: Duration = Field(
        default=timedelta(hours=1), alias="for", description="How long it stands from now on."
    )


class RenewOutputs(Model):
    """The lease, renewed."""

    lease: LeaseOutput = Field(description="The lease as it now stands.")


class UsageInputs(Model):
    """Which pools are looked at."""

    pools: Items[Name] = Field(default=(), description="Names of pools; all if left out.")


class PoolUsage(Model):
    """How one pool stands."""

    capacity: Shown = Field(description="What may be promised, by resource.")
    used: Shown = Field(description="What leases hold.")
    free: Shown = Field(description="What is left.")
    utilisation: dict[str, float] = Field(description="Share that is held, from 0 to 1.")
    absent: dict[str, str] = Field(
        default_factory=dict, description="Why there is less than the document says."
    )
    cost: float = Field(description="What an hour of all leases costs.")


class OfferedPool(Model):
    """A pool as the optimum is computed of."""

    capacity: dict[ResourceName, Quantity] = Field(description="How much it can serve.")
    cost: dict[ResourceName, Annotated[float, Field(ge=0, strict=False, allow_inf_nan=False)]] = (
        Field(default_factory=dict, description="Price of a core, GiB, GPU or token for an hour.")
    )


class WantedClaim(Model):
    """A claim as the optimum is computed of."""

    requests: Requests = Field(description="What each of its leases holds.")
    count: Annotated[int, Field(ge=1, le=10_000)] = Field(default=1, description="How many.")
    pools: Items[Name] = Field(default=(), description="Pools that may serve it; any if left out.")


class Problem(Model):
    """Claims that are to be served, and the pools that can."""

    pools: dict[Name, OfferedPool] = Field(description="Pools by name.")
    claims: dict[Name, WantedClaim] = Field(description="Claims by name.")


class Waiting(Model):
    """Somebody who asks again for what could not be had."""

    run: str = Field(description="The run.")
    claims: Items[str] = Field(description="What it waits for.")
    priority: int = Field(description="Its priority; the lowest of its claims'.")
    since: str = Field(description="When it asked first.")


class UsageOutputs(Model):
    """How the pools stand, and who holds what of them."""

    pools: dict[str, PoolUsage] = Field(description="Pools by name.")
    leases: Items[LeaseOutput] = Field(description="Live leases, in order of their claims.")
    waiting: Items[Waiting] = Field(
        default=(), description="Who waits for a lease, in the order in which they come."
    )
    problem: Problem = Field(
        description="All applied pools and claims, as resources.optimize takes them."
    )


class OptimizeInputs(Problem):
    """Claims, pools, and how long an answer may take."""

    node_limit: Annotated[int, Field(ge=1, le=10_000_000)] = Field(
        default=100_000, description="How much is searched at most: the same on every machine."
    )
    time_limit: Duration = Field(
        default=timedelta(seconds=30), description="How long is searched at most."
    )


class Placement(Model):
    """How many leases of a claim stand in a pool."""

    claim: str = Field(description="The claim.")
    pool: str = Field(description="The pool.")
    count: int = Field(description="How many of its leases stand there.")
    cost: float = Field(description="What they cost for an hour.")


class Shortage(Model):
    """A resource of which the conflicting claims ask more than they can be given."""

    resource: str = Field(description="The resource.")
    asked: str = Field(description="How much the claims ask for, together.")
    there: str = Field(description="How much there is in the pools that they allow.")


class OptimizeOutputs(Model):
    """The cheapest way to serve every claim, or why there is none."""

    status: Literal["optimal", "feasible", "infeasible", "unknown"] = Field(
        description="optimal: nothing is cheaper; feasible: found within the limits, and may not "
        "be the cheapest; infeasible: not all claims can be served; unknown: the limits came first."
    )
    cost: float | None = Field(description="What an hour of it costs.")
    gap: float | None = Field(
        description="By which share of the cost something could be cheaper at most; 0 if optimal."
    )
    placements: Items[Placement] = Field(description="Where the leases stand, by claim and pool.")
    conflict: Items[str] = Field(
        default=(), description="Claims that cannot be served together, where it is infeasible."
    )
    irreducible: bool | None = Field(
        default=None, description="Whether without any one of those the others can be."
    )
    shortages: Items[Shortage] = Field(
        default=(), description="Resources of which the conflicting claims ask too much."
    )

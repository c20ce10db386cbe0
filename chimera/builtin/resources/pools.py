"""Pools and claims as values that can be computed with, made of what was applied.

Refuses a promise that the machine cannot keep: what a pool that is here says it holds is bounded
by what is measured here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from chimera.builtin.resources.quantities import (
    AUTO,
    Amounts,
    all_units,
    priced_units,
    shown,
    units,
)
from chimera.context.machine import Machine

if TYPE_CHECKING:
    from chimera.builtin.resources.kinds import ResourceClaimSpec, ResourcePoolSpec
    from chimera.runtime.system import Strategy


@dataclass(frozen=True, slots=True)
class Pool:
    """How much may be promised of each resource, at what price, and on what terms.

    `prices` are for one smallest unit and an hour. `absent` says why of some resource there is
    less than the pool's document says.
    """

    name: str
    capacity: Amounts
    prices: Mapping[str, Fraction] = field(default_factory=dict)
    speed: float = 1.0
    preemption: str = "never"
    gpus: tuple[int, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)

    def price(self, amounts: Amounts) -> Fraction:
        """Return what these amounts cost for an hour."""
        return sum((self.prices.get(r, Fraction(0)) * n for r, n in amounts.items()), Fraction(0))


@dataclass(frozen=True, slots=True)
class Claim:
    """What is asked for: each of `count` leases holds `requests`, or down to `minimum` of them."""

    name: str
    requests: Amounts
    minimum: Amounts = field(default_factory=dict)
    count: int = 1
    pools: tuple[str, ...] = ()
    priority: int = 0
    weight: int = 1
    strategy: Strategy | None = None
    lease: timedelta = timedelta(hours=1)

    @property
    def least(self) -> Fraction:
        """The share of the requests with which the claim can do."""
        shares = [Fraction(1)]
        if self.minimum:
            shares = [
                Fraction(self.minimum.get(name, amount), amount)
                for name, amount in self.requests.items()
                if amount
            ]
        return max(shares, default=Fraction(1))

    def scaled(self, share: Fraction) -> dict[str, int]:
        """Return that share of the requests, in whole units."""
        return {name: int(amount * share) for name, amount in self.requests.items()}

    def may_use(self, pool: str) -> bool:
        """Tell whether the claim allows the pool."""
        return not self.pools or pool in self.pools


def pool_of(name: str, spec: ResourcePoolSpec, machine: Machine, utilisation: float = 1.0) -> Pool:
    """Make a pool of its spec, bounded by the machine where it is here.

    Of all that it would promise, the share `utilisation` is.
    """
    capacity: dict[str, int] = {}
    absent: dict[str, str] = {}
    prices: dict[str, Fraction] = {}
    for resource, pooled in sorted(spec.resources.items()):
        there = machine.amount(resource) if spec.where == "here" else None
        wanted = None if pooled.capacity == AUTO else units(resource, pooled.capacity)
        amount = there if wanted is None else wanted
        if not amount or there == 0:
            absent[resource] = _why_absent(resource, spec.where, wanted)
        elif there is not None and amount > there:
            says, is_so = shown(resource, amount), shown(resource, there)
            absent[resource] = f"it says {says} of {resource}, and here there is {is_so}"
        amount = amount if amount is None or there is None else min(amount, there)
        share = pooled.maximum_utilisation or spec.maximum_utilisation
        capacity[resource] = int((amount or 0) * Fraction(str(share)) * Fraction(str(utilisation)))
        prices[resource] = Fraction(str(pooled.cost)) / priced_units(resource)
    return Pool(
        name,
        capacity,
        prices,
        spec.speed,
        spec.preemption,
        machine.gpus if spec.where == "here" else (),
        absent,
    )


def _why_absent(resource: str, where: str, wanted: int | None) -> str:
    if resource == "gpu" and where == "here":
        return "there is no GPU here: no /dev/nvidia* that this process may open"
    if wanted is None:
        return f"the capacity of {resource} is auto, which nothing here can measure"
    return f"its capacity of {resource} is 0"


def claim_of(name: str, spec: ResourceClaimSpec) -> Claim:
    """Make a claim of its spec; raises `ValueError` for amounts that cannot be counted."""
    return Claim(
        name,
        all_units(spec.requests),
        all_units(spec.minimum),
        spec.count,
        tuple(address.partition("/")[2] for address in spec.pools),
        spec.priority,
        spec.weight,
        spec.strategy,
        spec.lease,
    )

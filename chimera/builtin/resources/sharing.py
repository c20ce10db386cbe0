"""Which claim is served from which pool, and with how much: fair, priority and performance.

*Fair* is weighted dominant resource fairness by progressive filling (A. Ghodsi et al., "Dominant
Resource Fairness: Fair Allocation of Multiple Resource Types", NSDI 2011, algorithm 1), computed
exactly and with what claimants hold already counted; with one resource it is max-min fairness.
Refuses to promise more than is free, and to depend on the order in which claims are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from chimera.builtin.resources.pools import Claim, Pool
from chimera.builtin.resources.quantities import Amounts, fits, less

if TYPE_CHECKING:
    from chimera.runtime.system import Strategy

_ONE, _NONE = Fraction(1), Fraction(0)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one claim gets, and from which pool."""

    claim: str
    pool: str
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class Standing:
    """A pool with what is free in it, and the dominant share that each claimant holds of it."""

    pool: Pool
    free: Amounts
    held: Mapping[str, Fraction]


def divide(
    strategy: Strategy, standings: Sequence[Standing], claims: Iterable[Claim]
) -> tuple[Grant, ...]:
    """Return what each claim gets, in order of names; those that get nothing are left out.

    Each claim gets at least its minimum, and all of it from one pool. In what order they are
    served is the strategy's: fair, the smallest dominant share first; priority, the highest first;
    performance, so that many are served. Ties are broken by name.
    """
    by_name = sorted(standings, key=lambda s: s.pool.name)
    free = {s.pool.name: dict(s.free) for s in by_name}
    placed: dict[str, list[Claim]] = {}
    shares: dict[str, Fraction] = {}
    for claim in _in_order(strategy, by_name, claims):
        found = _choose(strategy, by_name, free, claim)
        if found is not None:
            pool = found.pool.name
            share = claim.least if strategy == "fair" else _largest_share(claim, free[pool])
            shares[claim.name] = share
            free[pool] = less(free[pool], claim.scaled(share))
            placed.setdefault(pool, []).append(claim)
    grants: list[Grant] = []
    for standing in by_name:
        there = placed.get(standing.pool.name, [])
        if strategy == "fair":
            shares |= fair_shares(standing, there)
        grants += (Grant(c.name, standing.pool.name, c.scaled(shares[c.name])) for c in there)
    return tuple(sorted(grants, key=lambda grant: grant.claim))


def dominant_share(amounts: Amounts, capacity: Amounts) -> Fraction:
    """Return the largest share that the amounts are of what a pool holds."""
    shares = (Fraction(n, capacity[r]) for r, n in amounts.items() if n and capacity.get(r))
    return max(shares, default=_NONE)


def fair_shares(standing: Standing, claims: Sequence[Claim]) -> dict[str, Fraction]:
    """Return the share of its requests that each claim gets; all minimums together must fit.

    The claim whose dominant share over its weight is the smallest is served first, all such claims
    at one pace; one stops when it has all that it asks, or when something it needs is used up.
    """
    lines = {claim.name: _Line.of(claim, standing) for claim in claims}
    shares = {claim.name: claim.least for claim in claims}
    rising = [claim for claim in claims if claim.least < 1]
    level = _NONE
    while rising:
        used = _total(claims, shares)
        pace = _total(rising, {c.name: lines[c.name].pace(level) for c in rising})
        top = min(bend for c in rising for bend in lines[c.name].bends() if bend > level)
        for name, speed in pace.items():
            if speed:
                top = min(top, level + (standing.free.get(name, 0) - used[name]) / speed)
        spent = {
            name
            for name, speed in pace.items()
            if speed and used[name] + (top - level) * speed >= standing.free.get(name, 0)
        }
        level = top
        for claim in rising:
            shares[claim.name] = lines[claim.name].at(level)
        rising = [
            c
            for c in rising
            if shares[c.name] < 1 and not any(n for r, n in c.requests.items() if r in spent)
        ]
    return shares


@dataclass(frozen=True, slots=True)
class _Line:
    """The share that a claim gets, by the dominant share over weight that all have come to."""

    least: Fraction
    slope: Fraction
    offset: Fraction

    @staticmethod
    def of(claim: Claim, standing: Standing) -> _Line:
        dominant = dominant_share(claim.requests, standing.pool.capacity) or _ONE
        held = standing.held.get(claim.name, _NONE)
        return _Line(claim.least, Fraction(claim.weight) / dominant, -held / dominant)

    def at(self, level: Fraction) -> Fraction:
        return min(_ONE, max(self.least, level * self.slope + self.offset))

    def pace(self, level: Fraction) -> Fraction:
        """Return how fast the share rises from a level on."""
        begins, ends = self.bends()
        return self.slope if begins <= level < ends else _NONE

    def bends(self) -> tuple[Fraction, Fraction]:
        """Return the levels at which the claim begins to get more, and has it all."""
        return (self.least - self.offset) / self.slope, (_ONE - self.offset) / self.slope


def _total(claims: Iterable[Claim], shares: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Return the sums of what shares of claims' requests are, by resource."""
    sums: dict[str, Fraction] = {}
    for claim in claims:
        for name, amount in claim.requests.items():
            sums[name] = sums.get(name, _NONE) + amount * shares[claim.name]
    return sums


def _in_order(
    strategy: Strategy, standings: Sequence[Standing], claims: Iterable[Claim]
) -> list[Claim]:
    """Return the claims in the order in which the strategy serves them."""
    by_name = sorted(claims, key=lambda claim: claim.name)
    if strategy == "priority":
        return sorted(by_name, key=lambda claim: -claim.priority)

    def size(claim: Claim) -> Fraction:
        least = claim.scaled(claim.least)
        sizes = [
            dominant_share(least, s.pool.capacity)
            + (s.held.get(claim.name, _NONE) if strategy == "fair" else _NONE)
            for s in standings
            if claim.may_use(s.pool.name)
        ]
        return min(sizes, default=_NONE) / (claim.weight if strategy == "fair" else 1)

    return sorted(by_name, key=size)


def _choose(
    strategy: Strategy,
    standings: Sequence[Standing],
    free: Mapping[str, Amounts],
    claim: Claim,
) -> Standing | None:
    """Return the pool that serves a claim: one with room for all of it before one for the least."""
    least = claim.scaled(claim.least)
    able = [s for s in standings if claim.may_use(s.pool.name) and fits(least, free[s.pool.name])]

    def worth(standing: Standing) -> tuple[object, ...]:
        pool = standing.pool
        whole = fits(claim.requests, free[pool.name])
        price = pool.price(claim.requests)
        return (not whole, -pool.speed if strategy == "performance" else price, pool.name)

    return min(able, key=worth, default=None)


def _largest_share(claim: Claim, free: Amounts) -> Fraction:
    """Return the largest share of the requests that fits, from the minimum up."""
    shares = (Fraction(free.get(r, 0), n) for r, n in claim.requests.items() if n)
    return max(claim.least, min(_ONE, *shares))

"""Why claims cannot be served together: an irreducible set of them, and what they ask too much of.

The set is found by the deletion filter (J. Chinneck and E. Dravnieks, "Locating Minimal Infeasible
Constraint Sets in Linear Programs", ORSA Journal on Computing 3(2), 1991) over claims: each in
turn, in order of name, is left out for good if the others still conflict. Refuses to call a set
irreducible that it had no time to reduce.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from chimera.builtin.resources.optimizing import DEFAULT_LIMITS, Limits, is_feasible
from chimera.builtin.resources.pools import Claim, Pool
from chimera.builtin.resources.quantities import fits, total


@dataclass(frozen=True, slots=True)
class TooLittle:
    """A resource of which claims ask more than there is in the pools that they allow."""

    resource: str
    asked: int
    there: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """Claims that cannot be served together; `irreducible` if any but one of them can."""

    claims: tuple[str, ...]
    irreducible: bool
    shortages: tuple[TooLittle, ...]


def conflict(
    claims: Sequence[Claim], pools: Sequence[Pool], limits: Limits = DEFAULT_LIMITS
) -> Conflict:
    """Return why claims that cannot be served cannot be."""
    ordered = sorted(claims, key=lambda claim: claim.name)
    for claim in ordered:
        if not any(claim.may_use(p.name) and fits(claim.requests, p.capacity) for p in pools):
            return Conflict((claim.name,), True, shortages([claim], pools))
    deadline = monotonic() + limits.seconds
    core, is_whole = _too_much(ordered, pools), True
    for claim in list(core):
        left = deadline - monotonic()
        if left <= 0:
            is_whole = False
            break
        without = [one for one in core if one is not claim]
        answer = is_feasible(without, pools, Limits(limits.nodes, left))
        is_whole = is_whole and answer is not None
        if answer is False:
            core = without
    return Conflict(tuple(claim.name for claim in core), is_whole, shortages(core, pools))


def _too_much(claims: Sequence[Claim], pools: Sequence[Pool]) -> list[Claim]:
    """Return few of the claims that conflict for certain: those that ask most of what lacks most.

    All of them, where of each resource there is enough. It saves the filter most of its work.
    """
    found = list(claims)
    for short in shortages(claims, pools):
        by_size = sorted(
            claims, key=lambda c: (-c.requests.get(short.resource, 0) * c.count, c.name)
        )
        asked, chosen = 0, []
        for claim in by_size:
            if asked > short.there:
                break
            chosen.append(claim)
            asked += claim.requests.get(short.resource, 0) * claim.count
        found = min(found, chosen, key=len)
    return sorted(found, key=lambda claim: claim.name)


def shortages(claims: Sequence[Claim], pools: Sequence[Pool]) -> tuple[TooLittle, ...]:
    """Return the resources of which claims ask more than their pools hold, in order of name.

    For one claim its pools are looked at one by one: it stands in one of them. Several may conflict
    without any: each resource suffices, and no way of placing them does.
    """
    allowed = [pool for pool in pools if any(claim.may_use(pool.name) for claim in claims)]
    if len(claims) == 1 and claims[0].count == 1:
        asked = dict(claims[0].requests)
        there = {r: max((p.capacity.get(r, 0) for p in allowed), default=0) for r in asked}
    else:
        asked = total({r: n * c.count for r, n in c.requests.items()} for c in claims)
        there = total(pool.capacity for pool in allowed)
    return tuple(
        TooLittle(resource, amount, there.get(resource, 0))
        for resource, amount in sorted(asked.items())
        if amount > there.get(resource, 0)
    )

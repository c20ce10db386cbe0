"""The cheapest way to serve all claims, as a mixed-integer programme that HiGHS solves.

With n[c, p] leases of claim c in pool p: minimise the sum of cost[c, p] n[c, p], where each claim
has all its leases, sum over p of n[c, p] = count[c]; no pool promises more than it has, sum over c
of request[c, r] n[c, p] <= capacity[p, r]; and n[c, p] is a whole number, 0 in a pool that c does
not allow. Among equally cheap ways the one that uses the pools earlier in order of name is taken.
Claims and pools are put in order of their names first, so that nothing depends on how they came.
Refuses an answer that exact arithmetic does not confirm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from time import monotonic
from typing import Any, Literal

from chimera.builtin.resources.pools import Claim, Pool
from chimera.builtin.resources.quantities import fits, total

Counts = Mapping[tuple[str, str], int]
"""How many leases of a claim stand in a pool, by the names of both; what is left out is none."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is searched at most: nodes, the same everywhere, and seconds."""

    nodes: int = 100_000
    seconds: float = 30.0


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Optimum:
    """What was found; `gap` is the share by which something could be cheaper at most."""

    status: Literal["optimal", "feasible", "infeasible", "unknown"]
    counts: Counts
    cost: Fraction | None = None
    gap: float | None = None


def optimize(
    claims: Iterable[Claim], pools: Iterable[Pool], limits: Limits = DEFAULT_LIMITS
) -> Optimum:
    """Return the cheapest way to serve all claims, or that there is none."""
    programme = _Programme.of(claims, pools)
    if programme is None:
        return Optimum("infeasible", {})
    deadline = monotonic() + limits.seconds
    cheapest = programme.solve(programme.costs, limits)
    if cheapest.counts is None or cheapest.status != "optimal":
        return _optimum(programme, cheapest)
    # A second solution of the same cost; where there is no time for it, the first one stands.
    left = Limits(limits.nodes, max(0.0, deadline - monotonic()))
    ordered = programme.solve(programme.ranks, left, at_most=programme.worth(cheapest.counts))
    best = cheapest if ordered.counts is None else ordered
    return _optimum(programme, _Solution("optimal", best.counts, 0.0))


def is_feasible(claims: Iterable[Claim], pools: Iterable[Pool], limits: Limits) -> bool | None:
    """Tell whether all claims can be served; `None` where the limits came first."""
    programme = _Programme.of(claims, pools)
    if programme is None:
        return False
    found = programme.solve([0] * len(programme.pairs), limits)
    if found.counts is not None:
        return True
    return False if found.status == "infeasible" else None


@dataclass(frozen=True, slots=True)
class _Solution:
    status: Literal["optimal", "feasible", "infeasible", "unknown"]
    counts: list[int] | None
    gap: float | None = None


@dataclass(frozen=True, slots=True)
class _Programme:
    """The programme in whole numbers: a variable for each pair of a claim and a pool it allows."""

    claims: Sequence[Claim]
    pools: Sequence[Pool]
    pairs: Sequence[tuple[int, int]]
    costs: Sequence[int]
    ranks: Sequence[int]

    @staticmethod
    def of(claims: Iterable[Claim], pools: Iterable[Pool]) -> _Programme | None:
        """Write the programme; `None` where a claim fits into none of its pools by itself."""
        rows = sorted(claims, key=lambda claim: claim.name)
        columns = sorted(pools, key=lambda pool: pool.name)
        pairs = [
            (c, p)
            for c, claim in enumerate(rows)
            for p, pool in enumerate(columns)
            if claim.may_use(pool.name) and fits(claim.requests, pool.capacity)
        ]
        if len({c for c, _ in pairs}) < len(rows):
            return None
        prices = [columns[p].price(rows[c].requests) for c, p in pairs]
        return _Programme(rows, columns, pairs, _whole(prices), [p for _, p in pairs])

    def worth(self, counts: Sequence[int]) -> int:
        """Return the cost of a solution in the unit of `costs`."""
        return sum(cost * count for cost, count in zip(self.costs, counts, strict=True))

    def named(self, counts: Sequence[int]) -> dict[tuple[str, str], int]:
        """Return a solution by names."""
        return {
            (self.claims[c].name, self.pools[p].name): count
            for (c, p), count in zip(self.pairs, counts, strict=True)
            if count
        }

    def solve(
        self, objective: Sequence[int], limits: Limits, *, at_most: int | None = None
    ) -> _Solution:
        """Minimise the objective; with `at_most`, among what costs no more than that."""
        if not self.pairs:
            return _Solution("optimal", [], 0.0)
        from scipy.optimize import Bounds, LinearConstraint, milp

        matrix, lower, upper = self._constraints(at_most)
        scale = max(1.0, max(objective) / 1e9)  # whole numbers differ by more than the tolerances
        answer = milp(
            [value / scale for value in objective],
            integrality=1,
            bounds=Bounds(0, [self.claims[c].count for c, _ in self.pairs]),
            constraints=LinearConstraint(matrix, lower, upper),
            options={
                "node_limit": limits.nodes,
                "time_limit": limits.seconds,
                "mip_rel_gap": 0.0,
            },
        )
        return self._solution(answer, objective, at_most)

    def _solution(self, answer: Any, objective: Sequence[int], at_most: int | None) -> _Solution:
        if answer.x is None:
            return _Solution("infeasible" if answer.status == 2 else "unknown", None)
        counts = [round(float(value)) for value in answer.x]
        is_true = self._holds(counts) and (at_most is None or self.worth(counts) <= at_most)
        if not is_true:
            return _Solution("unknown", None)
        found = sum(value * count for value, count in zip(objective, counts, strict=True))
        if answer.status == 0 or not found:
            return _Solution("optimal", counts, 0.0)
        gap = answer.mip_gap
        return _Solution("feasible", counts, None if gap is None else min(1.0, float(gap)))

    def _holds(self, counts: Sequence[int]) -> bool:
        """Check a solution with whole numbers: the solver's are within a tolerance."""
        served = [0] * len(self.claims)
        held: list[list[dict[str, int]]] = [[] for _ in self.pools]
        for (c, p), count in zip(self.pairs, counts, strict=True):
            served[c] += count
            requests = self.claims[c].requests
            held[p].append({name: amount * count for name, amount in requests.items()})
        return (
            min(counts, default=0) >= 0
            and all(n == claim.count for n, claim in zip(served, self.claims, strict=True))
            and all(
                fits(total(one), pool.capacity) for one, pool in zip(held, self.pools, strict=True)
            )
        )

    def _constraints(self, at_most: int | None) -> tuple[Any, list[int], list[float]]:
        """Return matrix and bounds: a row for each claim, then for each resource of each pool."""
        rows: list[_Row] = []
        for c, claim in enumerate(self.claims):
            leases = {i: 1 for i, pair in enumerate(self.pairs) if pair[0] == c}
            rows.append(_Row(leases, claim.count, claim.count))
        for p, pool in enumerate(self.pools):
            for resource, capacity in sorted(pool.capacity.items()):
                asked = {
                    i: amount
                    for i, pair in enumerate(self.pairs)
                    if pair[1] == p and (amount := self.claims[pair[0]].requests.get(resource))
                }
                rows.append(_Row(asked, 0, capacity))
        if at_most is not None:
            rows.append(_Row({i: cost for i, cost in enumerate(self.costs) if cost}, 0, at_most))
        return _sparse([row.reduced() for row in rows if row.factors], len(self.pairs))


@dataclass(frozen=True, slots=True)
class _Row:
    """One constraint: the sum of factors times variables lies between two bounds."""

    factors: Mapping[int, int]
    lower: int
    upper: int

    def reduced(self) -> _Row:
        """Return the same constraint in the smallest whole numbers: bytes become GiB."""
        if self.lower == self.upper:
            return self
        common = math.gcd(*self.factors.values())
        factors = {i: factor // common for i, factor in self.factors.items()}
        return _Row(factors, self.lower, self.upper // common)


def _sparse(rows: Sequence[_Row], width: int) -> tuple[Any, list[int], list[float]]:
    from scipy.sparse import csr_array

    entries = [(r, i, factor) for r, row in enumerate(rows) for i, factor in row.factors.items()]
    where = ([r for r, _, _ in entries], [i for _, i, _ in entries])
    matrix = csr_array(([float(f) for _, _, f in entries], where), shape=(len(rows), width))
    return matrix, [row.lower for row in rows], [float(row.upper) for row in rows]


def _whole(prices: Sequence[Fraction]) -> list[int]:
    """Return prices in the largest unit of which all of them are whole multiples."""
    scale = math.lcm(*(price.denominator for price in prices))
    whole = [int(price * scale) for price in prices]
    common = math.gcd(*whole) or 1
    return [price // common for price in whole]


def _optimum(programme: _Programme, found: _Solution) -> Optimum:
    if found.counts is None:
        return Optimum("infeasible" if found.status == "infeasible" else "unknown", {})
    prices = {pool.name: pool for pool in programme.pools}
    requests = {claim.name: claim.requests for claim in programme.claims}
    counts = programme.named(found.counts)
    cost = sum((prices[p].price(requests[c]) * n for (c, p), n in counts.items()), Fraction(0))
    return Optimum(found.status, counts, cost, found.gap)

"""The optimum against brute force, its determinism, and what it says where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.builtin.resources.conflicts import conflict
from chimera.builtin.resources.optimizing import Limits, is_feasible, optimize
from chimera.builtin.resources.pools import Claim, Pool
from chimera.builtin.resources.quantities import fits, total

GIB = 2**30
Counts = dict[tuple[str, str], int]


@st.composite
def instances(draw: st.DrawFn) -> tuple[list[Claim], list[Pool]]:
    """A few claims and pools, often tight, with ties among costs."""
    pools = [
        Pool(
            name,
            {"cpu": draw(st.integers(0, 6)) * 500, "memory": draw(st.integers(0, 4)) * GIB},
            {"cpu": Fraction(draw(st.integers(0, 3)), 1000), "memory": Fraction(1, 3 * GIB)},
        )
        for name in draw(st.sampled_from([("p",), ("p", "q"), ("p", "q", "r")]))
    ]
    claims = [
        Claim(
            name,
            draw(
                st.dictionaries(
                    st.just("cpu"), st.integers(1, 4).map(lambda n: n * 500), min_size=1
                )
            )
            | draw(st.dictionaries(st.just("memory"), st.integers(1, 2).map(lambda n: n * GIB))),
            count=draw(st.integers(1, 2)),
            pools=draw(st.sampled_from([(), ("p",), ("p", "q")])),
        )
        for name in ("a", "b", "c")[: draw(st.integers(0, 3))]
    ]
    return claims, pools


def every_way(claims: list[Claim], pools: list[Pool]) -> Iterator[tuple[Fraction, int, Counts]]:
    """Yield cost, sum of ranks and counts of every way to serve all claims: the oracle."""
    leases = [claim for claim in claims for _ in range(claim.count)]
    for chosen in product(range(len(pools)), repeat=len(leases)):
        if not all(c.may_use(pools[p].name) for c, p in zip(leases, chosen, strict=True)):
            continue
        held = [
            total(c.requests for c, at in zip(leases, chosen, strict=True) if at == p)
            for p in range(len(pools))
        ]
        if all(fits(one, pool.capacity) for one, pool in zip(held, pools, strict=True)):
            counts: Counts = {}
            for c, p in zip(leases, chosen, strict=True):
                key = (c.name, pools[p].name)
                counts[key] = counts.get(key, 0) + 1
            cost = sum((pool.price(h) for pool, h in zip(pools, held, strict=True)), Fraction(0))
            yield cost, sum(chosen), counts


@settings(deadline=None, max_examples=60)
@given(instances(), st.randoms())
def test_the_optimum_is_what_brute_force_finds_in_whatever_order_things_come(
    instance: tuple[list[Claim], list[Pool]], random: object
) -> None:
    claims, pools = instance
    ways = list(every_way(claims, pools))
    found = optimize(claims, pools)
    if not ways:
        assert found.status == "infeasible"
        return
    cost, ranks, _ = min(ways, key=lambda way: way[:2])
    assert (found.status, found.cost, found.gap) == ("optimal", cost, 0.0)
    order = [pool.name for pool in pools]
    assert sum(order.index(p) * n for (_, p), n in found.counts.items()) == ranks
    assert any(counts == found.counts for _, _, counts in ways)
    shuffled, mixed = list(claims), list(pools)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert optimize(shuffled, mixed) == found


@settings(deadline=None, max_examples=40)
@given(instances())
def test_a_conflict_is_infeasible_and_every_part_of_it_is_not(
    instance: tuple[list[Claim], list[Pool]],
) -> None:
    claims, pools = instance
    if any(True for _ in every_way(claims, pools)):
        assert is_feasible(claims, pools, Limits()) is True
        return
    found = conflict(claims, pools)
    core = [claim for claim in claims if claim.name in found.claims]
    assert found.irreducible
    assert not list(every_way(core, pools))
    for part in combinations(core, len(core) - 1):
        assert any(True for _ in every_way(list(part), pools))
    for short in found.shortages:
        assert short.asked > short.there


def test_a_claim_that_fits_nowhere_conflicts_with_nobody_and_what_it_lacks_is_told() -> None:
    pools = [Pool("p", {"cpu": 2000}), Pool("q", {"cpu": 3000})]
    found = conflict([Claim("a", {"cpu": 1000}), Claim("b", {"cpu": 3500, "gpu": 1})], pools)
    assert found.claims == ("b",)
    assert [(s.resource, s.asked, s.there) for s in found.shortages] == [
        ("cpu", 3500, 3000),
        ("gpu", 1, 0),
    ]


def test_claims_can_conflict_though_of_each_resource_there_is_enough() -> None:
    pools = [Pool("p", {"cpu": 3}), Pool("q", {"cpu": 3})]
    claims = [Claim(name, {"cpu": 2}) for name in ("a", "b", "c")]
    found = conflict(claims, pools)
    assert (found.claims, found.irreducible, found.shortages) == (("a", "b", "c"), True, ())


def test_with_no_time_to_reduce_it_a_conflict_is_not_called_irreducible() -> None:
    pools = [Pool("p", {"cpu": 3}), Pool("q", {"cpu": 3})]
    claims = [Claim(name, {"cpu": 2}) for name in ("a", "b", "c")]
    found = conflict(claims, pools, Limits(seconds=0.0))
    assert (found.claims, found.irreducible) == (("a", "b", "c"), False)
    one = conflict(claims, pools[:1], Limits(seconds=0.0))
    assert (one.claims, one.irreducible) == (("a", "b"), False)  # of cpu they ask too much


def test_prices_that_no_float_holds_and_bytes_are_added_exactly() -> None:
    pools = [Pool("p", {"memory": 2**40 + 1}, {"memory": Fraction(1, 3 * 7 * 11 * GIB)})]
    claims = [Claim("a", {"memory": 2**39 + 1}), Claim("b", {"memory": 2**39})]
    found = optimize(claims, pools)
    assert (found.status, found.cost) == ("optimal", Fraction(2**40 + 1, 3 * 7 * 11 * GIB))
    too_much = [*claims, Claim("c", {"memory": 1})]
    assert optimize(too_much, pools).status == "infeasible"


def test_a_search_that_is_cut_short_says_by_how_much_it_may_be_beaten() -> None:
    sizes = [7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67]
    claims = [Claim(f"c{n}", {"cpu": n}, count=3) for n in sizes]
    pools = [Pool(f"p{k}", {"cpu": 400 + k}, {"cpu": Fraction(k * k + 1)}) for k in range(8)]
    found = optimize(claims, pools, Limits(nodes=1, seconds=20))
    assert found.status in {"optimal", "feasible", "unknown"}
    if found.status == "feasible":
        assert found.gap is not None
        assert 0 < found.gap <= 1
    assert found == optimize(claims, pools, Limits(nodes=1, seconds=20))
    nothing = optimize(claims, pools, Limits(seconds=0.0))
    assert nothing.status in {"unknown", "feasible"}


@pytest.mark.parametrize(("claims", "pools"), [([], []), ([], [Pool("p", {"cpu": 1})])])
def test_nothing_asked_costs_nothing(claims: list[Claim], pools: list[Pool]) -> None:
    found = optimize(claims, pools)
    assert (found.status, found.cost, found.counts) == ("optimal", 0, {})

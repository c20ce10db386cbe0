"""Laws of the three strategies: not more than is free, not below the minimum, each its own."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.resources.pools import Claim, Pool
from chimera.builtin.resources.quantities import fits, total
from chimera.builtin.resources.sharing import Standing, divide, dominant_share, fair_shares

STRATEGIES = st.sampled_from(["fair", "priority", "performance"])
NAMES = ("ada", "bob", "cyd", "dan", "eve")


def pool(name: str = "p", **capacity: int) -> Pool:
    return Pool(name, capacity)


def idle(pool: Pool) -> Standing:
    return Standing(pool, pool.capacity, {})


@st.composite
def claims(draw: st.DrawFn) -> list[Claim]:
    found = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        requests = draw(
            st.dictionaries(st.sampled_from(["cpu", "memory"]), st.integers(1, 30), min_size=1)
        )
        share = draw(st.integers(0, 4))
        minimum = {} if share == 4 else {r: n * share // 4 for r, n in requests.items()}
        pools = draw(st.sampled_from([(), ("p",), ("q",)]))
        priority, weight = draw(st.integers(-3, 3)), draw(st.integers(1, 3))
        found.append(Claim(name, requests, minimum, pools=pools, priority=priority, weight=weight))
    return found


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    found = []
    for name in ("p", "q"):
        capacity = {r: draw(st.integers(1, 40)) for r in ("cpu", "memory")}
        free = {r: draw(st.integers(0, n)) for r, n in capacity.items()}
        held = {
            n: Fraction(draw(st.integers(0, 8)), 8) for n in draw(st.sets(st.sampled_from(NAMES)))
        }
        found.append(Standing(Pool(name, capacity, speed=draw(st.integers(1, 3))), free, held))
    return found


@given(STRATEGIES, standings(), claims())
def test_no_strategy_gives_more_than_is_free_nor_less_than_the_minimum(
    strategy: str, there: list[Standing], asked: list[Claim]
) -> None:
    grants = divide(strategy, there, asked)
    by_name = {claim.name: claim for claim in asked}
    for standing in there:
        here = [grant.amounts for grant in grants if grant.pool == standing.pool.name]
        assert fits(total(here), standing.free)
    for grant in grants:
        claim = by_name[grant.claim]
        assert claim.may_use(grant.pool)
        assert (
            fits(claim.minimum, grant.amounts) if claim.minimum else grant.amounts == claim.requests
        )
        assert fits(grant.amounts, claim.requests)


@given(STRATEGIES, standings(), claims(), st.randoms())
def test_the_order_of_claims_and_pools_changes_nothing(
    strategy: str, there: list[Standing], asked: list[Claim], random: object
) -> None:
    expected = divide(strategy, there, asked)
    random.shuffle(there)  # type: ignore[attr-defined]
    random.shuffle(asked)  # type: ignore[attr-defined]
    assert divide(strategy, there, asked) == expected


@given(st.lists(st.integers(1, 50), min_size=1, max_size=5), st.integers(0, 100))
def test_with_one_resource_fair_is_max_min_fair(asked: list[int], there: int) -> None:
    """By water-filling, the oracle: everybody gets the level, or all that is asked if less."""
    wanted = [Claim(name, {"cpu": n}, {"cpu": 0}) for name, n in zip(NAMES, asked, strict=False)]
    shares = fair_shares(idle(pool(cpu=there)), wanted)
    left, waiting, level = Fraction(there), sorted(asked), Fraction(0)
    while waiting:
        level = left / len(waiting)
        if waiting[0] > level:
            break
        left -= waiting.pop(0)
    for claim in wanted:
        n = claim.requests["cpu"]
        assert shares[claim.name] * n == (min(Fraction(n), level) if waiting else n)


def test_dominant_resource_fairness_gives_what_its_paper_works_out() -> None:
    """Section 4.1: 9 CPUs and 18 GB; A's tasks need <1, 4>, B's <3, 1>: 3 tasks and 2."""
    there, nothing = pool(cpu=9000, memory=18000), {"cpu": 0, "memory": 0}
    a = Claim("a", {"cpu": 9000, "memory": 36000}, nothing)
    b = Claim("b", {"cpu": 27000, "memory": 9000}, nothing)
    grants = {grant.claim: grant.amounts for grant in divide("fair", [idle(there)], [a, b])}
    assert grants == {"a": {"cpu": 3000, "memory": 12000}, "b": {"cpu": 6000, "memory": 2000}}


@given(standings(), claims())
def test_nobody_can_get_more_under_fair_without_another_getting_less(
    there: list[Standing], asked: list[Claim]
) -> None:
    """Pareto: whoever has less than all needs something that is used up, but for rounding."""
    standing = there[0]
    flexible = [Claim(c.name, c.requests, dict.fromkeys(c.requests, 0)) for c in asked]
    shares = fair_shares(standing, flexible)
    used = {
        r: sum(c.requests.get(r, 0) * shares[c.name] for c in flexible) for r in ("cpu", "memory")
    }
    assert all(used[r] <= standing.free[r] for r in used)
    for claim in flexible:
        if shares[claim.name] < 1:
            assert any(used[r] == standing.free[r] for r in claim.requests)


def test_weight_and_what_is_held_already_move_the_fair_share() -> None:
    there = pool(cpu=12)
    a, b = Claim("a", {"cpu": 12}, {"cpu": 0}, weight=2), Claim("b", {"cpu": 12}, {"cpu": 0})
    shares = fair_shares(idle(there), [a, b])
    assert (shares["a"] * 12, shares["b"] * 12) == (8, 4)
    a = Claim("a", {"cpu": 12}, {"cpu": 0})
    held = Standing(there, {"cpu": 8}, {"a": Fraction(4, 12)})
    shares = fair_shares(held, [a, b])
    assert (shares["a"] * 12, shares["b"] * 12) == (2, 6)


def test_priority_serves_the_highest_first_and_whole() -> None:
    low, high = Claim("a", {"cpu": 4}, {"cpu": 1}), Claim("z", {"cpu": 4}, priority=1)
    grants = divide("priority", [idle(pool(cpu=5))], [low, high])
    assert [(g.claim, g.amounts) for g in grants] == [("a", {"cpu": 1}), ("z", {"cpu": 4})]


def test_performance_takes_the_fastest_pool_and_the_others_the_cheapest() -> None:
    slow = Pool("slow", {"cpu": 4}, {"cpu": Fraction(1)}, speed=1)
    fast = Pool("fast", {"cpu": 4}, {"cpu": Fraction(3)}, speed=2)
    claim = Claim("a", {"cpu": 2})
    assert [g.pool for g in divide("performance", [idle(slow), idle(fast)], [claim])] == ["fast"]
    assert [g.pool for g in divide("fair", [idle(slow), idle(fast)], [claim])] == ["slow"]
    assert [g.pool for g in divide("priority", [idle(slow), idle(fast)], [claim])] == ["slow"]


def test_performance_serves_small_claims_first_so_that_many_are() -> None:
    big, small = Claim("a", {"cpu": 4}), [Claim(n, {"cpu": 2}) for n in ("b", "c")]
    grants = divide("performance", [idle(pool(cpu=4))], [big, *small])
    assert [grant.claim for grant in grants] == ["b", "c"]


def test_a_dominant_share_is_the_largest_and_nothing_of_nothing_is_none() -> None:
    assert dominant_share({"cpu": 1, "memory": 3}, {"cpu": 2, "memory": 4}) == Fraction(3, 4)
    assert dominant_share({"cpu": 0}, {}) == 0

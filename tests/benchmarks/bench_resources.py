"""What leasing, the optimum and looking cost, by how much there is.

    python -m tests.benchmarks.bench_resources

Leases are taken and given back in memory, beside others that stay; the optimum is of random claims
that fit with a fifth to spare, and of the same in pools that are too small. Metrics and the table
of runs are made of a journal on disk. Every number is a median of rounds.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

from chimera.builtin.resources.conflicts import conflict
from chimera.builtin.resources.ledger import RELEASED, Lease, Ledger
from chimera.builtin.resources.optimizing import Limits, optimize
from chimera.builtin.resources.pools import Claim, Pool
from chimera.builtin.resources.sharing import divide
from chimera.context import Context
from chimera.state import Event, EventKind, open_state, read_state
from chimera.state.measuring import run_tallies, step_tallies
from tests.builtin.resources.conftest import MemoryStore

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LIMITS = Limits(seconds=10.0)


def seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """Return how long `work` takes, by the median of rounds."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def lease_and_release(others: int) -> float:
    """Return how long a lease takes from asking to giving back, beside others that stay."""
    store, pool = MemoryStore(), Pool("p", {"cpu": 10**9})
    ledger = Ledger(store, NOW)
    for n in range(others):
        until = NOW + timedelta(hours=1)
        ledger.grant(Lease(f"other-{n}", f"c{n}", "", "p", {"cpu": 1}, NOW, until))
    claim = Claim("mine", {"cpu": 1})

    def once() -> None:
        book = Ledger.open(store, NOW, lambda run: None)
        (grant,) = divide("fair", [book.standing(pool)], [claim])
        lease = Lease("mine", "mine", "", "p", grant.amounts, NOW, NOW + claim.lease)
        book.grant(lease)
        book.end(lease, RELEASED, "")

    return seconds(once)


def instance(claims: int, pools: int) -> tuple[list[Claim], list[Pool]]:
    """Return random claims, and pools that hold them with a fifth to spare."""
    rnd = random.Random(claims)
    asked = [
        Claim(
            f"c{n:03}",
            {"cpu": rnd.choice([250, 500, 1000]), "memory": rnd.choice([256, 512, 1024]) << 20},
            count=rnd.randint(1, 4),
        )
        for n in range(claims)
    ]
    sums = {r: sum(c.requests[r] * c.count for c in asked) for r in ("cpu", "memory")}
    there = {r: n * 6 // 5 // pools for r, n in sums.items()}
    prices = (Fraction(rnd.randint(10, 99), 10**5) for _ in range(pools))
    return asked, [Pool(f"p{n:02}", there, {"cpu": price}) for n, price in enumerate(prices)]


def main() -> None:
    """Print what everything costs."""
    for others in (0, 100, 1000):
        print(f"lease and release beside {others:>4}: {lease_and_release(others) * 1e3:8.2f} ms")
    optimize(*instance(2, 1))  # scipy is imported
    for size in ((5, 3), (20, 5), (50, 10)):
        claims, pools = instance(*size)
        found, took = optimize(claims, pools, LIMITS), 0.0
        took = seconds(lambda c=claims, p=pools: optimize(c, p, LIMITS), 3)  # type: ignore[misc]
        print(f"optimum of {size[0]:>3} claims, {size[1]:>2} pools: {took:6.2f} s {found.status}")
        tight = [Pool(p.name, {r: n * 3 // 4 for r, n in p.capacity.items()}) for p in pools]
        why = conflict(claims, tight, LIMITS)
        took = seconds(lambda c=claims, t=tight: conflict(c, t, LIMITS), 1)  # type: ignore[misc]
        print(f"   conflict of {len(why.claims):>3} of them: {took:6.2f} s {why.irreducible}")
    with tempfile.TemporaryDirectory() as folder:
        steps = 100_000
        with open_state(Path(folder), Context.system(), command="bench") as state:
            run = state.create_run("local", "Workflow/w", {"spec": {}}, None)
            for kind in (EventKind.START, EventKind.DONE):
                state.record(run.uid, [Event(kind, f"fan[{n}]", 1, NOW) for n in range(steps)])
        with read_state(Path(folder)) as reader:
            took = seconds(lambda: (run_tallies(reader), step_tallies(reader)), 3)
        print(f"metrics of {steps} steps: {took:6.2f} s")


if __name__ == "__main__":
    main()

"""Who waits for resources, and what is kept for them: a small claim does not overtake a large one.

The higher priority comes first, and of equals who asked first. Of what they ask, what is free
already is kept for them until they have it. Who does not ask again when it said it would, waits no
more. Refuses to keep anything for whom the others would not stand in the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chimera.builtin.resources.pools import Claim
from chimera.builtin.resources.quantities import Amounts, fits, lacking, less, total
from chimera.builtin.resources.sharing import Standing, dominant_share

if TYPE_CHECKING:
    from chimera.runtime.collections import Collections

WAITING = "resource.waiting"
"""Collection of who waits, by the key of the step that asks."""
GRACE = timedelta(seconds=30)
"""How late somebody may ask again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One claim of somebody who waits: the least that it can do with, and where."""

    claim: str
    least: Amounts
    count: int
    pools: tuple[str, ...]

    @staticmethod
    def of(claim: Claim) -> Wanted:
        """Return what a claim waits for."""
        return Wanted(claim.name, claim.scaled(claim.least), claim.count, claim.pools)


@dataclass(frozen=True, slots=True)
class Waiter:
    """A step that asked, since when, and when it asks again."""

    key: str
    run: str
    wanted: tuple[Wanted, ...]
    priority: int
    since: datetime
    due: datetime

    @property
    def rank(self) -> tuple[Any, ...]:
        """What comes before others."""
        return (-self.priority, self.since, self.key)

    def to_json(self) -> dict[str, Any]:
        """Return the waiter as the store keeps it."""
        return {
            "run": self.run,
            "wanted": [
                {
                    "claim": one.claim,
                    "least": dict(one.least),
                    "count": one.count,
                    "pools": list(one.pools),
                }
                for one in self.wanted
            ],
            "priority": self.priority,
            "since": self.since.isoformat(),
            "due": self.due.isoformat(),
        }

    @staticmethod
    def from_json(key: str, value: Mapping[str, Any]) -> Waiter:
        """Return the waiter that `to_json` gave."""
        return Waiter(
            key,
            value["run"],
            tuple(
                Wanted(one["claim"], one["least"], one["count"], tuple(one["pools"]))
                for one in value["wanted"]
            ),
            value["priority"],
            datetime.fromisoformat(value["since"]),
            datetime.fromisoformat(value["due"]),
        )


def waiters(
    store: Collections, now: datetime, ended: Callable[[str], str | None]
) -> tuple[Waiter, ...]:
    """Return who waits, the first first; those that do so no more are forgotten."""
    found = []
    for key, value in store.find(WAITING):
        assert isinstance(value, Mapping)
        one = Waiter.from_json(key, value)
        if one.due + GRACE < now or (one.run and ended(one.run)):
            store.delete(WAITING, key)
        else:
            found.append(one)
    return tuple(sorted(found, key=lambda waiter: waiter.rank))


def kept_for(
    ahead: Iterable[Waiter], standings: Sequence[Standing], held: Mapping[str, int]
) -> dict[str, dict[str, int]]:
    """Return what of each pool is kept for those who are ahead, by pool and resource.

    For each claim it is in the one pool that lacks least for it. `held` counts live leases by
    claim: whoever has to wait for one of these is not waiting for a pool.
    """
    kept: dict[str, dict[str, int]] = {}
    taken = dict(held)
    for waiter in ahead:
        for one in waiter.wanted:
            if taken.get(one.claim, 0) >= one.count:
                continue
            taken[one.claim] = taken.get(one.claim, 0) + 1
            pool = _nearest(one, standings, kept)
            if pool is not None:
                kept[pool] = total([kept.get(pool, {}), one.least])
    return kept


def _nearest(
    wanted: Wanted, standings: Sequence[Standing], kept: Mapping[str, Amounts]
) -> str | None:
    """Return the pool in which somebody has the least to wait for; `None` where none is enough."""
    able = [
        standing
        for standing in standings
        if (not wanted.pools or standing.pool.name in wanted.pools)
        and fits(wanted.least, standing.pool.capacity)
    ]

    def lacks(standing: Standing) -> tuple[Any, ...]:
        pool = standing.pool
        short = lacking(wanted.least, less(standing.free, kept.get(pool.name, {})))
        return dominant_share(short, pool.capacity), pool.name

    nearest = min(able, key=lacks, default=None)
    return None if nearest is None else nearest.pool.name

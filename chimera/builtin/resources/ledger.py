"""The ledger: the leases of an environment, in its store, and what of the pools is free.

A lease is live until its time has passed, its run has ended, or it was released or preempted. Of
those that have ended the newest are kept, with how; the cost of everything is that of what is live.
Refuses to keep a count: what is free is always computed anew from the leases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from chimera.builtin.resources.pools import Pool
from chimera.builtin.resources.quantities import Amounts, fits, less, total
from chimera.builtin.resources.sharing import Standing, dominant_share

if TYPE_CHECKING:
    from chimera.runtime.collections import Collections

LEASES, ENDED, RING = "resource.lease", "resource.ended", "resource.ring"
"""Collections: leases that are live, those that have ended, and the order in which they did."""
KEPT = 1000
"""How many that have ended are kept."""
HELD, RELEASED, EXPIRED, PREEMPTED = "held", "released", "expired", "preempted"


@dataclass(frozen=True, slots=True)
class Lease:
    """What a claimant holds of one pool, since when, until when, and how that ended.

    `holder` is the run that took it. `reason` says why it ended, or is empty.
    """

    id: str
    claim: str
    holder: str
    pool: str
    amounts: Amounts
    since: datetime
    until: datetime
    priority: int = 0
    gpus: tuple[int, ...] = ()
    status: str = HELD
    reason: str = ""
    ended: datetime | None = None

    def ended_as(self, status: str, now: datetime, reason: str) -> Lease:
        """Return the lease as one that has ended."""
        return replace(self, status=status, ended=now, reason=reason)

    def to_json(self) -> dict[str, Any]:
        """Return the lease as the store keeps it."""
        return {
            "claim": self.claim,
            "holder": self.holder,
            "pool": self.pool,
            "amounts": dict(self.amounts),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "priority": self.priority,
            "gpus": list(self.gpus),
            "status": self.status,
            "reason": self.reason,
            "ended": self.ended.isoformat() if self.ended else None,
        }

    @staticmethod
    def from_json(id: str, value: Mapping[str, Any]) -> Lease:
        """Return the lease that `to_json` gave."""
        ended = value["ended"]
        return Lease(
            id,
            value["claim"],
            value["holder"],
            value["pool"],
            value["amounts"],
            datetime.fromisoformat(value["since"]),
            datetime.fromisoformat(value["until"]),
            value["priority"],
            tuple(value["gpus"]),
            value["status"],
            value["reason"],
            datetime.fromisoformat(ended) if ended else None,
        )


@dataclass
class Ledger:
    """The live leases, and the changes to them that go into the store at once."""

    store: Collections
    now: datetime
    live: dict[str, Lease] = field(default_factory=dict)

    @staticmethod
    def open(store: Collections, now: datetime, ended: Callable[[str], str | None]) -> Ledger:
        """Read the leases; those that time or the end of their run has ended are recorded so.

        `ended` says of a run how it ended, or `None` while it can still go on.
        """
        ledger = Ledger(store, now)
        for id, value in store.find(LEASES):
            lease = Lease.from_json(id, value)
            how = f"its run {how}" if lease.holder and (how := ended(lease.holder)) else ""
            if lease.until <= now:
                how = "its time has passed"
            ledger.live[id] = lease
            if how:
                ledger.end(lease, EXPIRED, how)
        return ledger

    def lease(self, id: str) -> Lease | None:
        """Return a lease, live or ended."""
        value = self.store.get(LEASES, id) or self.store.get(ENDED, id)
        return None if value is None else Lease.from_json(id, value)

    def grant(self, lease: Lease) -> None:
        """Record a lease."""
        self.store.put(LEASES, lease.id, lease.to_json())
        self.live[lease.id] = lease

    def end(self, lease: Lease, status: str, reason: str) -> Lease:
        """Record that a lease has ended; what it held is free again."""
        self.live.pop(lease.id, None)
        ended = lease.ended_as(status, self.now, reason)
        self.store.delete(LEASES, lease.id)
        self.store.put(ENDED, lease.id, ended.to_json())
        self._make_room(lease.id)
        return ended

    def _make_room(self, id: str) -> None:
        """Put an ended lease in the place of the oldest, which is forgotten."""
        turn = self.store.get(RING, "turn") or 0
        place = f"{turn % KEPT}"
        oldest = self.store.get(RING, place)
        if oldest is not None and oldest != id:
            self.store.delete(ENDED, oldest)
        self.store.put(RING, place, id)
        self.store.put(RING, "turn", turn + 1)

    def renew(self, lease: Lease, until: datetime) -> Lease:
        """Record that a live lease stands until then."""
        renewed = replace(lease, until=until)
        self.grant(renewed)
        return renewed

    def standing(self, pool: Pool) -> Standing:
        """Return what is free in a pool, and the dominant share that each claimant holds."""
        leases = self.in_pool(pool)
        held: dict[str, Fraction] = {}
        for lease in leases:
            share = dominant_share(lease.amounts, pool.capacity)
            held[lease.claim] = held.get(lease.claim, Fraction(0)) + share
        return Standing(pool, less(pool.capacity, total(one.amounts for one in leases)), held)

    def in_pool(self, pool: Pool) -> list[Lease]:
        """Return the live leases of a pool, in order of their ids."""
        return [lease for _, lease in sorted(self.live.items()) if lease.pool == pool.name]


def victims(pool: Pool, leases: Sequence[Lease], asked: Amounts, priority: int) -> list[Lease]:
    """Return the leases that are taken back so that `asked` fits; none where that cannot be.

    Only leases of a lower priority are, the lowest first; among equals the newest, or the largest
    where the pool says `largest`. One that turns out not to be needed is left alone, the highest
    first.
    """
    below = [lease for lease in leases if lease.priority < priority]
    if pool.preemption == "never":
        return []
    below.sort(key=lambda lease: (lease.priority, *_preference(pool, lease), lease.id))
    taken: list[Lease] = []
    for lease in below:
        if _room(pool, leases, taken, asked):
            break
        taken.append(lease)
    if not _room(pool, leases, taken, asked):
        return []
    for lease in list(reversed(taken)):
        without = [one for one in taken if one is not lease]
        if _room(pool, leases, without, asked):
            taken = without
    return taken


def _preference(pool: Pool, lease: Lease) -> tuple[float | Fraction, ...]:
    newest = -lease.since.timestamp()
    if pool.preemption == "largest":
        return -dominant_share(lease.amounts, pool.capacity), newest
    return (newest,)


def _room(pool: Pool, leases: Iterable[Lease], without: Sequence[Lease], asked: Amounts) -> bool:
    gone = {lease.id for lease in without}
    used = total(lease.amounts for lease in leases if lease.id not in gone)
    return fits(asked, less(pool.capacity, used))

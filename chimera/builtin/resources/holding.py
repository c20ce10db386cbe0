"""Serving claims out of the pools that were applied: who may ask, who is served, who gives way.

Owns what a refusal says. Refuses a claim to whom it is not for, and to keep a lease of a run that
has ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chimera.builtin.resources.kinds import ResourceClaimSpec, ResourcePoolSpec
from chimera.builtin.resources.ledger import PREEMPTED, Lease, Ledger, victims
from chimera.builtin.resources.pools import Claim, Pool, claim_of, pool_of
from chimera.builtin.resources.quantities import Amounts, fits, lacking, less, worded
from chimera.builtin.resources.sharing import Grant, Standing, divide
from chimera.builtin.resources.waiting import WAITING, Waiter, kept_for, waiters
from chimera.context.machine import measure
from chimera.runtime import OperationCall, PermanentError
from chimera.runtime.collections import KeepingError
from chimera.runtime.recovery import Category
from chimera.runtime.system import SETTINGS, SYSTEM
from chimera.state import RunStatus, read_state

if TYPE_CHECKING:
    from chimera.builtin.resources.kinds import ClaimantSpec
    from chimera.runtime.collections import Collections
    from chimera.runtime.system import Strategy

Call = OperationCall[Any]

POOLS, CLAIMS = "resource.pool", "resource.claim"
"""Collections of the specs that were applied, by name."""
PREEMPTED_TOPIC = "resources.preempted"

ENDED = {
    RunStatus.SUCCEEDED: "succeeded",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "was cancelled",
    RunStatus.COMPENSATED: "was compensated",
}
"""How a run ended that holds nothing any more."""


@dataclass
class Book:
    """The ledger with the pools that its leases stand in, at one moment."""

    ledger: Ledger
    pools: Mapping[str, Pool]
    waiters: tuple[Waiter, ...] = ()
    kept: Mapping[str, Amounts] = field(default_factory=dict)
    """What of each pool is kept for those who come before whoever asks."""
    preempted: list[Lease] = field(default_factory=list)

    @staticmethod
    def open(call: Call) -> Book:
        """Read the pools and the ledger; what has ended until now holds nothing any more."""
        now = call.context.clock.now()
        with run_ends(call.root, call.run) as ended:
            ledger = Ledger.open(call.store, now, ended)
            waiting = waiters(call.store, now, ended)
        return Book(ledger, applied_pools(call.store), waiting)

    def keep_for_others(self, asks: Waiter) -> None:
        """Keep what those wait for who come before `asks`."""
        ahead = [one for one in self.waiters if one.key != asks.key and one.rank < asks.rank]
        if ahead:
            held = Counter(lease.claim for lease in self.ledger.live.values())
            self.kept = kept_for(ahead, self.standings(), held)

    def standings(self) -> list[Standing]:
        """Return how the pools stand, without what is kept for others, in order of name."""
        found = [self.ledger.standing(pool) for _, pool in sorted(self.pools.items())]
        return [
            replace(one, free=less(one.free, self.kept.get(one.pool.name, {}))) for one in found
        ]

    def only(self, names: Iterable[str]) -> list[Pool]:
        """Return these pools, or all where none is named; raises for one that was not applied."""
        wanted = tuple(names) or tuple(sorted(self.pools))
        for name in wanted:
            if name not in self.pools:
                raise refused(
                    f"no ResourcePool/{name} was applied here",
                    help=f"there is: {', '.join(sorted(self.pools)) or 'none'}",
                )
        return [self.pools[name] for name in wanted]


def applied_pools(store: Collections) -> dict[str, Pool]:
    """Return the pools that were applied, by name, as this machine can keep their promises."""
    machine, share = measure(), settings(store).get("maxResourceUtilization", 1.0)
    return {
        name: pool_of(name, ResourcePoolSpec.model_validate(spec), machine, share)
        for name, spec in store.find(POOLS)
    }


def settings(store: Collections) -> Mapping[str, Any]:
    """Return what the applied orchestrator says; nothing where there is none."""
    return store.get(SETTINGS, SYSTEM) or {}


def applied_claims(store: Collections) -> dict[str, Claim]:
    """Return the claims that were applied, by name."""
    return {
        name: claim_of(name, ResourceClaimSpec.model_validate(spec))
        for name, spec in store.find(CLAIMS)
    }


@contextmanager
def run_ends(root: Path, present: str) -> Iterator[Callable[[str], str | None]]:
    """Give what says of a run how it ended; `present` is the one that asks, which has not."""
    with read_state(root) as state:
        known: dict[str, str | None] = {present: None}

        def ended(run: str) -> str | None:
            if run not in known:
                status = state.run_status(run)
                known[run] = "is gone" if status is None else ENDED.get(status)
            return known[run]

        yield ended


def refused(message: str, *, help: str) -> PermanentError:
    """Return the error for what would be refused again."""
    return PermanentError(message, category=Category.RESOURCE, help=help)


def refuse_stranger(call: Call, name: str, claimant: ClaimantSpec, module: str | None) -> None:
    """Raise `PermanentError` where a claim is not for the run that asks."""
    if not (claimant.workflows or claimant.modules or claimant.labels):
        return
    if module is not None and module in claimant.modules:
        return
    with read_state(call.root) as state:
        run = state.run(call.run)
        held = state.held(run.environment, run.target)
    labels = ((held.value if held else None) or {}).get("metadata", {}).get("labels", {})
    if run.target in claimant.workflows:
        return
    if claimant.labels and claimant.labels.items() <= labels.items():
        return
    raise refused(
        f"ResourceClaim/{name} is not for {run.target}",
        help="add it to spec.for of the claim, or ask by another claim",
    )


def serve(
    call: Call, book: Book, claims: Sequence[Claim], strategy: Strategy
) -> tuple[list[Lease], dict[str, str]]:
    """Lease what the claims ask; return the leases, and for each other claim what was lacking."""
    leases, unserved = _served(call, book, claims, strategy), {}
    for claim in sorted(claims, key=lambda one: (-one.priority, one.name)):
        if any(lease.claim == claim.name for lease in leases):
            continue
        taken = _served_instead(call, book, claim, strategy)
        leases += taken
        if not taken:
            unserved[claim.name] = _why(book, claim)
    return sorted(leases, key=lambda lease: lease.claim), unserved


def _served_instead(call: Call, book: Book, claim: Claim, strategy: Strategy) -> list[Lease]:
    """Serve a claim in the place of others; they keep what they hold where that does not help."""
    reason = f"{claim.name}, of priority {claim.priority}, needed what it held"
    given_up = _preempt(book, claim)
    for lease in given_up:
        del book.ledger.live[lease.id]
    taken = _served(call, book, [claim], strategy) if given_up else []
    for lease in given_up:
        if taken:
            book.preempted.append(book.ledger.end(lease, PREEMPTED, reason))
        else:
            book.ledger.live[lease.id] = lease
    return taken


def _served(call: Call, book: Book, claims: Sequence[Claim], strategy: Strategy) -> list[Lease]:
    standings = book.standings()
    able = [claim for claim in claims if _has_room_for_another(book, claim)]
    by_name = {claim.name: claim for claim in claims}
    leases = []
    for grant in divide(strategy, standings, able):
        gpus = _gpus(book, grant)
        if gpus is not None:
            lease = _lease(call, book, by_name[grant.claim], grant, gpus)
            book.ledger.grant(lease)
            leases.append(lease)
    return leases


def _lease(call: Call, book: Book, claim: Claim, grant: Grant, gpus: tuple[int, ...]) -> Lease:
    return Lease(
        call.new_id(),
        claim.name,
        call.run,
        grant.pool,
        grant.amounts,
        book.ledger.now,
        book.ledger.now + claim.lease,
        claim.priority,
        gpus,
    )


def _has_room_for_another(book: Book, claim: Claim) -> bool:
    live = sum(lease.claim == claim.name for lease in book.ledger.live.values())
    return live < claim.count


def _gpus(book: Book, grant: Grant) -> tuple[int, ...] | None:
    """Return which GPUs of this machine are meant; `None` where too few are left.

    Those that the fewest leases hold come first: where a pool promises more than there are, they
    are shared.
    """
    pool, count = book.pools[grant.pool], grant.amounts.get("gpu", 0)
    if not count or not pool.gpus:
        return ()
    holders = dict.fromkeys(pool.gpus, 0)
    for lease in book.ledger.live.values():
        for gpu in lease.gpus:
            holders[gpu] = holders.get(gpu, 0) + 1
    is_shared = pool.capacity["gpu"] > len(pool.gpus)
    able = [gpu for gpu in pool.gpus if is_shared or not holders[gpu]]
    able.sort(key=lambda gpu: (holders[gpu], gpu))
    return tuple(sorted(able[:count])) if len(able) >= count else None


def _preempt(book: Book, claim: Claim) -> list[Lease]:
    """Return the leases of a lower priority in whose place the least of a claim fits."""
    if not _has_room_for_another(book, claim):
        return []
    least = claim.scaled(claim.least)
    for _, pool in sorted(book.pools.items()):
        if claim.may_use(pool.name) and fits(least, pool.capacity):
            left = replace(pool, capacity=less(pool.capacity, book.kept.get(pool.name, {})))
            found = victims(left, book.ledger.in_pool(pool), least, claim.priority)
            if found:
                return found
    return []


def _why(book: Book, claim: Claim) -> str:
    """Say why a claim is not served now."""
    if not _has_room_for_another(book, claim):
        return f"all {claim.count} of its leases are held"
    least = claim.scaled(claim.least)
    texts = []
    for standing in book.standings():
        name, kept = standing.pool.name, book.kept.get(standing.pool.name, {})
        if claim.may_use(name):
            short = lacking(least, standing.free)
            text = f"{name} lacks {worded(short)}" if short else f"{name} has no GPU left"
            shared = {r: n for r, n in kept.items() if r in short and n}
            others = f" (it keeps {worded(shared)} for who comes first)" if shared else ""
            texts.append(text + others)
    return "; ".join(texts)


def never_served(book: Book, claim: Claim) -> str | None:
    """Say why a claim cannot be served even when nothing is held; `None` where it can."""
    least = claim.scaled(claim.least)
    texts = []
    for name, pool in sorted(book.pools.items()):
        if claim.may_use(name):
            short = lacking(least, pool.capacity)
            if not short:
                return None
            reasons = [pool.absent[r] for r in short if r in pool.absent]
            listed = f" ({'; '.join(reasons)})" if reasons else ""
            texts.append(f"{name} is too small by {worded(short)}{listed}")
    return "; ".join(texts) or "none of the pools that it allows was applied"


class ResourcesHeldError(KeepingError):
    """Others hold what is asked for; when they have given it back it can be had.

    As long as the step is tried again it is kept who waits.
    """


def not_now(book: Book, unserved: Mapping[str, str], asks: Waiter) -> ResourcesHeldError:
    """Return the error for claims that can be served when something is given back."""

    def keep(store: Collections, due: datetime | None) -> None:
        if due is not None:
            store.put(WAITING, asks.key, replace(asks, due=due).to_json())
        elif store.get(WAITING, asks.key) is not None:
            store.delete(WAITING, asks.key)

    soonest = min((lease.until for lease in book.ledger.live.values()), default=None)
    wait = None if soonest is None else max(timedelta(), soonest - book.ledger.now)
    told = "; ".join(f"{name}: {why}" for name, why in sorted(unserved.items()))
    return ResourcesHeldError(
        f"there is not enough free: {told}",
        keep,
        category=Category.RESOURCE,
        transient=True,
        help="give the stage a retry, or wait for what is held"
        + (f": the first lease ends by itself in {wait.total_seconds():.0f} s" if wait else ""),
    )

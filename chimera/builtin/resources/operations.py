"""The operations `resources.*`: lease, give back, renew, look, and find the cheapest way.

All but the last are executed in the engine's turn, so that no two of them ever see the same thing
free. A refusal says what was lacking, and whether to ask again would help.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from chimera.builtin.resources.holding import (
    CLAIMS,
    PREEMPTED_TOPIC,
    Book,
    applied_claims,
    never_served,
    not_now,
    refuse_stranger,
    refused,
    serve,
    settings,
)
from chimera.builtin.resources.kinds import ResourceClaimSpec
from chimera.builtin.resources.ledger import HELD, RELEASED, Lease
from chimera.builtin.resources.models import (
    AllocateInputs,
    AllocateOutputs,
    LeaseOutput,
    OfferedPool,
    OptimizeInputs,
    OptimizeOutputs,
    Placement,
    PoolUsage,
    Problem,
    Refusal,
    ReleaseInputs,
    ReleaseOutputs,
    RenewInputs,
    RenewOutputs,
    Shortage,
    UsageInputs,
    UsageOutputs,
    Waiting,
    WantedClaim,
)
from chimera.builtin.resources.pools import Claim, Pool, claim_of
from chimera.builtin.resources.quantities import (
    all_shown,
    all_units,
    less,
    priced_units,
    shown,
    total,
)
from chimera.builtin.resources.waiting import WAITING, Waiter, Wanted
from chimera.runtime import Operation, OperationCall, PermanentError
from chimera.runtime.recovery import Category
from chimera.runtime.system import Strategy

REQUEST = "request"
"""What a lease without a ResourceClaim says in place of its name."""


def allocate(call: OperationCall[AllocateInputs]) -> AllocateOutputs:
    """Lease what claims ask for; all of them or nothing, unless the caller takes less."""
    book, asked = Book.open(call), call.inputs
    claims = _claims(call)
    impossible = {c.name: why for c in claims if (why := never_served(book, c)) is not None}
    if impossible and (not asked.partial or len(impossible) == len(claims)):
        told = "; ".join(f"{name}: {why}" for name, why in sorted(impossible.items()))
        raise refused(
            f"this can never be served: {told}",
            help="ask for less, allow another pool, or apply a larger one",
        )
    able = [claim for claim in claims if claim.name not in impossible]
    asks = _asks(call, able)
    book.keep_for_others(asks)
    leases, unserved = serve(call, book, able, _strategy(call, claims))
    if unserved and (not asked.partial or not leases):
        raise not_now(book, unserved, asks)
    if any(waiter.key == asks.key for waiter in book.waiters):
        call.store.delete(WAITING, asks.key)
    for lease in book.preempted:
        call.log(f"lease {lease.id} of {lease.claim} was taken back: {lease.reason}")
        call.publish(PREEMPTED_TOPIC, {"id": lease.id, **lease.to_json()})
    given = [_output(lease, book.pools[lease.pool]) for lease in leases]
    return AllocateOutputs(
        lease=given[0] if given else None,
        leases=tuple(given),
        refused=tuple(
            Refusal(claim=name, reason=why)
            for name, why in sorted({**impossible, **unserved}.items())
        ),
        preempted=tuple(lease.id for lease in book.preempted),
    )


def release(call: OperationCall[ReleaseInputs]) -> ReleaseOutputs:
    """Give leases back; one that has ended before is told, and is no failure."""
    book = Book.open(call)
    released, ended = [], {}
    for id in dict.fromkeys(call.inputs.leases):
        lease = _known(book, id)
        if lease.status == HELD:
            book.ledger.end(lease, RELEASED, "it was given back")
            released.append(id)
        else:
            ended[id] = f"{lease.status}: {lease.reason}"
    return ReleaseOutputs(released=tuple(released), ended=ended)


def renew(call: OperationCall[RenewInputs]) -> RenewOutputs:
    """Let a lease stand longer; whose lease was taken back learns it here."""
    book = Book.open(call)
    lease = _known(book, call.inputs.lease)
    if lease.status != HELD:
        raise PermanentError(
            f"lease {lease.id} is {lease.status}: {lease.reason}",
            category=Category.RESOURCE,
            help="stop what uses it, and allocate again",
        )
    if lease.pool not in book.pools:
        raise refused(f"ResourcePool/{lease.pool} was deleted", help="allocate from another pool")
    renewed = book.ledger.renew(lease, book.ledger.now + call.inputs.for_)
    return RenewOutputs(lease=_output(renewed, book.pools[lease.pool]))


def usage(call: OperationCall[UsageInputs]) -> UsageOutputs:
    """Say how the pools stand, who holds what, and what an optimum would be computed of."""
    book = Book.open(call)
    pools = book.only(call.inputs.pools)
    names = {pool.name for pool in pools}
    leases = sorted(
        book.ledger.live.values(), key=lambda lease: (lease.claim, lease.since, lease.id)
    )
    return UsageOutputs(
        pools={pool.name: _usage(book, pool) for pool in pools},
        leases=tuple(
            _output(lease, book.pools[lease.pool]) for lease in leases if lease.pool in names
        ),
        waiting=tuple(
            Waiting(
                run=waiter.run,
                claims=tuple(one.claim for one in waiter.wanted),
                priority=waiter.priority,
                since=waiter.since.isoformat(),
            )
            for waiter in book.waiters
        ),
        problem=Problem(
            pools={name: _offered(pool) for name, pool in sorted(book.pools.items())},
            claims={name: _wanted(claim) for name, claim in applied_claims(call.store).items()},
        ),
    )


def optimize(call: OperationCall[OptimizeInputs]) -> OptimizeOutputs:
    """Find the cheapest way to serve all claims, or the claims that cannot be served together."""
    from chimera.builtin.resources import conflicts, optimizing

    asked = call.inputs
    pools = [_pool(name, offered) for name, offered in sorted(asked.pools.items())]
    claims = [_claim(name, wanted) for name, wanted in sorted(asked.claims.items())]
    limits = optimizing.Limits(asked.node_limit, asked.time_limit.total_seconds())
    found = optimizing.optimize(claims, pools, limits)
    by_name = {pool.name: pool for pool in pools}
    requests = {claim.name: claim.requests for claim in claims}
    placements = tuple(
        Placement(claim=c, pool=p, count=n, cost=float(by_name[p].price(requests[c]) * n))
        for (c, p), n in sorted(found.counts.items())
    )
    if found.status != "infeasible":
        cost = None if found.cost is None else float(found.cost)
        return OptimizeOutputs(status=found.status, cost=cost, gap=found.gap, placements=placements)
    why = conflicts.conflict(claims, pools, limits)
    return OptimizeOutputs(
        status="infeasible",
        cost=None,
        gap=None,
        placements=(),
        conflict=why.claims,
        irreducible=why.irreducible,
        shortages=tuple(
            Shortage(
                resource=one.resource,
                asked=shown(one.resource, one.asked),
                there=shown(one.resource, one.there),
            )
            for one in why.shortages
        ),
    )


def _asks(call: OperationCall[AllocateInputs], claims: list[Claim]) -> Waiter:
    """Return who asks, to come before others or after them: all together as the last of them."""
    wanted = tuple(map(Wanted.of, claims))
    priority = min(claim.priority for claim in claims)
    return Waiter(call.key, call.run, wanted, priority, since=call.now, due=call.now)


def _claims(call: OperationCall[AllocateInputs]) -> list[Claim]:
    asked = call.inputs
    if bool(asked.claims) == bool(asked.requests):
        raise refused("it says neither or both of claims and requests", help="give one of the two")
    if asked.requests:
        spec = ResourceClaimSpec(
            requests=asked.requests,
            minimum=asked.minimum,
            pools=tuple(f"ResourcePool/{name}" for name in asked.pools),
            priority=asked.priority,
            lease=asked.lease,
            count=10_000,
        )
        return [_counted(REQUEST, spec)]
    return [_applied(call, name) for name in dict.fromkeys(asked.claims)]


def _applied(call: OperationCall[AllocateInputs], name: str) -> Claim:
    written = call.store.get(CLAIMS, name)
    if written is None:
        listed = ", ".join(id for id, _ in call.store.find(CLAIMS)) or "none"
        raise refused(f"no ResourceClaim/{name} was applied here", help=f"there is: {listed}")
    spec = ResourceClaimSpec.model_validate(written)
    refuse_stranger(call, name, spec.claimant, call.inputs.module)
    return _counted(name, spec)


def _counted(name: str, spec: ResourceClaimSpec) -> Claim:
    try:
        return claim_of(name, spec)
    except ValueError as error:
        raise refused(f"{name}: {error}", help="write whole units of it") from error


def _strategy(call: OperationCall[AllocateInputs], claims: list[Claim]) -> Strategy:
    """Return the strategy that was asked for, else the claims' own, else the orchestrator's."""
    own: set[Strategy] = {claim.strategy for claim in claims if claim.strategy is not None}
    if call.inputs.strategy is not None:
        return call.inputs.strategy
    if len(own) > 1:
        raise refused(
            f"the claims name different strategies: {', '.join(sorted(own))}",
            help="give one as the input strategy, or serve them one by one",
        )
    usual: Strategy = settings(call.store).get("resourceAllocationStrategy", "fair")
    return own.pop() if own else usual


def _known(book: Book, id: str) -> Lease:
    lease = book.ledger.lease(id)
    if lease is None:
        raise refused(f"there is no lease {id}", help="give an id that resources.allocate gave")
    return lease


def _output(lease: Lease, pool: Pool) -> LeaseOutput:
    listed = ",".join(map(str, lease.gpus))
    return LeaseOutput(
        id=lease.id,
        claim=lease.claim,
        pool=lease.pool,
        amounts=all_shown(lease.amounts),
        gpus=lease.gpus,
        environment={"CUDA_VISIBLE_DEVICES": listed} if lease.gpus else {},
        until=lease.until.isoformat(),
        cost=float(pool.price(lease.amounts)),
    )


def _usage(book: Book, pool: Pool) -> PoolUsage:
    used = total(lease.amounts for lease in book.ledger.in_pool(pool))
    held = {name: used.get(name, 0) for name in pool.capacity}
    return PoolUsage(
        capacity=all_shown(pool.capacity),
        used=all_shown(held),
        free=all_shown(less(pool.capacity, used)),
        utilisation={
            name: float(Fraction(held[name], capacity)) if capacity else 0.0
            for name, capacity in sorted(pool.capacity.items())
        },
        absent=dict(pool.absent),
        cost=float(pool.price(used)),
    )


def _offered(pool: Pool) -> OfferedPool:
    prices = {name: float(price * priced_units(name)) for name, price in pool.prices.items()}
    return OfferedPool(capacity=all_shown(pool.capacity), cost=prices)


def _wanted(claim: Claim) -> WantedClaim:
    return WantedClaim(requests=all_shown(claim.requests), count=claim.count, pools=claim.pools)


def _pool(name: str, offered: OfferedPool) -> Pool:
    prices = {r: Fraction(str(cost)) / priced_units(r) for r, cost in offered.cost.items()}
    return Pool(name, _amounts(name, offered.capacity), prices)


def _claim(name: str, wanted: WantedClaim) -> Claim:
    return Claim(name, _amounts(name, wanted.requests), count=wanted.count, pools=wanted.pools)


def _amounts(name: str, written: Mapping[str, str]) -> dict[str, int]:
    try:
        return all_units(written)
    except ValueError as error:
        raise refused(f"{name}: {error}", help="write whole units of it") from error


def _in_turn(
    name: str, summary: str, inputs: Any, outputs: Any, run: Any, **rest: Any
) -> Operation[Any, Any]:
    """Return an operation that uses the store: what it writes is written with its result."""
    return Operation(
        name, summary, inputs, outputs, run, effects=False, reach="tree", executor="inline", **rest
    )


OPERATIONS: tuple[Operation[Any, Any], ...] = (
    _in_turn(
        "resources.allocate",
        "Lease resources from pools, by claims or as the stage asks.",
        AllocateInputs,
        AllocateOutputs,
        allocate,
    ),
    _in_turn(
        "resources.release",
        "Give leases back before their run ends.",
        ReleaseInputs,
        ReleaseOutputs,
        release,
    ),
    _in_turn(
        "resources.renew",
        "Let a lease stand longer; fails where it has been taken back.",
        RenewInputs,
        RenewOutputs,
        renew,
    ),
    _in_turn(
        "resources.usage",
        "Say what pools hold, what of it is leased, and by whom.",
        UsageInputs,
        UsageOutputs,
        usage,
    ),
    Operation(
        "resources.optimize",
        "Find the cheapest way to serve all claims, or which cannot be served together.",
        OptimizeInputs,
        OptimizeOutputs,
        optimize,
        effects=False,
        reach="tree",
        cacheable=True,
    ),
)

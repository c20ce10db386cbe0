"""How the pools are that were applied: what of them is leased, and what they promise in vain.

Reads what is committed. Refuses to end a lease: the next allocation does.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from chimera.builtin.resources.holding import ENDED, POOLS
from chimera.builtin.resources.kinds import ResourcePoolSpec
from chimera.builtin.resources.ledger import LEASES, Lease
from chimera.builtin.resources.pools import Pool, pool_of
from chimera.builtin.resources.quantities import AUTO, total
from chimera.context.machine import measure
from chimera.runtime.health import Health, HealthCheck
from chimera.runtime.system import SETTINGS, SYSTEM

if TYPE_CHECKING:
    from chimera.runtime.health import HealthTask


def observe(task: HealthTask) -> Iterator[HealthCheck]:
    """Yield how each pool is that was applied, in order of name."""
    state, environment = task.state, task.environment
    pools = state.items(environment, POOLS)
    if not pools:
        return
    settings, machine = state.item(environment, SETTINGS, SYSTEM), measure()
    share = 1.0 if settings is None else settings.value.get("maxResourceUtilization", 1.0)
    leases = list(_live(task))
    for item in pools:
        spec = ResourcePoolSpec.model_validate(item.value)
        pool = pool_of(item.id, spec, machine, share)
        vain = [why for name, why in pool.absent.items() if spec.resources[name].capacity != AUTO]
        yield _check(pool, leases, "; ".join(vain))


def _live(task: HealthTask) -> Iterator[Lease]:
    now = task.context.clock.now()
    for item in task.state.items(task.environment, LEASES):
        lease = Lease.from_json(item.id, item.value)
        if lease.until > now:
            status = task.state.run_status(lease.holder) if lease.holder else None
            if status not in ENDED:
                yield lease


def _check(pool: Pool, leases: list[Lease], vain: str) -> HealthCheck:
    here = [lease for lease in leases if lease.pool == pool.name]
    held = total(lease.amounts for lease in here)
    shares = {
        name: float(Fraction(held.get(name, 0), capacity))
        for name, capacity in sorted(pool.capacity.items())
        if capacity
    }
    over = [name for name, share in shares.items() if share > 1]
    measures = {"leases": len(here), **{f"utilisation.{n}": s for n, s in shares.items()}}
    subject = f"ResourcePool/{pool.name}"
    if over:
        text = f"more of {', '.join(over)} is leased than there is now"
        help = "wait until leases end, or release some"
        return HealthCheck(subject, Health.UNHEALTHY, text, help, measures)
    if vain:
        help = "write what there is, or run where there is more"
        return HealthCheck(subject, Health.DEGRADED, vain, help, measures)
    texts = [f"{share:.0%} of {name}" for name, share in shares.items()]
    text = f"leased are {', '.join(texts)}"
    return HealthCheck(subject, Health.HEALTHY, text, measures=measures)

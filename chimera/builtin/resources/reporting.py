"""What was leased of pools in a period, and when a pool is exhausted if it goes on so.

By leases: those that are live, and the newest of those that have ended. Refuses the machine's
present size as a pool's capacity of then: where a document says `auto`, shares are not told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from fractions import Fraction

from chimera.builtin.resources.holding import POOLS
from chimera.builtin.resources.kinds import ResourcePoolSpec
from chimera.builtin.resources.ledger import ENDED, KEPT, LEASES, Lease
from chimera.builtin.resources.quantities import AUTO, units
from chimera.model.chart import Chart, Line
from chimera.render.projecting import exhaustion_figure
from chimera.runtime.reporting import (
    Column,
    Figure,
    Period,
    ReportKind,
    ReportTask,
    Section,
    Table,
)

_Shares = dict[tuple[str, str], list[tuple[float, float]]]
"""By pool and resource: the share that was leased on average in each part of the period."""


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield how pools were used, or to capacity when they are exhausted."""
    capacities = _capacities(task)
    leases = [lease for name in task.environments for lease in _leases(task, name)]
    within = [lease for lease in leases if task.period.overlaps(lease.since, _end(lease))]
    if not capacities and not within:
        return
    shares = _shares(task, capacities, within)
    notes = tuple(_notes(task, capacities, leases))
    if task.kind is ReportKind.CAPACITY:
        figures = tuple(
            exhaustion_figure(
                f"pool-{pool}-{resource}", f"{resource} of {pool} is exhausted", points, 1.0, task
            )
            for (pool, resource), points in shares.items()
        )
        charts = tuple(_charts(task, shares))
        yield Section("capacity", "Capacity", "", figures, charts=charts, notes=notes)
    else:
        yield _usage(task, within, shares, notes)


def _capacities(task: ReportTask) -> dict[tuple[str, str], int]:
    """Return what each pool promises of each resource, as its applied document says it."""
    found = {}
    for environment in task.environments:
        for item in task.state.items(environment, POOLS):
            spec = ResourcePoolSpec.model_validate(item.value)
            for resource, pooled in spec.resources.items():
                share = Fraction(str(pooled.maximum_utilisation or spec.maximum_utilisation))
                if pooled.capacity != AUTO:
                    amount = int(units(resource, pooled.capacity) * share)
                    found[_named(task, environment, item.id), resource] = amount
    return {key: amount for key, amount in sorted(found.items()) if amount}


def _named(task: ReportTask, environment: str, pool: str) -> str:
    return pool if len(task.environments) == 1 else f"{environment}/{pool}"


def _leases(task: ReportTask, environment: str) -> Iterator[Lease]:
    """Yield the leases of an environment, their pools named as the report names them."""
    from dataclasses import replace

    for collection in (LEASES, ENDED):
        for item in task.state.items(environment, collection):
            lease = Lease.from_json(item.id, item.value)
            yield replace(lease, pool=_named(task, environment, lease.pool))


def _end(lease: Lease) -> datetime:
    return lease.ended or lease.until


def _shares(
    task: ReportTask, capacities: dict[tuple[str, str], int], leases: Sequence[Lease]
) -> _Shares:
    parts = [part for part in task.period.parts() if part.end <= task.until]
    held: dict[str, list[Lease]] = defaultdict(list)
    for lease in leases:
        held[lease.pool].append(lease)
    return {
        (pool, resource): [
            (part.start.timestamp(), _held(held[pool], resource, part) / capacity) for part in parts
        ]
        for (pool, resource), capacity in capacities.items()
    }


def _held(leases: Sequence[Lease], resource: str, part: Period) -> float:
    """Return how much was leased on average in a part of the period, in smallest units."""
    seconds = sum(
        lease.amounts.get(resource, 0)
        * (min(_end(lease), part.end) - max(lease.since, part.start)).total_seconds()
        for lease in leases
        if part.overlaps(lease.since, _end(lease))
    )
    return seconds / (part.end - part.start).total_seconds()


def _usage(
    task: ReportTask, leases: Sequence[Lease], shares: _Shares, notes: tuple[str, ...]
) -> Section:
    columns = (
        *(Column("pool", "Pool", is_code=True), Column("resource", "Resource", is_code=True)),
        *(Column("average", "On average", "ratio"), Column("most", "Busiest part", "ratio")),
    )
    rows = [
        (pool, resource, sum(y for _, y in points) / len(points), max(y for _, y in points))
        for (pool, resource), points in shares.items()
        if points
    ]
    figure = Figure("leases", "Leases of pools", len(leases), note="held in this time")
    table = Table("pools", "Pools", columns, rows, empty="no part of this time is over")
    charts = tuple(_charts(task, shares))
    return Section("utilisation", "Utilisation", "", (figure,), (table,), charts, notes=notes)


def _charts(task: ReportTask, shares: _Shares) -> Iterator[Chart]:
    lines = [Line(f"{r} of {p}", points, steps=True) for (p, r), points in shares.items() if points]
    if not lines:
        return
    means = [(line.name, sum(y or 0.0 for _, y in line.points)) for line in lines]
    told = (f"{name}: {total / len(lines[0].points):.0%} on average" for name, total in means)
    yield Chart(
        *("What was leased of pools", "time", "share", lines),
        description="; ".join(told),
        is_time=True,
        unit="ratio",
        limits=(("all of it", 1.0),),
        span=(task.period.start.timestamp(), task.period.end.timestamp()),
        is_from_zero=True,
    )


def _notes(
    task: ReportTask, capacities: dict[tuple[str, str], int], leases: Sequence[Lease]
) -> Iterator[str]:
    if not capacities:
        yield "No pool says how much it has: of `auto`, shares of the past are not known."
    ended = sum(lease.ended is not None for lease in leases)
    if ended >= KEPT:
        yield f"Of leases that have ended the newest {KEPT} are kept: there may have been more."

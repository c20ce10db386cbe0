"""Which guards stop anything now, or will: those of documents, and the switches of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chimera.builtin.guards.kinds import GuardSpec
from chimera.builtin.guards.scoping import named
from chimera.builtin.guards.switches import Switch, read_switches
from chimera.gate import Halt
from chimera.kinds import Document
from chimera.model import Digest

if TYPE_CHECKING:
    from chimera.gate import Side

Guard = Document[GuardSpec]
MACHINE = "this machine"


def guards_of(sides: Iterable[Side]) -> Iterator[tuple[Side, Guard]]:
    """Yield each guard, once for each digest, with the place that has it; the trust ref first."""
    seen: set[Digest] = set()
    for side in sorted(sides, key=lambda side: not side.is_trusted):
        for guard in side.snapshot.of_model(GuardSpec):
            if guard.digest not in seen:
                seen.add(guard.digest)
                yield side, guard


def halts(root: Path, sides: Iterable[Side], now: datetime) -> Iterator[Halt]:
    """Yield what stops anything now, and the times of maintenance that are to come."""
    guards = tuple(guards_of(sides))
    recorded = {str(guard.address) for _, guard in guards if guard.spec.engaged}
    for switch in read_switches(root):
        yield machine_halt(switch, is_recorded=switch.guard in recorded)
    for side, guard in guards:
        yield from document_halts(side, guard, now)


def machine_halt(switch: Switch, *, is_recorded: bool = False) -> Halt:
    """Return what a switch of this machine is."""
    return Halt(
        switch.guard,
        "machine",
        switch.reason,
        MACHINE,
        named(switch.scope),
        by=switch.by,
        since=switch.at,
        lift=f"release it with `chimera guard release {switch.name}`",
        is_recorded=is_recorded,
    )


def document_halts(side: Side, guard: Guard, now: datetime) -> Iterator[Halt]:
    """Yield what a document stops: engaged, and by a time of maintenance that is not over."""
    spec, scope = guard.spec, named(guard.spec.scope)
    if spec.engaged:
        lift = release_of(side)
        yield Halt(
            str(guard.address),
            "switch",
            spec.reason,
            side.name,
            scope,
            lift=lift,
            is_trusted=side.is_trusted,
        )
    maintenance = spec.maintenance
    if maintenance is not None and now < maintenance.ends:
        yield Halt(
            str(guard.address),
            "maintenance",
            maintenance.reason or spec.reason,
            side.name,
            scope,
            since=maintenance.begins,
            until=maintenance.ends,
            lift=f"it ends by itself at {maintenance.until}",
            is_standing=maintenance.stands(now),
        )


def release_of(side: Side) -> str:
    """Return how what a document has engaged is released."""
    merged = f", and merge that into {side.name}" if side.is_trusted else f" in {side.name}"
    return f"release it: set engaged to false{merged}"

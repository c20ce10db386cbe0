"""Freezes that stand and incidents that freeze, as every plan and status shows them.

Refuses to say what is stopped: the gate does, with what the trust ref has as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chimera.builtin.records.kinds import FreezeSpec, IncidentSpec, SeverityModelSpec
from chimera.context import is_to_come
from chimera.gate import Halt
from chimera.kinds import Document, when
from chimera.model import Address

if TYPE_CHECKING:
    from chimera.gate import Side


def halts(sides: Sequence[Side], now: datetime) -> Iterator[Halt]:
    """Yield the freezes that stand at `now`, and the incidents that freeze, each once."""
    seen: set[str] = set()
    for side in sides:
        for freeze in side.snapshot.of_model(FreezeSpec):
            if freeze.digest not in seen:
                seen.add(freeze.digest)
                yield from _freeze(freeze.address, freeze.spec, side, now)
        for incident in side.snapshot.of_model(IncidentSpec):
            if incident.digest not in seen:
                seen.add(incident.digest)
                yield from _incident(incident, side, now)


def _freeze(address: Address, spec: FreezeSpec, side: Side, now: datetime) -> Iterator[Halt]:
    if spec.is_over(now) or spec.is_backwards:
        return
    scope = {
        "environments": spec.scope.environments,
        "kinds": spec.scope.kinds,
        "layers": spec.scope.layers,
        "paths": spec.scope.paths,
    }
    yield Halt(
        str(address),
        "freeze",
        spec.reason,
        side.name,
        scope,
        spec.by,
        when(spec.since),
        when(spec.until) if spec.until else None,
        f"{spec.by} lifts it",
        is_standing=spec.stands(now),
        is_trusted=side.is_trusted,
    )


def _incident(incident: Document[IncidentSpec], side: Side, now: datetime) -> Iterator[Halt]:
    spec = incident.spec
    if spec.is_over(now) or is_to_come(when(spec.opened.at), now):
        return
    model = side.snapshot.get(Address.parse(spec.model))
    levels = spec.levels_from(now)
    if model is not None and isinstance(model.spec, SeverityModelSpec):
        known = [(name, model.spec.level(name)) for name in levels]
        levels = tuple(name for name, level in known if level is None or level.freeze_owed)
    if not levels:
        return
    level = levels[-1]
    yield Halt(
        str(incident.address),
        "incident",
        f"{level}: {spec.title}",
        side.name,
        {"environments": (f"Environment/{spec.environment}",)},
        spec.commander(now) or "",
        when(spec.opened.at),
        None,
        f"`chimera incident resolve {incident.address.name}` ends it",
        is_trusted=side.is_trusted,
    )

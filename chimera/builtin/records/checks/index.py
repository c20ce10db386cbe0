"""The records of a snapshot by what they refer to, gathered once: no check looks at all for each.

Refuses judgement, and entries of the changelog: there are many, and each is judged as it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from chimera.builtin.records.checks.faults import Filed
from chimera.builtin.records.kinds import (
    FreezeSpec,
    IncidentSpec,
    PostmortemSpec,
    RollbackSpec,
    SeverityModelSpec,
)
from chimera.kinds import Model, Snapshot

S = TypeVar("S", bound=Model)
By = Mapping[str, tuple[Filed[S], ...]]


@dataclass(frozen=True)
class Index:
    """Records in order of address, and those that others ask for by what they are about."""

    models: tuple[Filed[SeverityModelSpec], ...]
    incidents: tuple[Filed[IncidentSpec], ...]
    postmortems: tuple[Filed[PostmortemSpec], ...]
    rollbacks: tuple[Filed[RollbackSpec], ...]
    freezes: tuple[Filed[FreezeSpec], ...]
    by_name: Mapping[str, Filed[Any]]
    """Every one of them, by its address."""
    reviews_of: By[PostmortemSpec]
    """Postmortems by their incident."""
    freezes_of: By[FreezeSpec]
    """Freezes by their incident."""

    @staticmethod
    def of(snapshot: Snapshot) -> Index:
        """Gather the records of a snapshot."""
        postmortems = tuple(filed(snapshot, PostmortemSpec))
        freezes = tuple(filed(snapshot, FreezeSpec))
        models = tuple(filed(snapshot, SeverityModelSpec))
        incidents = tuple(filed(snapshot, IncidentSpec))
        rollbacks = tuple(filed(snapshot, RollbackSpec))
        every: tuple[Filed[Any], ...] = (*models, *incidents, *postmortems, *rollbacks, *freezes)
        return Index(
            models,
            incidents,
            postmortems,
            rollbacks,
            freezes,
            {one.name: one for one in every},
            _by((one.spec.incident, one) for one in postmortems),
            _by((one.spec.incident, one) for one in freezes),
        )

    def model(self, name: str) -> SeverityModelSpec | None:
        """Return the severity model of an address, if it is there."""
        found = self.by_name.get(name)
        return found.spec if found and isinstance(found.spec, SeverityModelSpec) else None

    def incident(self, name: str | None) -> IncidentSpec | None:
        """Return the incident of an address, if it is there."""
        found = self.by_name.get(name) if name else None
        return found.spec if found and isinstance(found.spec, IncidentSpec) else None


def index_of(snapshot: Snapshot) -> Index:
    """Return the index of a snapshot, gathered when it is first asked for."""
    return snapshot.once(Index.of)


def filed(snapshot: Snapshot, spec: type[S]) -> Iterator[Filed[S]]:
    """Yield the records of a model in order of address, each read when it is asked for."""
    names = {kind.name for kind in snapshot.registry if kind.is_of(spec)}
    for document in snapshot.of_kinds(names):
        read = document.spec
        if isinstance(read, spec):
            yield Filed(document, read)


def _by(found: Iterable[tuple[str | None, Filed[S]]]) -> By[S]:
    gathered: dict[str, list[Filed[S]]] = {}
    for name, one in found:
        if name is not None:
            gathered.setdefault(name, []).append(one)
    return {name: tuple(filed) for name, filed in gathered.items()}

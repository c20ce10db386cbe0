"""How the genome store is. Refuses to repair: a damaged file is named, and its owner removes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chimera.builtin.evolution.genomes.store import GenomeStore
from chimera.kinds import shown
from chimera.runtime.health import Health, HealthCheck, HealthTask


def observe(task: HealthTask) -> Iterator[HealthCheck]:
    """Yield one check where there is a store: degraded by damage, since nothing uses what is."""
    found = GenomeStore.of(task.snapshot.tree.root).find(ancestors=True)
    if not found.kept and not found.damaged:
        return
    measures = {"genomes": len(found.kept), "damaged": len(found.damaged)}
    if found.damaged:
        yield HealthCheck(
            "genomes",
            Health.DEGRADED,
            f"{len(found.damaged)} damaged, such as {shown(found.damaged[0].path.name)}",
            "`chimera evolve verify` lists them; remove them, and a run writes its own anew",
            measures,
        )
    else:
        yield HealthCheck("genomes", Health.HEALTHY, f"{len(found.kept)} sound", None, measures)


def damaged(root: Path) -> Iterator[str]:
    """Yield what is wrong with the genome store of the work tree at `root`, a line each."""
    for one in GenomeStore.of(root).find(ancestors=True).damaged:
        yield f"{one.path.name}: {one.reason}"

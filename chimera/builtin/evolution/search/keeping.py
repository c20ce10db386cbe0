"""Keeps champions in the genome store while a run goes on: what the last one descends from.

What is kept follows from the states at checkpoints, so that a run that was resumed keeps the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chimera.builtin.evolution.genomes.entries import entry_of
from chimera.builtin.evolution.genomes.store import GenomeStore
from chimera.builtin.evolution.search.outcome import Champion, champion_of, provenance_of
from chimera.builtin.evolution.search.problem import gene_values, numbers_of
from chimera.builtin.evolution.spec.defaults import operators_of
from chimera.model import ChimeraError

if TYPE_CHECKING:
    from chimera.builtin.evolution.search.algorithm import Floats
    from chimera.builtin.evolution.search.engine import RunState, Search


def keep_champion(
    root: Path, search: Search, state: RunState, definition: Mapping[str, Any], previous: str | None
) -> str | None:
    """Keep the champion so far and return its digest; the last one's where it is still the same.

    There is none while no candidate is feasible.
    """
    store, spec = GenomeStore.of(root), search.spec
    try:
        champion = champion_of(search, state)
    except ChimeraError:
        return None
    if previous is not None and store.champion_of(previous) == champion.digest:
        return previous
    provenance = provenance_of(search, definition)
    parents = [
        store.put(entry_of(spec, _genome(search, parent, provenance), role="ancestor"))
        for parent in _parents(search, state, champion)
    ]
    entry = entry_of(
        spec,
        _genome(search, champion, provenance),
        operators=_operators(search) if parents else (),
        parents=list(dict.fromkeys(parents)),
        previous=previous,
    )
    return store.put(entry)


def _genome(search: Search, found: Champion, provenance: Mapping[str, Any]) -> dict[str, Any]:
    spec = search.spec
    genome: dict[str, Any] = {
        "genes": gene_values(spec.genome, found.row),
        "champion": found.digest,
        "generation": found.generation,
        "island": found.island,
        "provenance": provenance,
    }
    if not spec.objectives:
        return genome | {"fitness": found.fitness}
    pairs = zip(spec.objectives, found.outcomes, strict=True)
    return genome | {"objectives": [{"name": aim.name, "value": value} for aim, value in pairs]}


def _parents(search: Search, state: RunState, champion: Champion) -> list[Champion]:
    """Return the parents of the champion, where its algorithm knows them and can score them."""
    rows = state.islands[champion.island].get("parents")
    if rows is None or champion.generation == 0 or search.spec.objectives:
        return []
    found = []
    for row in rows:
        fitness = search.fitness_of(row)
        if fitness is not None:
            found.append(_parent(search, row, fitness, champion))
    return found


def _parent(search: Search, row: Floats, fitness: float, child: Champion) -> Champion:
    numbers = numbers_of(search.spec.genome, row)
    generation = max(0, child.generation - 1)
    return Champion(np.array(row), numbers, (fitness,), generation, child.island)


def _operators(search: Search) -> list[str]:
    """Return what makes a child of its parents, in words."""
    operators, types = operators_of(search.spec), search.spec.genome.types
    found: list[str] = [operators.selection.type]
    if types != {"permutation"}:
        assert operators.crossover is not None
        assert operators.mutation is not None
        found += [operators.crossover.type, operators.mutation.type]
    if "permutation" in types:
        found += [operators.permutation.crossover, operators.permutation.mutation]
    return found

"""What an edit of an evolution takes from proofs and genomes that name it."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.evolution.kinds import EvolutionSpec

_NO_PART_OF_THE_SEARCH = {"trigger", "checkpoint_every", "budget"}


def breaks(before: EvolutionSpec, after: EvolutionSpec) -> Iterator[str]:
    """Yield genes that are gone, and whether proofs can expect the same champion."""
    kept = {gene.name for gene in after.genome.genes}
    yield from (f"the gene {g.name} is gone" for g in before.genome.genes if g.name not in kept)
    if _search(before) != _search(after):
        yield "it searches otherwise: a proof that expects its champion expects the wrong one"


def _search(spec: EvolutionSpec) -> dict[str, object]:
    return spec.model_dump(exclude=_NO_PART_OF_THE_SEARCH)

"""What an edit of an evolution takes from proofs and genomes that name it."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.evolution.kinds import EvolutionSpec


def breaks(before: EvolutionSpec, after: EvolutionSpec) -> Iterator[str]:
    """Yield genes and objectives that are gone or others, and whether the champion can be."""
    kept = {gene.name for gene in after.genome.genes}
    yield from (f"the gene {g.name} is gone" for g in before.genome.genes if g.name not in kept)
    types = {gene.name: gene.type for gene in after.genome.genes}
    yield from (
        f"the gene {g.name} is {types[g.name]} now, and not {g.type}"
        for g in before.genome.genes
        if types.get(g.name, g.type) != g.type
    )
    aims = {aim.name for aim in after.objectives}
    yield from (f"the objective {a.name} is gone" for a in before.objectives if a.name not in aims)
    if before.problem() != after.problem():
        yield "it searches otherwise: a proof that expects its champion expects the wrong one"

"""What is wrong with the genes of a candidate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chimera.builtin.evolution.fitness.symbols import is_reserved
from chimera.builtin.evolution.spec.fault import Fault
from chimera.builtin.evolution.spec.genes import CategoricalGene, IntegerGene, RealGene

if TYPE_CHECKING:
    from chimera.builtin.evolution.spec.evolution import EvolutionSpec
    from chimera.builtin.evolution.spec.genes import Gene
    from chimera.model import Route

MAX_GENES = 100_000


def gene_faults(spec: EvolutionSpec) -> Iterator[Fault]:
    """Yield what is wrong with genes."""
    seen: set[str] = set()
    for position, gene in enumerate(spec.genome.genes):
        route = ("genome", "genes", position)
        yield from _range_faults(gene, route)
        if is_reserved(gene.name) or gene.name in seen:
            yield Fault(
                "evolution-gene-name-taken",
                f"the name {gene.name} already means something else in a fitness expression",
                (*route, "name"),
                "give the gene another name",
            )
        seen.add(gene.name)
    if spec.genome.length > MAX_GENES:
        yield Fault(
            "evolution-too-large",
            f"a candidate of {spec.genome.length} numbers is more than {MAX_GENES}",
            ("genome", "genes"),
            "make vectors shorter, or search for what generates them",
        )


def _range_faults(gene: Gene, route: Route) -> Iterator[Fault]:
    if isinstance(gene, RealGene | IntegerGene) and gene.min >= gene.max:
        yield Fault(
            "evolution-bounds-reversed",
            f"the gene {gene.name} has the lower bound {gene.min:g}, "
            f"which is not below its upper bound {gene.max:g}",
            (*route, "min"),
            "exchange the two bounds, or replace a gene that cannot vary by its value",
        )
    if isinstance(gene, RealGene) and gene.scale == "log" and gene.min <= 0:
        yield Fault(
            "evolution-scale-unfit",
            f"the gene {gene.name} has the lower bound {gene.min:g}, of which there is no "
            "logarithm",
            (*route, "min"),
            "give a lower bound above 0, or leave out scale: log",
        )
    if isinstance(gene, CategoricalGene):
        known = [(isinstance(value, bool), value) for value in gene.values]
        twice = [value for i, value in enumerate(known) if value in known[:i]]
        if twice:
            yield Fault(
                "evolution-category-twice",
                f"the gene {gene.name} has the value {twice[0][1]!r} twice",
                (*route, "values"),
                "name each value once: all of them have the same chance",
            )

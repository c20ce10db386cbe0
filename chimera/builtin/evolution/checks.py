"""What an Evolution's fields say together, judged without numba: every fault at its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chimera.builtin.evolution.fitness.expressions import is_reserved, read_expression
from chimera.builtin.evolution.kinds import EvolutionSpec, IntegerGene, RealGene
from chimera.builtin.evolution.spec.defaults import population_of
from chimera.kinds import Document
from chimera.model import Diagnostic, Finding, Route, Verdict

MAX_NUMBERS = 20_000_000
"""Genes of a whole population: two generations of them take 320 MB."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a spec, where, and what to do."""

    rule: str
    message: str
    route: Route
    help: str


def judge(document: Document[EvolutionSpec]) -> Verdict:
    """Judge one Evolution."""
    found = tuple(_diagnostic(fault, document) for fault in problem_faults(document.spec))
    finding = Finding.FAIL if found else Finding.PASS
    return Verdict("evolution", str(document.address), finding, diagnostics=found)


def _diagnostic(fault: Fault, document: Document[EvolutionSpec]) -> Diagnostic:
    return Diagnostic(
        fault.rule,
        fault.message,
        document.at("spec", *fault.route),
        fault.help,
        address=str(document.address),
    )


def problem_faults(spec: EvolutionSpec) -> Iterator[Fault]:
    """Yield every fault that a single field does not show."""
    genes_sound = True
    for fault in _gene_faults(spec):
        genes_sound = False
        yield fault
    population = population_of(spec)
    if spec.elites >= population:
        yield Fault(
            "evolution-elites-too-many",
            f"{spec.elites} elites leave no room for children in a population of {population}",
            ("elites",),
            "keep a few elites, fewer than the population",
        )
    if population * spec.genome.length > MAX_NUMBERS:
        yield Fault(
            "evolution-too-large",
            f"{population} candidates of {spec.genome.length} genes are more than "
            f"{MAX_NUMBERS} numbers",
            ("population",),
            "make the population or the genome smaller",
        )
    yield from _fitness_faults(spec, genes_sound=genes_sound)


def _gene_faults(spec: EvolutionSpec) -> Iterator[Fault]:
    seen: set[str] = set()
    for position, gene in enumerate(spec.genome.genes):
        route = ("genome", "genes", position)
        if isinstance(gene, (RealGene, IntegerGene)) and gene.min >= gene.max:
            yield Fault(
                "evolution-bounds-reversed",
                f"the gene {gene.name} has the lower bound {gene.min:g}, "
                f"which is not below its upper bound {gene.max:g}",
                (*route, "min"),
                "exchange the two bounds, or replace a gene that cannot vary by its value",
            )
        if is_reserved(gene.name) or gene.name in seen:
            yield Fault(
                "evolution-gene-name-taken",
                f"the name {gene.name} already means something else in a fitness expression",
                (*route, "name"),
                "give the gene another name",
            )
        seen.add(gene.name)


def _fitness_faults(spec: EvolutionSpec, *, genes_sound: bool) -> Iterator[Fault]:
    fitness = spec.fitness
    if (fitness.function is None) == (fitness.expression is None):
        yield Fault(
            "evolution-fitness-unclear",
            "the fitness is "
            + ("neither a function nor" if fitness.function is None else "a function and also")
            + " an expression",
            ("fitness",),
            "give one of them: function names a test function, expression is arithmetic over genes",
        )
    elif fitness.expression is not None and genes_sound:
        for message in read_expression(fitness.expression, spec.genome.genes).faults:
            yield Fault(
                "evolution-expression-invalid",
                f"the fitness expression is refused: {message}",
                ("fitness", "expression"),
                "write arithmetic over the genes, as in: sum(g ** 2 for g in genes)",
            )

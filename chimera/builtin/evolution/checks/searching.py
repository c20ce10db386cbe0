"""What is wrong with algorithm, operators, islands and budget: what does not fit the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chimera.builtin.evolution.spec.algorithms import CmaEs
from chimera.builtin.evolution.spec.choosing import choose
from chimera.builtin.evolution.spec.defaults import (
    MAX_OBJECTIVES,
    NUMBERS,
    ROWS_A_GENE,
    evaluations_of,
    population_of,
)
from chimera.builtin.evolution.spec.fault import Fault

if TYPE_CHECKING:
    from chimera.builtin.evolution.spec.evolution import EvolutionSpec
    from chimera.model import Route

MAX_NUMBERS = 20_000_000
"""Genes of all populations: two generations of them take 320 MB."""

BREEDING = ("genetic", "nsga-2")
"""Algorithms that make children by operators."""

REAL = ("l-shade", "cma-es", "portfolio")
"""Algorithms for real genes alone."""

LEAST_OF_L_SHADE = 4
"""Candidates that its smallest population has, as `kernels.lshade_layout` says."""

WITHOUT_IMMIGRANTS = ("cma-es", "portfolio", "nsga-2")


def searching_faults(spec: EvolutionSpec) -> Iterator[Fault]:
    """Yield what does not fit."""
    name = choose(spec).islands[0].algorithm.type
    yield from _algorithm_faults(spec, name)
    if spec.operators is not None:
        yield from _operator_faults(spec, name)
    yield from _population_faults(spec, name)
    yield from _island_faults(spec, name)
    if spec.diversity is not None and name in WITHOUT_IMMIGRANTS:
        yield Fault(
            "evolution-diversity-unfit",
            f"{name} has no use for immigrants",
            ("diversity",),
            "leave out diversity: CMA-ES restarts by itself, and fronts keep their distances",
        )


def _algorithm_faults(spec: EvolutionSpec, name: str) -> Iterator[Fault]:
    others = sorted(spec.genome.types - {"real"})
    route: Route = ("algorithm",)
    if name in REAL and others:
        yield Fault(
            "evolution-algorithm-unfit",
            f"{name} searches real genes alone, and there are some of type {', '.join(others)}",
            route,
            "take genetic, or leave the choice to auto",
        )
    if isinstance(spec.algorithm, CmaEs) and spec.algorithm.separable is False:
        numbers = spec.genome.length**2 * spec.islands.count
        if numbers > MAX_NUMBERS:
            yield Fault(
                "evolution-too-large",
                f"the correlations of {spec.genome.length} genes are {numbers} numbers, more than "
                f"{MAX_NUMBERS}",
                (*route, "separable"),
                "leave out separable: with so many genes scales alone are learned",
            )
    if name == "nsga-2" and not spec.objectives:
        yield Fault(
            "evolution-algorithm-unfit",
            "nsga-2 finds the front of several objectives, and there are none",
            route,
            "give objectives, or leave the choice to auto",
        )
    if name != "nsga-2" and spec.objectives:
        yield Fault(
            "evolution-algorithm-unfit",
            f"{name} has one fitness, and there are several objectives",
            route,
            "take nsga-2, or leave the choice to auto",
        )
    if len(spec.objectives) > MAX_OBJECTIVES:
        yield Fault(
            "evolution-objectives-too-many",
            f"{len(spec.objectives)} objectives are more than {MAX_OBJECTIVES}: nearly all "
            "candidates would be on the front",
            ("objectives",),
            "weigh some of them against one another in one expression",
        )


def _operator_faults(spec: EvolutionSpec, name: str) -> Iterator[Fault]:
    operators, types = spec.operators, spec.genome.types
    assert operators is not None
    if name not in BREEDING:
        yield _operator_fault(
            f"{name} has no operators", ("operators",), "leave them out, or take genetic"
        )
        return
    loose = sorted(types - {"permutation"})
    for word, blending in (
        ("crossover", ("sbx", "blend")),
        ("mutation", ("gaussian", "polynomial")),
    ):
        given = getattr(operators, word)
        if given is None:
            continue
        if not loose:
            yield _operator_fault(
                f"{given.type} fits no permutation, and there are no other genes",
                ("operators", word),
                f"give operators.permutation.{word}",
            )
        elif given.type in blending and not types & NUMBERS:
            yield _operator_fault(
                f"{given.type} is for numbers, and all genes are of type {', '.join(loose)}",
                ("operators", word),
                "take " + ("uniform, one-point or two-point" if word == "crossover" else "reset"),
            )
    if "permutation" in operators.model_fields_set and "permutation" not in types:
        yield _operator_fault(
            "operators for permutations are given, and there are none among the genes",
            ("operators", "permutation"),
            "leave them out",
        )
    if name == "nsga-2" and "selection" in operators.model_fields_set:
        yield _operator_fault(
            "nsga-2 selects by ranks and distances on its fronts",
            ("operators", "selection"),
            "leave it out",
        )


def _operator_fault(message: str, route: Route, help: str) -> Fault:
    return Fault("evolution-operator-unfit", message, route, help)


def _population_faults(spec: EvolutionSpec, name: str) -> Iterator[Fault]:
    population = _population(spec, name)
    if name == "genetic" and spec.elites >= population:
        yield Fault(
            "evolution-elites-too-many",
            f"{spec.elites} elites leave no room for children in a population of {population}",
            ("elites",),
            "keep a few elites, fewer than the population",
        )
    if name == "l-shade" and population < LEAST_OF_L_SHADE:
        yield Fault(
            "evolution-population-too-small",
            f"l-shade makes a child of {LEAST_OF_L_SHADE} candidates, and there are {population}",
            ("population",),
            "give it more, or leave out the population: it is derived from the number of genes",
        )
    numbers = population * spec.genome.length * spec.islands.count
    if numbers > MAX_NUMBERS:
        islands = f" on {spec.islands.count} islands" if spec.islands.count > 1 else ""
        yield Fault(
            "evolution-too-large",
            f"{population} candidates of {spec.genome.length} genes{islands} are more than "
            f"{MAX_NUMBERS} numbers",
            ("population",) if spec.population is not None else ("genome",),
            "make the population or the genome smaller",
        )
    evaluations = evaluations_of(spec)
    if evaluations is not None and name != "portfolio":
        share = evaluations // spec.islands.count
        if share < population:
            yield Fault(
                "evolution-evaluations-too-few",
                f"{share} evaluations on each island do not suffice for one generation of "
                f"{population} candidates",
                ("termination", "evaluations"),
                "allow more evaluations, or make population or islands smaller",
            )


def _population(spec: EvolutionSpec, name: str) -> int:
    """Return the size of the first generation, as far as it is known here."""
    if name == "l-shade" and spec.population is None:
        return ROWS_A_GENE * spec.genome.length
    if name in REAL:
        return spec.population or 4
    return population_of(spec)


def _island_faults(spec: EvolutionSpec, name: str) -> Iterator[Fault]:
    islands = spec.islands
    if islands.migrants >= _population(spec, name) and islands.count > 1:
        yield Fault(
            "evolution-migrants-too-many",
            f"{islands.migrants} migrants would replace a whole population of "
            f"{_population(spec, name)}",
            ("islands", "migrants"),
            "send a few, far fewer than the population",
        )
    end = spec.termination.generations
    if islands.count > 1 and islands.topology != "none" and end is not None and islands.every > end:
        yield Fault(
            "evolution-islands-never-meet",
            f"a migration every {islands.every} generations never comes within {end}",
            ("islands", "every") if "every" in islands.model_fields_set else ("islands",),
            "migrate more often, or say so by topology: none",
        )
    if spec.budget.executor != "threads" and islands.count == 1 and not spec.fitness.is_outside:
        yield Fault(
            "evolution-executor-unfit",
            f"one island has nothing to hand to {spec.budget.executor}",
            ("budget", "executor"),
            "have more islands, or leave out the executor",
        )

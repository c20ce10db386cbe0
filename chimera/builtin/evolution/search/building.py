"""From a spec and the choice of algorithms to islands that can search; and what identifies them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from chimera.builtin.evolution.fitness.generating import Form
from chimera.builtin.evolution.kernels.compiling import is_replaced, sources_digest
from chimera.builtin.evolution.kernels.randomness import SCHEME
from chimera.builtin.evolution.kinds import CmaEs, EvolutionSpec, Parameters
from chimera.builtin.evolution.search.algorithm import Algorithm, Floats, Problem
from chimera.builtin.evolution.search.island import Island
from chimera.builtin.evolution.search.problem import problem_of
from chimera.builtin.evolution.search.scoring import Evaluate, compiled, compiled_constraints
from chimera.builtin.evolution.spec.choosing import Choice
from chimera.model import ChimeraError, Digest, digest_json

_SEARCH = __name__.rpartition(".")[0]

ALGORITHMS = {
    "genetic": "genetic:GeneticSearch",
    "bits": "bits:BitsSearch",
    "l-shade": "lshade:LShadeSearch",
    "cma-es": "cmaes:CmaEsSearch",
    "portfolio": "portfolio:PortfolioSearch",
    "nsga-2": "nsga2:Nsga2Search",
}
"""Module and class of what searches; imported when it is used. `bits` is the genetic algorithm on
packed genomes."""

_FORMS: dict[str, Form] = {"bits": "packed", "nsga-2": "objectives"}


def implementation_of(spec: EvolutionSpec, parameters: Parameters) -> str:
    """Return which of `ALGORITHMS` an island has."""
    if parameters.type == "genetic" and spec.genome.types == {"bit"}:
        return "bits"
    return parameters.type


def form_of(spec: EvolutionSpec, parameters: Parameters) -> Form:
    """Return the form of rows that a fitness is compiled for."""
    return _FORMS.get(implementation_of(spec, parameters), "fitness")


def build_islands(
    spec: EvolutionSpec, choice: Choice, evaluate: Evaluate | None, fitness: Any
) -> list[Island]:
    """Return the islands, all that they need compiled."""
    found = []
    for index, island in enumerate(choice.islands):
        own = spec.model_copy(update={"algorithm": island.algorithm})
        name = implementation_of(spec, island.algorithm)
        inside = fitness
        if inside is None and evaluate is None:
            inside = compiled(spec, form_of(spec, island.algorithm))
        problem = problem_of(own, index, island.share, inside)
        algorithm = _algorithm(name, problem, own)
        of_rows = _of_rows(name, problem) if evaluate is None else compiled_constraints(spec)
        found.append(Island(problem, algorithm, spec.diversity, evaluate, of_rows))
    return found


def _of_rows(name: str, problem: Problem) -> Any:
    """Return what fills in the fitnesses of rows of numbers, whatever the algorithm works on.

    `None` where there are several.
    """
    if name == "nsga-2":
        return None
    if name != "bits":
        return problem.fitness
    from chimera.builtin.evolution.kernels.packed import packed

    def fill(rows: Floats, first: int, last: int, values: Floats) -> None:
        problem.fitness(packed(rows[:, : problem.genes]), first, last, values)

    return fill


def _algorithm(name: str, problem: Problem, spec: EvolutionSpec) -> Algorithm:
    module_name, _, attribute = ALGORITHMS[name].partition(":")
    module = import_module(f"{_SEARCH}.{module_name}")
    settings: Any = spec
    if isinstance(spec.algorithm, CmaEs):
        own = spec.algorithm
        settings = module.Defaults(own.restarts, own.separable, own.sigma, spec.population)
    found: Algorithm = getattr(module, attribute)(problem, settings)
    return found


def code_of(spec: EvolutionSpec, choice: Choice) -> Digest:
    """Return the digest of all sources that the numbers of a search follow from.

    Raises `ChimeraError` where these are not what this process has imported.
    """
    names = {implementation_of(spec, island.algorithm) for island in choice.islands}
    modules = sorted(ALGORITHMS[name].partition(":")[0] for name in names)
    digest = sources_digest(f"{_SEARCH}.engine", *(f"{_SEARCH}.{module}" for module in modules))
    if is_replaced():
        raise ChimeraError(
            "Chimera was replaced by another version while this process ran",
            help="start it again: what it would compute now is of neither version",
        )
    return digest


def identity_of(spec: EvolutionSpec, choice: Choice, code: str) -> Digest:
    """Return the digest of everything that a run's numbers follow from."""
    return digest_json([spec.problem(), code_of(spec, choice), SCHEME, code])

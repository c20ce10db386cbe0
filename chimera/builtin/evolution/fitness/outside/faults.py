"""What is wrong with a fitness from outside that no single field shows, without computing one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.fitness.outside.templates import faults_in, filled, fitting
from chimera.builtin.evolution.spec.defaults import expected_evaluations
from chimera.builtin.evolution.spec.fault import Fault
from chimera.kinds import ValidationError

if TYPE_CHECKING:
    from chimera.builtin.evolution.spec.evolution import EvolutionSpec
    from chimera.builtin.evolution.spec.fitness import PythonFitness
    from chimera.builtin.evolution.spec.genes import Gene
    from chimera.runtime import Operation

MAX_GENERATIONS = 900
"""Generations of a run whose candidates are steps: the graph of a run is made before it begins."""

MAX_CANDIDATES = 100_000
"""Candidates of such a run: each is kept in the journal."""


def outside_faults(spec: EvolutionSpec) -> Iterator[Fault]:
    """Yield what is wrong with a fitness by Python, an operation or a workflow."""
    fitness = spec.fitness
    if fitness.python is not None:
        yield from _python_faults(fitness.python)
    for word, asked in (("operation", fitness.operation), ("workflow", fitness.workflow)):
        if asked is None:
            continue
        lengths = {gene.name: gene.count for gene in spec.genome.genes}
        for route, message in faults_in(asked.inputs, lengths):
            yield Fault(
                "evolution-fitness-reference",
                message,
                ("fitness", word, "inputs", *route),
                "write ${genes.NAME}, ${genes.NAME.0} or ${candidate}; $${ is a literal ${",
            )
        yield from _length_faults(spec, word)


def operation_faults(
    spec: EvolutionSpec, operations: Mapping[str, Operation[Any, Any]]
) -> Iterator[Fault]:
    """Yield what is wrong with the operation of a fitness: an unknown one, inputs that misfit."""
    asked = spec.fitness.operation
    if asked is None or next(outside_faults(spec), None) is not None:
        return
    operation = operations.get(asked.name)
    if operation is None:
        yield Fault(
            "evolution-operation-unknown",
            f"there is no operation {asked.name!r}",
            ("fitness", "operation", "name"),
            "`chimera explain operations` lists those that plugins register",
        )
        return
    sample = {gene.name: _sample(gene) for gene in spec.genome.genes}
    inputs = fitting(operation.inputs, filled(asked.inputs, sample))
    try:
        operation.inputs.model_validate(inputs)
    except ValidationError as error:
        for one in error.errors():
            yield Fault(
                "evolution-operation-inputs",
                f"the inputs do not fit {asked.name}: {'.'.join(map(str, one['loc']))}: "
                f"{one['msg'][:1].lower()}{one['msg'][1:]}",
                ("fitness", "operation", "inputs"),
                f"`chimera explain {asked.name}` shows what the inputs are",
            )


def _python_faults(python: PythonFitness) -> Iterator[Fault]:
    if not python.compiled:
        return
    for name, is_given, reason in (
        ("batch", python.batch, "what is compiled gets one candidate at a time"),
        ("timeout", python.timeout is not None, "nothing can end what runs in the search's loop"),
    ):
        if is_given:
            yield Fault(
                "evolution-python-unfit",
                f"{name} has no use beside compiled: {reason}",
                ("fitness", "python", name),
                f"remove {name}, or compiled",
            )


def _length_faults(spec: EvolutionSpec, word: str) -> Iterator[Fault]:
    candidates = expected_evaluations(spec)
    population = spec.population or int(4 + 3 * math.log(spec.genome.length))  # the least of all
    generations = candidates // (population * spec.islands.count)
    if spec.termination.generations is not None:
        generations = spec.termination.generations
    if generations > MAX_GENERATIONS:
        yield Fault(
            "evolution-too-many-steps",
            f"there may be {generations} generations by {word}, and a run has steps for no more "
            f"than {MAX_GENERATIONS}",
            ("termination",),
            "write termination.generations, or a larger population, or compute it by python",
        )
    if candidates > MAX_CANDIDATES:
        yield Fault(
            "evolution-too-many-steps",
            f"{candidates} candidates by {word} are more than the {MAX_CANDIDATES} steps that a "
            "run's journal should keep",
            ("termination",),
            "bound termination.evaluations, or compute the fitness by python",
        )


def _sample(gene: Gene) -> Any:
    """Return some value of a gene."""
    value: Any
    match gene.type:
        case "real" | "integer":
            value = gene.min
        case "categorical":
            value = gene.values[0]
        case "permutation":
            return list(range(gene.length))
        case _:
            value = 0
    return value if gene.count is None else [value] * gene.count

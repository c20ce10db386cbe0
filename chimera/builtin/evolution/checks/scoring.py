"""What is wrong with fitness, objectives, constraints and their expressions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chimera.builtin.evolution.fitness.expressions import read_constraint, read_expression
from chimera.builtin.evolution.fitness.functions import FUNCTIONS
from chimera.builtin.evolution.fitness.symbols import parameter_faults
from chimera.builtin.evolution.spec.fault import Fault

if TYPE_CHECKING:
    from chimera.builtin.evolution.spec.evolution import EvolutionSpec
    from chimera.model import Route

MAX_CHARACTERS = 20_000
"""Of all expressions, which become one function."""

_HELP = "write arithmetic over the genes, as in: sum(g ** 2 for g in genes)"


def scoring_faults(spec: EvolutionSpec, *, genes_sound: bool) -> Iterator[Fault]:
    """Yield what is wrong with what makes a candidate better than another."""
    yield from _way_faults(spec)
    yield from _function_faults(spec)
    names_sound = genes_sound
    for name, message in parameter_faults(spec.fitness.parameters, spec.genome.genes):
        names_sound = False  # an expression would be refused for what it cannot know
        yield Fault(
            "evolution-parameter-invalid",
            message,
            ("fitness", "parameters", name),
            "a parameter is a number, a list of numbers, or a list of lists of equal length",
        )
    if names_sound:
        yield from _expression_faults(spec)
    if spec.fitness.is_outside or spec.fitness.python is not None:
        from chimera.builtin.evolution.fitness.outside.faults import outside_faults

        yield from outside_faults(spec)


def _way_faults(spec: EvolutionSpec) -> Iterator[Fault]:
    ways = spec.fitness.ways
    if not spec.objectives and len(ways) != 1:
        yield Fault(
            "evolution-fitness-unclear",
            "there is no fitness" if not ways else f"the fitness is given as {' and '.join(ways)}",
            ("fitness",) if "fitness" in spec.model_fields_set else (),
            "give one of: function names a test function, expression is arithmetic over genes, "
            "python, operation or workflow compute it outside",
        )
    if not spec.objectives:
        return
    if ways:
        yield Fault(
            "evolution-objectives-unclear",
            f"the fitness is given as {' and '.join(ways)} and as several objectives",
            ("objectives",),
            "leave one of them out; with objectives the fitness holds parameters alone",
        )
    if len(spec.objectives) == 1:
        yield Fault(
            "evolution-objectives-unclear",
            "one objective alone makes no front",
            ("objectives",),
            "give its expression as the fitness, or another objective beside it",
        )
    names = [aim.name for aim in spec.objectives]
    for position, name in enumerate(names):
        if name in names[:position]:
            yield Fault(
                "evolution-objectives-unclear",
                f"two objectives are called {name}",
                ("objectives", position, "name"),
                "give each objective a name of its own",
            )


def _function_faults(spec: EvolutionSpec) -> Iterator[Fault]:
    """Yield where a test function means nothing: of other genes, or sought at its wrong end."""
    if spec.fitness.function is None:
        return
    name, function = spec.fitness.function, FUNCTIONS[spec.fitness.function]
    is_of_bits = function.genes == "bit"
    fits = {"bit"} if is_of_bits else {"real", "integer", "bit", "categorical"}
    others = dict.fromkeys(gene.type for gene in spec.genome.genes if gene.type not in fits)
    if others:
        yield Fault(
            "evolution-function-unfit",
            f"{name} is a function of {'bits' if is_of_bits else 'numbers'}, and there are genes "
            f"of type {' and '.join(others)}",
            ("fitness", "function"),
            "write an expression over the genes, or take another function: "
            "`chimera explain Evolution.fitness.function`",
        )
    elif is_of_bits and spec.objective == "minimize":
        yield Fault(
            "evolution-function-unfit",
            f"{name} is to be maximised, and the objective is minimize",
            ("objective",) if "objective" in spec.model_fields_set else ("fitness", "function"),
            "write objective: maximize",
        )


def _expression_faults(spec: EvolutionSpec) -> Iterator[Fault]:
    genes, parameters = spec.genome.genes, spec.fitness.parameters
    expressions: list[tuple[str, str, Route]] = []
    if spec.fitness.expression is not None:
        expressions.append(("fitness", spec.fitness.expression, ("fitness", "expression")))
    if spec.fitness.function is not None:
        text = FUNCTIONS[spec.fitness.function].expression
        expressions.append(("fitness", text, ("fitness", "function")))
    expressions += (
        (f"objective {aim.name}", aim.expression, ("objectives", position, "expression"))
        for position, aim in enumerate(spec.objectives)
    )
    constraints = [each.expression for each in spec.genome.constraints]
    length = sum(map(len, [*constraints, *(text for _, text, _ in expressions)]))
    if length > MAX_CHARACTERS:
        yield Fault(
            "evolution-too-large",
            f"all expressions together have {length} characters, more than {MAX_CHARACTERS}: "
            "compiling them would take minutes",
            ("genome", "constraints") if constraints else ("objectives",),
            "use sums over vectors and parameters, or compute the fitness by python",
        )
        return
    for what, text, route in expressions:
        for message in read_expression(text, genes, parameters).faults:
            yield Fault(
                "evolution-expression-invalid",
                f"the expression of the {what} is refused: {message}",
                route,
                _HELP,
            )
    for position, each in enumerate(spec.genome.constraints):
        for message in read_constraint(each.expression, genes, parameters, each.tolerance).faults:
            yield Fault(
                "evolution-constraint-invalid",
                f"the constraint {each.name or position} is refused: {message}",
                ("genome", "constraints", position, "expression"),
                "compare two expressions over the genes, as in: x + y <= 10",
            )

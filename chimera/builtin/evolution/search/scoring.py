"""What computes the fitness of rows: compiled from a spec's expressions, or asked of outside.

Refuses to compile what is computed outside of the kernels: there is `Evaluate` for that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chimera.builtin.evolution.fitness.compile import (
    compile_fitness,
    compile_objectives,
    compile_packed,
)
from chimera.builtin.evolution.fitness.expressions import read_constraint, read_expression
from chimera.builtin.evolution.fitness.functions import FUNCTIONS
from chimera.builtin.evolution.fitness.generating import Form
from chimera.builtin.evolution.fitness.tree import Node, Number
from chimera.builtin.evolution.kernels.evaluating import INFEASIBLE
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.algorithm import Floats

Evaluate = Callable[[int, Floats], Floats]
"""Returns fitnesses, float64[M], of an island's candidates, float64[M, W]: as their author means
them, and NaN where there is none."""


def compiled(spec: EvolutionSpec, form: Form) -> Any:
    """Return the spec's fitness or objectives compiled, or loaded, for rows of one form."""
    violations = violations_of(spec)
    if form == "objectives":
        return compile_objectives(
            [_tree(spec, aim.expression) for aim in spec.objectives], violations
        )
    tree = _tree(spec, expression_of(spec))
    return (
        compile_packed(tree, violations) if form == "packed" else compile_fitness(tree, violations)
    )


def compiled_constraints(spec: EvolutionSpec) -> Any:
    """Return what fills in 0 where a row is feasible, and `INFEASIBLE` or more where it is not."""
    return compile_fitness(Number(0.0), violations_of(spec)) if spec.genome.constraints else None


def expression_of(spec: EvolutionSpec) -> str:
    """Return the fitness as an expression."""
    if spec.fitness.function is not None:
        return FUNCTIONS[spec.fitness.function].expression
    assert spec.fitness.expression is not None
    return spec.fitness.expression


def _tree(spec: EvolutionSpec, text: str) -> Node:
    return read_expression(text, spec.genome.genes, spec.fitness.parameters).tree


def violations_of(spec: EvolutionSpec) -> list[Node]:
    """Return by how much each constraint is violated, as trees."""
    parameters = spec.fitness.parameters
    return [
        read_constraint(each.expression, spec.genome.genes, parameters, each.tolerance).tree
        for each in spec.genome.constraints
    ]


def costs_of(values: Floats, sign: float) -> Floats:
    """Return costs as `kernels.evaluating.to_costs` makes them, in another array."""
    costs = np.where(values >= INFEASIBLE, values, sign * values)
    costs[~(np.abs(values) < math.inf)] = math.inf
    return costs

"""Evaluates texts as fitnesses of one candidate, by their generated source."""

import numpy as np

from chimera.builtin.evolution.fitness.compile import (
    compile_fitness,
    compile_objectives,
    compile_packed,
    plain_function,
)
from chimera.builtin.evolution.fitness.expressions import read_constraint, read_expression
from chimera.builtin.evolution.fitness.generating import source_of
from chimera.builtin.evolution.kernels.packed import packed


def read(text, genes, parameters=None):
    """Read a text that has no faults."""
    reading = read_expression(text, genes, parameters)
    assert not reading.faults, reading.faults
    return reading.tree


def read_violation(text, genes, parameters=None, **tolerance):
    """Read a constraint that has no faults."""
    reading = read_constraint(text, genes, parameters, **tolerance)
    assert not reading.faults, reading.faults
    return reading.tree


def value(text, row, genes, parameters=None, violations=(), *, compiled=False, as_bits=False):
    """Return the fitness of `row` by its source, compiled or as plain Python, packed or not."""
    trees = [read(text, genes, parameters)]
    form = "packed" if as_bits else "fitness"
    if compiled:
        function = (compile_packed if as_bits else compile_fitness)(trees[0], violations)
    else:
        function = plain_function(source_of(form, trees, violations))
    rows, found = np.array([row, row], float), np.full(2, -1.0)
    with np.errstate(all="ignore"):
        function(packed(rows) if as_bits else rows, 1, 2, found)
    assert found[0] == -1.0, "only the rows that were asked for are evaluated"
    return float(found[1])


def objectives(texts, row, genes, violations=(), *, compiled=False):
    """Return the values of several objectives and the sum of violations."""
    trees = [read(text, genes) for text in texts]
    source = source_of("objectives", trees, violations)
    function = compile_objectives(trees, violations) if compiled else plain_function(source)
    rows, found, violated = np.array([row, row], float), np.zeros((2, len(trees))), np.zeros(2)
    with np.errstate(all="ignore"):
        function(rows, 1, 2, found, violated)
    assert not found[0].any(), "only the rows that were asked for are evaluated"
    return found[1].tolist(), float(violated[1])

"""How children are changed, gene by gene; permutations have a module of their own.

Each gene is mutated with the same chance: the gap to the next that is mutated is geometric,
floor(log u / log(1 - rate)). Reals move by a normal deviate or as polynomial mutation has it (Deb
and Goyal 1996), integers likewise and by one at least, or they are drawn anew within their bounds.
Categories are drawn anew, and bits become the other one.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import numpy as np

from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kernels.compiling import inner
from chimera.builtin.evolution.kernels.genes import BIT, CATEGORICAL, INTEGER, PERMUTATION
from chimera.builtin.evolution.kernels.randomness import below, draw, open_unit, unit

GAUSSIAN, POLYNOMIAL, RESET = range(3)
"""Kinds of mutation."""


@inner
def mutate(children, first, last, problem, settings, key):
    """Mutate genes of the rows `first` to `last`, but for their permutations."""
    genes, rate = settings.genes, settings.mutation_rate
    count = (last - first) * genes
    position, step = 0, 0
    while rate > 0.0:
        if rate < 1.0:
            gap = portable.log(open_unit(draw(key, step))) * settings.mutation_gap
            if gap >= count - position:
                break
            position += int(gap)
        elif position >= count:
            break
        row, j = first + position // genes, position % genes
        _mutate_gene(children, row, j, problem, settings, draw(key, step + 1))
        position += 1
        step += 2


@inner
def _mutate_gene(children, row, j, problem, settings, bits):
    type_, low, high = problem.types[j], problem.lower[j], problem.upper[j]
    if type_ == PERMUTATION:
        return
    if type_ == BIT:
        children[row, j] = 1.0 - children[row, j]
    elif type_ == CATEGORICAL or settings.mutation == RESET:
        children[row, j] = anew(type_, low, high, bits)
    else:
        if settings.mutation == GAUSSIAN:
            change = portable.normal(open_unit(bits)) * problem.scale[j]
        else:
            change = _polynomial(open_unit(bits), settings.mutation_index) * problem.scale[j]
        if type_ == INTEGER:
            change = np.ceil(change) if change > 0.0 else np.floor(change)
        children[row, j] = min(max(children[row, j] + change, low), high)


@inner
def anew(type_, low, high, bits):
    """Return a gene drawn from all that it can be."""
    if type_ in (INTEGER, CATEGORICAL, BIT):
        return low + below(bits, int(high - low) + 1)
    return min(max(low + unit(bits) * (high - low), low), high)


@inner
def _polynomial(u, index):
    """Return δ of polynomial mutation for a uniform `u` (eq. 8)."""
    if u < 0.5:
        return portable.exp(index * portable.log(2.0 * u)) - 1.0
    return 1.0 - portable.exp(index * portable.log(2.0 - 2.0 * u))

"""How children are changed, gene by gene; permutations have a module of their own.

Each gene is mutated with the same chance: the gap to the next that is mutated is geometric,
floor(log u / log(1 - rate)). Reals move by a normal deviate (Box and Muller 1958) or as polynomial
mutation has it (Deb and Goyal 1996), integers likewise and by one at least, or they are drawn anew
from all that they can be. Categories are drawn anew, and bits become the other one. Gaps and
deviates are made many at a time, by loops without branches that are vectorised.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import numpy as np

from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kernels.compiling import inner
from chimera.builtin.evolution.kernels.genes import BIT, CATEGORICAL, INTEGER, PERMUTATION, REAL
from chimera.builtin.evolution.kernels.randomness import below, draw, open_unit, unit

GAUSSIAN, POLYNOMIAL, RESET = range(3)
"""Kinds of mutation."""

STEPS = 256
"""Mutations that are prepared at a time."""

_DRAWS = 3
"""Draws for each mutation: its gap, its deviate, and a gene anew."""

_NOTHING, _BIT_0 = np.uint64(0), np.uint64(1)
_LONGEST_GAP = 2.0**51
_MINUS_LN_4 = -1.3862943611198906


@inner
def mutate(mates, rows, layout, settings, scratch, key):
    """Mutate genes of a block of `rows` children, first ones and then second ones.

    Padding counts as genes, of scale 0.
    """
    gaps, deviates = scratch.gaps, scratch.deviates
    width = layout.types.shape[0]
    split = (rows + 1) // 2 * width
    position = 0
    for first_step in range(0, rows * width + STEPS, STEPS):
        _prepare(gaps, deviates, settings, key, first_step)
        for step in range(STEPS):
            position += gaps[step]
            if position >= rows * width:
                return
            half = 1 if position >= split else 0
            i = position - half * split
            if settings.is_plain:
                mates[half, i] += deviates[step] * layout.scale[i]
            else:
                bits = draw(key, _DRAWS * (first_step + step) + 2)
                mates[half, i] = _changed(
                    mates[half, i], i % width, deviates[step], bits, layout, settings
                )
            position += 1


@inner
def _prepare(gaps, deviates, settings, key, first_step):
    """Fill in the gaps before the next mutations, and how far each goes in units of its scale."""
    factor = settings.mutation_gap
    for step in range(STEPS):
        u = open_unit(draw(key, _DRAWS * (first_step + step)))
        gaps[step] = int(min(portable.unit_log2(u) * factor, _LONGEST_GAP))
    if settings.mutation == GAUSSIAN:
        _draw_normal(deviates, key, first_step)
    elif settings.mutation == POLYNOMIAL:
        _draw_polynomial(deviates, settings.mutation_index, key, first_step)


@inner
def _draw_normal(deviates, key, first_step):
    half = STEPS // 2
    for step in range(half):
        position = _DRAWS * (first_step + step) + 1
        radius = np.sqrt(_MINUS_LN_4 * portable.unit_log2(open_unit(draw(key, position))))
        x, y = portable.turn(unit(draw(key, position + _DRAWS * half)))
        deviates[step] = radius * x
        deviates[half + step] = radius * y


@inner
def _draw_polynomial(deviates, index, key, first_step):
    """Draw δ (eq. 8): 1 - u to the power of 1 / (η + 1), up or down by bit 0."""
    for step in range(STEPS):
        bits = draw(key, _DRAWS * (first_step + step) + 1)
        delta = 1.0 - portable.unit_power(open_unit(bits), index)
        deviates[step] = delta if bits & _BIT_0 != _NOTHING else -delta


@inner
def _changed(value, j, deviate, bits, layout, settings):
    """Return a mutated gene of any type; bounds are seen to later."""
    type_, low, high = layout.types[j], layout.lower[j], layout.upper[j]
    if type_ == PERMUTATION:
        return value
    if type_ == BIT:
        return 1.0 - value
    if type_ == CATEGORICAL or settings.mutation == RESET:
        return anew(type_, low, high, bits)
    change = deviate * layout.scale[j]
    if type_ == INTEGER:
        change = np.ceil(change) if change > 0.0 else np.floor(change)
    return value + change


@inner
def anew(type_, low, high, bits):
    """Return a gene drawn from all that it can be."""
    if type_ != REAL:
        return low + float(below(bits, int(high - low) + 1))
    return min(max(low + unit(bits) * (high - low), low), high)

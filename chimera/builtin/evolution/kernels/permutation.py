"""Permutations among the genes: the places 0 to n - 1 in some order, in a segment of a row.

Order crossover (Davis 1985) keeps a run of one parent and fills the rest, from where the run ends,
with the other's places in the order they have there. PMX (Goldberg and Lingle 1985) keeps a run as
well, and elsewhere the other's places where they are; one that the run has is replaced by what the
other has where the run has it. Inversion turns a run round, swap exchanges two places.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

from chimera.builtin.evolution.kernels.compiling import inner
from chimera.builtin.evolution.kernels.crossover import PAIRS
from chimera.builtin.evolution.kernels.genes import PERMUTATION
from chimera.builtin.evolution.kernels.randomness import below, draw, unit

ORDER, PMX = range(2)
"""Kinds of crossover."""

INVERSION, SWAP = range(2)
"""Kinds of mutation."""

_FIRST_DRAW = 3 * PAIRS
"""How many draws a block's crossover takes, without two for each gene."""

_DRAWS = 3
"""Draws for each segment: whether at all, and two places."""


@inner
def shuffle(population, row, start, stop, key, position):
    """Fill a segment at random (Fisher and Yates), by the draws from `position + start` on."""
    for i in range(stop - start):
        population[row, start + i] = float(i)
    for i in range(stop - start - 1, 0, -1):
        j = below(draw(key, position + start + i), i + 1)
        held = population[row, start + i]
        population[row, start + i] = population[row, start + j]
        population[row, start + j] = held


@inner
def cross(parents, mates, pairs, layout, settings, scratch, key):
    """Fill the permutations of pairs of children from those of `scratch.chosen` among parents."""
    segments, chosen, width = layout.segments, scratch.chosen, parents.shape[1]
    for pair in range(pairs):
        a, b = chosen[2 * pair], chosen[2 * pair + 1]
        for k in range(segments.shape[0]):
            if segments[k, 0] != PERMUTATION:
                continue
            position = _FIRST_DRAW + 2 * mates.shape[1] + _DRAWS * (pair * segments.shape[0] + k)
            if unit(draw(key, position)) >= settings.permutation_probability:
                continue
            start, count = segments[k, 1], segments[k, 2] - segments[k, 1]
            low = below(draw(key, position + 1), count + 1)
            high = below(draw(key, position + 2), count + 1)
            low, high = min(low, high), max(low, high)
            kind, at = settings.permutation_crossover, pair * width
            for half in range(2):
                kept, other = (b, a) if half else (a, b)
                _fill(
                    parents,
                    kept,
                    other,
                    mates,
                    half,
                    at,
                    start,
                    count,
                    low,
                    high,
                    scratch.marks,
                    kind,
                )


@inner
def _fill(parents, kept, other, mates, half, at, start, count, low, high, marks, kind):
    """Fill a segment with the run from `low` to `high` of one parent and the rest of another.

    `marks` says of each place where the run has it, plus one, or 0.
    """
    for i in range(count):
        marks[i] = 0
    for i in range(low, high):
        marks[int(parents[kept, start + i])] = i + 1
    free = high
    for k in range(count):
        i = high + k if high + k < count else high + k - count
        place = parents[other, start + i]
        if kind == PMX:
            if low <= i < high:
                continue
            while marks[int(place)] > 0:
                place = parents[other, start + marks[int(place)] - 1]
        elif marks[int(place)] > 0:
            continue
        free = free if free < count else free - count
        mates[half, at + start + free] = place
        free += 1


@inner
def mutate(mates, rows, layout, settings, key):
    """Mutate each permutation of a block of `rows` children once, or not."""
    segments, width = layout.segments, layout.types.shape[0]
    for row in range(rows):
        for k in range(segments.shape[0]):
            if segments[k, 0] != PERMUTATION:
                continue
            position = _DRAWS * (row * segments.shape[0] + k)
            if unit(draw(key, position)) >= settings.permutation_rate:
                continue
            start, count = row // 2 * width + segments[k, 1], segments[k, 2] - segments[k, 1]
            i = below(draw(key, position + 1), count)
            j = i + 1 + below(draw(key, position + 2), count - 1)
            j = j if j < count else j - count
            i, j = start + min(i, j), start + max(i, j)
            _turn_round(mates, row % 2, i, j, settings.permutation_mutation)


@inner
def _turn_round(mates, half, i, j, kind):
    """Exchange two places, or turn round the run from one to the other."""
    while i < j:
        held = mates[half, i]
        mates[half, i] = mates[half, j]
        mates[half, j] = held
        if kind == SWAP:
            return
        i, j = i + 1, j - 1

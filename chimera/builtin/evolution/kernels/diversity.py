"""How unlike one another the candidates of a population are, and candidates drawn anew.

Fixed order of sums and portable functions, because immigrants are let in by what is measured here:
the same bits on every machine. Rows, segments and bounds are as `search.algorithm` describes them.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

from numba import types

from chimera.builtin.evolution.kernels.compiling import inner, kernel
from chimera.builtin.evolution.kernels.genes import INTEGER, PERMUTATION, REAL
from chimera.builtin.evolution.kernels.randomness import (
    IMMIGRATE,
    below,
    block_key,
    draw,
    unit,
)

_i8, _f8 = types.int64, types.float64
_vector, _matrix, _segments = _f8[::1], _f8[:, ::1], _i8[:, ::1]


@inner
def _spread(rows, segments, lower, upper, centre):
    """Return the mean distance of the numbers to their centroid, and how many genes are numbers.

    Each gene is scaled to a width of 1, and the whole so that an even distribution has 1.
    """
    count, numbers, total = rows.shape[0], 0, 0.0
    for s in range(segments.shape[0]):
        if segments[s, 0] <= INTEGER:
            for j in range(segments[s, 1], segments[s, 2]):
                numbers += 1
                sum_ = 0.0
                for row in range(count):
                    sum_ += rows[row, j]
                centre[j] = sum_ / count
    if numbers == 0:
        return 0.0, 0
    for row in range(count):
        square = 0.0
        for s in range(segments.shape[0]):
            if segments[s, 0] <= INTEGER:
                for j in range(segments[s, 1], segments[s, 2]):
                    width = upper[j] - lower[j]
                    step = (rows[row, j] - centre[j]) / width if width > 0.0 else 0.0
                    square += step * step
        total += (12.0 * square / numbers) ** 0.5
    return total / count, numbers


@inner
def _disagreement(rows, j, values, tally):
    """Return the chance that two candidates differ at gene j, scaled so that at most it is 1."""
    count, agreeing = rows.shape[0], 0
    for row in range(count):
        value = int(rows[row, j])
        agreeing += 2 * tally[value] + 1
        tally[value] += 1
    for row in range(count):
        tally[int(rows[row, j])] = 0
    most = 1.0 - 1.0 / min(values, count)
    return (1.0 - agreeing / (float(count) * count)) / most if most > 0.0 else 0.0


@kernel(types.float64(_matrix, _segments, _vector, _vector, _vector, _i8[::1]))
def measure(rows, segments, lower, upper, centre, tally):
    """Return the diversity of `rows`: 0 where all are alike, about 1 where they are drawn evenly.

    Numbers count by their distance to the centroid (Ursem, Diversity-guided evolutionary
    algorithms, PPSN 2002), other genes by the chance that two candidates differ (Simpson,
    Measurement of diversity, Nature 163, 1949; of bits, the mean Hamming distance). `centre` is
    scratch of float64[W], `tally` of zeros, int64 for each value that a gene can have.
    """
    spread, numbers = _spread(rows, segments, lower, upper, centre)
    total, genes = spread * numbers, numbers
    for s in range(segments.shape[0]):
        if segments[s, 0] > INTEGER:
            for j in range(segments[s, 1], segments[s, 2]):
                values = int(upper[j]) + 1
                total += _disagreement(rows, j, values, tally)
                genes += 1
    return total / genes


@kernel(types.void(_matrix, _segments, _vector, _vector, types.uint64, _i8, _i8))
def draw_anew(rows, segments, lower, upper, seed, generation, island):
    """Fill in candidates drawn evenly from all that there are."""
    for row in range(rows.shape[0]):
        key = block_key(seed, generation, row, IMMIGRATE, island)
        for s in range(segments.shape[0]):
            kind, first, last = segments[s, 0], segments[s, 1], segments[s, 2]
            for j in range(first, last):
                bits = draw(key, j)
                if kind == REAL:
                    value = lower[j] + unit(bits) * (upper[j] - lower[j])
                    rows[row, j] = min(max(value, lower[j]), upper[j])
                elif kind == PERMUTATION:
                    other = first + below(bits, j - first + 1)
                    rows[row, j] = rows[row, other]
                    rows[row, other] = j - first
                else:
                    step = int(unit(bits) * (upper[j] - lower[j] + 1.0))
                    rows[row, j] = min(lower[j] + step, upper[j])

"""How pairs of parents make pairs of children; permutations have a module of their own.

A block of pairs lies in `mates`, float64[2, PAIRS W]: pair p in `mates[:, p W : (p + 1) W]`, first
the parents and then, in their place, the children. So loops run over many rows at once, in two
arrays and without branches: they are vectorised.

SBX (Deb and Agrawal 1995) recombines each gene with chance ½: x and y become x + t (y - x) and
y - t (y - x) with t = (1 - β) / 2, where β is u or 1 / u to the power of 1 / (η + 1) for a uniform
u of 29 bits; and it exchanges each with chance ½. BLX-alpha (Eshelman and Schaffer 1993) draws both
from the interval of x and y widened on each side by alpha. Uniform, one- and two-point crossover
exchange genes and nothing else, and so do the others with genes that are no numbers. Whatever is
exchanged keeps its bits. Integers are rounded to the nearest; bounds are seen to only when a child
is finished, so that a bound is as wide as any other value.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import numpy as np

from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kernels.compiling import inner
from chimera.builtin.evolution.kernels.genes import INTEGER, PERMUTATION
from chimera.builtin.evolution.kernels.randomness import below, draw, unit

PAIRS = 256
"""Pairs of a block, which share a key: draws up to PAIRS say which of them are recombined, then
come two for each gene, then two for each pair; what is beyond is left to permutations."""

SBX, BLEND, UNIFORM, ONE_POINT, TWO_POINT = range(5)
"""Kinds of crossover."""

_PAIRS = np.uint64(PAIRS)
_WORD, _ONE = np.uint64(0xFFFFFFFF), np.uint64(0x3FF0000000000000)
_3, _23, _32 = np.uint64(3), np.uint64(23), np.uint64(32)
_BELOW_ONE = 1.0 - 2.0**-30  # so that u is never 0
_NOTHING, _BIT_0, _BIT_1, _BIT_2 = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(4)


@inner
def cross(parents, chosen, mates, pairs, layout, settings, key):
    """Make children of all pairs, and parents again of those that are not to be recombined."""
    for pair in range(pairs):
        _gather(parents, chosen, pair, mates)
    if settings.crossover_probability > 0.0:
        _cross_all(mates, pairs, layout, settings, key)
        for pair in range(pairs):
            if unit(draw(key, pair)) >= settings.crossover_probability:
                _gather(parents, chosen, pair, mates)


@inner
def _gather(parents, chosen, pair, mates):
    """Fill in a pair with the rows of parents that were chosen for it."""
    width = parents.shape[1]
    a, b, at = chosen[2 * pair], chosen[2 * pair + 1], np.uint64(pair * width)
    for j in range(np.uint64(width)):
        mates[0, at + j] = parents[a, j]
    for j in range(np.uint64(width)):
        mates[1, at + j] = parents[b, j]


@inner
def _cross_all(mates, pairs, layout, settings, key):
    """Make children of pairs: at once where there are genes of one type only, or one by one."""
    segments, width = layout.segments, layout.types.shape[0]
    cuts = settings.crossover > UNIFORM
    count = pairs if segments.shape[0] == 1 and not cuts else 1
    for pair in range(0, pairs, count):
        first, last = pair * width, (pair + count - 1) * width
        low, high = _cuts(pair, width, layout, settings, key)
        for k in range(segments.shape[0]):
            type_, start, stop = segments[k, 0], segments[k, 1], segments[k, 2]
            if cuts:
                _exchange_between(mates, first, start, stop, layout.places, low, high)
            else:
                _cross_genes(mates, first + start, last + stop, type_, settings, key)


@inner
def _cross_genes(mates, start, stop, type_, settings, key):
    """Make children's genes of one type from `start` to `stop`."""
    if type_ == PERMUTATION:
        return
    if type_ > INTEGER or settings.crossover == UNIFORM:
        _exchange(mates, start, stop, key)
        return
    if settings.crossover == SBX:
        _recombine(mates, start, stop, settings.crossover_index, key)
    else:
        _blend(mates, start, stop, settings.crossover_index, key)
    if type_ == INTEGER:
        for i in range(np.uint64(start), np.uint64(stop)):
            mates[0, i] = np.floor(mates[0, i] + 0.5)
            mates[1, i] = np.floor(mates[1, i] + 0.5)


@inner
def _recombine(mates, start, stop, index, key):
    """Do SBX; each draw serves a gene of the first half and one of the second, 32 bits each."""
    half = np.uint64((stop - start) // 2)
    for i in range(np.uint64(start), np.uint64(start) + half):
        bits = draw(key, i + _PAIRS)
        _recombine_gene(mates, i, bits & _WORD, index)
        _recombine_gene(mates, i + half, bits >> _32, index)
    if (stop - start) % 2 > 0:
        bits = draw(key, np.uint64(start) + half + _PAIRS)
        _recombine_gene(mates, np.uint64(stop - 1), bits & _WORD, index)


@inner
def _recombine_gene(mates, i, bits, index):
    """Recombine by bit 0 of 32, exchange by bit 1, invert β by bit 2; the others are u."""
    u = np.uint64(((bits >> _3) << _23) | _ONE).view(np.float64) - _BELOW_ONE
    beta = portable.unit_power(u, -index if bits & _BIT_2 != _NOTHING else index)
    t = 0.5 - 0.5 * beta if bits & _BIT_0 != _NOTHING else 0.0
    x, y = mates[0, i], mates[1, i]
    is_exchanged = bits & _BIT_1 != _NOTHING
    p = y if is_exchanged else x
    q = x if is_exchanged else y
    change = t * (q - p)
    mates[0, i] = p + change
    mates[1, i] = q - change


@inner
def _blend(mates, start, stop, alpha, key):
    size = _PAIRS + np.uint64(mates.shape[1])
    for i in range(np.uint64(start), np.uint64(stop)):
        x, y = mates[0, i], mates[1, i]
        mates[0, i] = x + (unit(draw(key, i + _PAIRS)) * (1.0 + 2.0 * alpha) - alpha) * (y - x)
        t = unit(draw(key, i + size)) * (1.0 + 2.0 * alpha) - alpha
        mates[1, i] = x + t * (y - x)


@inner
def _exchange(mates, start, stop, key):
    for i in range(np.uint64(start), np.uint64(stop)):
        is_exchanged = draw(key, i + _PAIRS) & _BIT_1 != _NOTHING
        x, y = mates[0, i], mates[1, i]
        mates[0, i] = y if is_exchanged else x
        mates[1, i] = x if is_exchanged else y


@inner
def _cuts(pair, width, layout, settings, key):
    """Return the genes, permutations not counted, from which and up to which a pair exchanges."""
    position, between = PAIRS + 2 * PAIRS * width + 2 * pair, max(settings.loose - 1, 1)
    low, high = below(draw(key, position), between) + 1, settings.loose
    if settings.crossover == TWO_POINT:
        high = below(draw(key, position + 1), between) + 1
    return min(low, high), max(low, high)


@inner
def _exchange_between(mates, base, start, stop, places, low, high):
    for j in range(start, stop):
        if low <= places[j] < high:
            held = mates[0, base + j]
            mates[0, base + j] = mates[1, base + j]
            mates[1, base + j] = held

"""How two parents make two children, gene by gene; permutations have a module of their own.

All crossovers are one: of two genes x and y, exchanged or not, the children get `x + t (y - x)` and
`y - s (y - x)`. Where t and s are 0 they are the parents' own bits. SBX (Deb and Agrawal 1995)
recombines each gene with chance ½ by t = s = (1 - β) / 2, where β is u or 1 / u to the power of
1 / (η + 1) with a uniform u, and exchanges each with chance ½. BLX-alpha (Eshelman and Schaffer 1993)
draws t and s from [-alpha, 1 + alpha). Uniform, one- and two-point crossover exchange genes and nothing
else, and so do all with genes that are no numbers. Integers are rounded to the nearest and only
then moved within their bounds, so that a bound is as wide as any other value.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import numpy as np

from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kernels.compiling import inner
from chimera.builtin.evolution.kernels.genes import INTEGER, PERMUTATION
from chimera.builtin.evolution.kernels.randomness import below, draw, open_unit, unit

SBX, BLEND, UNIFORM, ONE_POINT, TWO_POINT = range(5)
"""Kinds of crossover."""

T, S, EXCHANGED = range(3)
"""Rows of a plan."""

_NOTHING, _BIT_0, _BIT_1, _BIT_2 = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(4)


@inner
def cross(parents, a, b, children, first, second, problem, plan, settings, key):
    """Fill two rows from two parents, but for their permutations; `second` may equal `first`.

    `plan` is scratch of float64[3, W]. Draws 1 to 2 W of `key` are used.
    """
    segments = problem.segments
    kind = settings.crossover
    if kind > BLEND:
        _plan_exchange(plan, problem.places, settings.loose, kind, key)
    for k in range(segments.shape[0]):
        type_, start, stop = segments[k, 0], segments[k, 1], segments[k, 2]
        if type_ == PERMUTATION:
            continue
        if type_ > INTEGER:
            if kind <= BLEND:
                _plan_swaps(plan, start, stop, key)
        elif kind == SBX:
            _plan_sbx(plan, start, stop, settings.crossover_index, key)
        elif kind == BLEND:
            _plan_blend(plan, start, stop, settings.crossover_index, key)
        _combine(parents, a, b, children, first, second, problem, plan, start, stop)
        if type_ == INTEGER:
            _round(children, first, problem, start, stop)
            _round(children, second, problem, start, stop)


@inner
def copy(parents, a, b, children, first, second):
    """Fill two rows with their parents."""
    for j in range(parents.shape[1]):
        children[second, j] = parents[b, j]
    for j in range(parents.shape[1]):
        children[first, j] = parents[a, j]


@inner
def _plan_sbx(plan, start, stop, index, key):
    """Plan SBX: bit 0 of a draw recombines, bit 1 exchanges, bit 2 inverts β, the rest is u."""
    for j in range(start, stop):
        bits = draw(key, j + 1)
        power = index * portable.log(open_unit(bits))
        beta = portable.exp(-power if bits & _BIT_2 != _NOTHING else power)
        t = 0.5 - 0.5 * beta if bits & _BIT_0 != _NOTHING else 0.0
        plan[T, j] = t
        plan[S, j] = t
        plan[EXCHANGED, j] = 1.0 if bits & _BIT_1 != _NOTHING else 0.0


@inner
def _plan_blend(plan, start, stop, alpha, key):
    width = plan.shape[1]
    for j in range(start, stop):
        plan[T, j] = unit(draw(key, j + 1)) * (1.0 + 2.0 * alpha) - alpha
        plan[S, j] = unit(draw(key, width + j + 1)) * (1.0 + 2.0 * alpha) - alpha
        plan[EXCHANGED, j] = 0.0


@inner
def _plan_swaps(plan, start, stop, key):
    """Plan to exchange each gene with chance ½."""
    for j in range(start, stop):
        plan[T, j] = 0.0
        plan[S, j] = 0.0
        plan[EXCHANGED, j] = 1.0 if draw(key, j + 1) & _BIT_1 != _NOTHING else 0.0


@inner
def _plan_exchange(plan, places, loose, kind, key):
    """Plan a crossover that exchanges genes alone; cuts fall between any two of `loose` genes."""
    width = plan.shape[1]
    if kind == UNIFORM:
        _plan_swaps(plan, 0, width, key)
        return
    cuts = max(loose - 1, 1)
    low, high = below(draw(key, 1), cuts) + 1, loose
    if kind == TWO_POINT:
        high = below(draw(key, 2), cuts) + 1
        low, high = min(low, high), max(low, high)
    for j in range(width):
        plan[T, j] = 0.0
        plan[S, j] = 0.0
        plan[EXCHANGED, j] = 1.0 if low <= places[j] < high else 0.0


@inner
def _combine(parents, a, b, children, first, second, problem, plan, start, stop):
    """Make children of parents as planned; loops without branches, so that they are vectorised."""
    lower, upper = problem.lower, problem.upper
    for j in range(start, stop):
        x, y = parents[a, j], parents[b, j]
        exchanged = plan[EXCHANGED, j] > 0.0
        p = y if exchanged else x
        q = x if exchanged else y
        children[second, j] = min(max(q - plan[S, j] * (q - p), lower[j]), upper[j])
        children[first, j] = min(max(p + plan[T, j] * (q - p), lower[j]), upper[j])


@inner
def _round(children, row, problem, start, stop):
    for j in range(start, stop):
        whole = np.floor(children[row, j] + 0.5)
        children[row, j] = min(max(whole, problem.lower[j]), problem.upper[j])

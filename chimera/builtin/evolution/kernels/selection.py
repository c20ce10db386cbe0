"""How parents are chosen, given the costs of all; `order` are rows by cost, equal ones by index.

Tournament: the best of a few rows drawn with replacement, the first drawn among equals. Rank: rows
by linear ranking (Baker 1985), drawn by Whitley's inverse of its distribution (The GENITOR
algorithm and selection pressure, ICGA 1989). Roulette: in proportion to how much better a row is
than the worst feasible one (windowing: Goldberg, Genetic algorithms in search, optimization, and
machine learning, 1989). Truncation: the best rows, all with the same chance.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import math

import numpy as np

from chimera.builtin.evolution.kernels.compiling import inner
from chimera.builtin.evolution.kernels.evaluating import INFEASIBLE
from chimera.builtin.evolution.kernels.randomness import below, draw, unit
from chimera.builtin.evolution.kernels.sorting import sort

TOURNAMENT, RANK, ROULETTE, TRUNCATION = range(4)


@inner
def prepare(kind, costs, order, spare, sums):
    """Fill in what the selection of a generation needs: `order` or the `sums` of shares."""
    if kind in (RANK, TRUNCATION):
        sort(costs, costs.shape[0], order, spare)
    elif kind == ROULETTE:
        _sum_shares(costs, sums)


@inner
def _sum_shares(costs, sums):
    """Fill in running sums of how much better each row is than the worst feasible one.

    Shares are of the span of costs, so that no sum overflows. Where all feasible rows cost the same
    they share alike, and where none is feasible all do.
    """
    least, worst = math.inf, -math.inf
    for row in range(costs.shape[0]):
        if costs[row] < INFEASIBLE:
            least, worst = min(least, costs[row]), max(worst, costs[row])
    span, total = worst - least, 0.0
    for row in range(costs.shape[0]):
        if costs[row] < INFEASIBLE:
            total += (worst - costs[row]) / span if span > 0.0 else 1.0
        elif worst == -math.inf:
            total += 1.0
        sums[row] = total


@inner
def choose(costs, settings, scratch, key, count):
    """Fill `scratch.chosen[:count]` with the rows of parents."""
    kind, size, chosen = settings.selection, settings.selected, scratch.chosen
    rows = costs.shape[0]
    if kind == TOURNAMENT:
        for i in range(count):
            chosen[i] = _winner(costs, size, key, i * size)
    elif kind == RANK:
        for i in range(count):
            rank = _ranked(unit(draw(key, i)), rows, settings.pressure)
            chosen[i] = scratch.order[rank]
    elif kind == ROULETTE:
        for i in range(count):
            share = unit(draw(key, i)) * scratch.sums[rows - 1]
            chosen[i] = _at_share(scratch.sums, share)
    else:
        for i in range(count):
            chosen[i] = scratch.order[below(draw(key, i), size)]


@inner
def _winner(costs, size, key, position):
    count = costs.shape[0]
    winner = below(draw(key, position), count)
    for k in range(1, size):
        other = below(draw(key, position + k), count)
        if costs[other] < costs[winner]:
            winner = other
    return winner


@inner
def _ranked(u, count, pressure):
    """Return the rank whose cumulated chance reaches `u`, the best being 0."""
    excess = pressure - 1.0
    if excess > 0.0:
        u = (pressure - np.sqrt(pressure * pressure - 4.0 * excess * u)) / (2.0 * excess)
    return min(int(u * count), count - 1)


@inner
def _at_share(sums, share):
    """Return the first row whose running sum is above `share`."""
    low, high = 0, sums.shape[0] - 1
    while low < high:
        middle = (low + high) // 2
        if sums[middle] > share:
            high = middle
        else:
            low = middle + 1
    return low

"""How parents are chosen, given the costs of all; equal costs are settled by index.

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
"""Kinds of selection."""


@inner
def prepare(costs, settings, scratch):
    """Fill in what a generation's choices need: the order of rows, or the sums of their shares."""
    if settings.selection == RANK or settings.selection == TRUNCATION:  # noqa: PLR1714
        sort(costs, costs.shape[0], scratch.order, scratch.spare)
    elif settings.selection == ROULETTE:
        _sum_shares(costs, scratch.sums)


@inner
def find_best(costs, best):
    """Fill `best` with the rows of least cost, the best first, equal ones by index."""
    found = 0
    for row in range(costs.shape[0]):
        if found == best.shape[0]:
            if found == 0 or not costs[row] < costs[best[found - 1]]:
                continue
            found -= 1
        place = found
        while place > 0 and costs[row] < costs[best[place - 1]]:
            best[place] = best[place - 1]
            place -= 1
        best[place] = row
        found += 1


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
    kind, chosen, order = settings.selection, scratch.chosen, scratch.order
    rows = costs.shape[0]
    if kind == TOURNAMENT:
        _hold_tournaments(costs, settings.selected, key, chosen, count)
    elif kind == RANK:
        for i in range(count):
            chosen[i] = order[_rank(unit(draw(key, i)), rows, settings.pressure)]
    elif kind == ROULETTE:
        for i in range(count):
            share = unit(draw(key, i)) * scratch.sums[rows - 1]
            chosen[i] = _row_at(scratch.sums, share)
    else:
        for i in range(count):
            chosen[i] = order[below(draw(key, i), settings.selected)]


@inner
def _hold_tournaments(costs, size, key, chosen, count):
    """Draw all first rows, then all second ones, and so on: loops that are vectorised.

    Draw k of tournament i is draw `i size + k` of the block.
    """
    rows, each = costs.shape[0], np.uint64(size)
    for i in range(np.uint64(count)):
        chosen[i] = below(draw(key, i * each), rows)
    for k in range(np.uint64(1), each):
        for i in range(np.uint64(count)):
            other = below(draw(key, i * each + k), rows)
            winner = chosen[i]
            chosen[i] = other if costs[np.uint64(other)] < costs[np.uint64(winner)] else winner


@inner
def _rank(u, count, pressure):
    """Return the rank whose cumulated chance reaches `u`, the best being 0."""
    excess = pressure - 1.0
    if excess > 0.0:
        u = (pressure - np.sqrt(pressure * pressure - 4.0 * excess * u)) / (2.0 * excess)
    return min(int(u * count), count - 1)


@inner
def _row_at(sums, share):
    """Return the first row whose running sum is above `share`."""
    low, high = 0, sums.shape[0] - 1
    while low < high:
        middle = (low + high) // 2
        if sums[middle] > share:
            high = middle
        else:
            low = middle + 1
    return low

"""Which rows survive: constrained domination, ranks, and the crowding distance.

Feasible rows come before the others, by non-dominated sorting of their costs (`fronts`), and those
in order of their violations (Deb, Pratap, Agarwal and Meyarivan 2002). Within a front those survive
that have the widest gaps to their neighbours. Equal ones are settled by index. `arrays` and
`scratch` are as `nsga2` describes them; a generation allocates nothing.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import math

from chimera.builtin.evolution.kernels.compiling import inner
from chimera.builtin.evolution.kernels.fronts import is_same, rank_sorted, sort_rows


@inner
def rank_rows(arrays, scratch, count):
    """Fill in ranks and crowding distances of the first `count` rows; return how many are feasible.

    `scratch.order[0]` holds them in order: the feasible in ascending order of their costs, then the
    others by their violations, each violation being a front of its own.
    """
    costs, order = arrays.costs, scratch.order
    objectives = costs.shape[1]
    feasible = _part(arrays.violations, order, objectives, count)
    for m in range(objectives - 1, -1, -1):
        for i in range(feasible):
            order[m, i] = order[m + 1, i]
        sort_rows(costs, m, order, m, scratch.spare, scratch.spare_keys, feasible)
    fronts = rank_sorted(costs, order[0], feasible, arrays.ranks, scratch.tails, scratch.links)
    _rank_infeasible(arrays.violations, arrays.ranks, scratch, feasible, count, fronts)
    for i in range(count):
        row = order[0, i]
        double = 0 < i < feasible and is_same(costs, row, order[0, i - 1])
        arrays.crowding[row] = -1.0 if double else 0.0
    for m in range(objectives):
        _crowd(costs, arrays.ranks, arrays.crowding, scratch, m, feasible, fronts)
    return feasible


@inner
def _part(violations, order, at, count):
    """Fill `order[at]` with the feasible rows, `order[0]` behind them with the others."""
    feasible = 0
    for row in range(count):
        if violations[row] == 0.0:
            order[at, feasible] = row
            feasible += 1
    place = feasible
    for row in range(count):
        if violations[row] != 0.0:
            order[0, place] = row
            place += 1
    return feasible


@inner
def _rank_infeasible(violations, ranks, scratch, feasible, count, fronts):
    """Order and rank the rows behind the feasible ones."""
    order, key, last = scratch.order, scratch.key, scratch.order.shape[0] - 1
    for i in range(feasible, count):
        row = order[0, i]
        key[row, 0] = violations[row]
        order[last, i - feasible] = row
    sort_rows(key, 0, order, last, scratch.spare, scratch.spare_keys, count - feasible)
    for i in range(feasible, count):
        row = order[last, i - feasible]
        if i == feasible or violations[row] != violations[order[0, i - 1]]:
            fronts += 1
        order[0, i] = row
        ranks[row] = fronts - 1


@inner
def _crowd(costs, ranks, crowding, scratch, m, feasible, fronts):
    """Add to the crowding distances what the gaps in one objective come to, of all fronts at once.

    Rows are passed in ascending order: the gap around one is known when the next of its front is
    seen. The first and the last of a front are infinitely far from others. A row of the same costs
    as an earlier one adds nothing to a front: it has no gap, and its distance is -1.
    """
    first, before, latest, order = scratch.links, scratch.spare, scratch.tails, scratch.order
    for front in range(fronts):
        latest[front], before[0, front], before[1, front] = -1, -1, -1
    for i in range(feasible):
        row = order[m, i]
        front = ranks[row]
        if latest[front] < 0:
            first[front] = row
        if crowding[row] >= 0.0:
            latest[front] = row
    for i in range(feasible):
        row = order[m, i]
        if crowding[row] < 0.0:
            continue
        front = ranks[row]
        middle, left = before[0, front], before[1, front]
        width = costs[latest[front], m] - costs[first[front], m]
        if left >= 0 and width > 0.0:
            crowding[middle] += (costs[row, m] - costs[left, m]) / width
        if middle < 0 or row == latest[front]:
            crowding[row] = math.inf
        before[1, front] = middle
        before[0, front] = row


@inner
def survive(arrays, scratch, count):
    """Make parents of the best `count` of twice as many rows."""
    rank_rows(arrays, scratch, 2 * count)
    ranks, order, survives = arrays.ranks, scratch.order, scratch.links
    last, cut = order.shape[0] - 1, _last_front(ranks, scratch.tails, count)
    taken, tied = 0, 0
    for row in range(2 * count):
        survives[row] = ranks[row] < cut
        taken += survives[row]
        if ranks[row] == cut:
            order[last, tied] = row
            scratch.key[row, 0] = -arrays.crowding[row]
            tied += 1
    sort_rows(scratch.key, 0, order, last, scratch.spare, scratch.spare_keys, tied)
    for i in range(count - taken):
        survives[order[last, i]] = 1
    child = count
    for row in range(count):
        if survives[row] == 0:
            while survives[child] == 0:
                child += 1
            copy_row(arrays, child, row)
            child += 1


@inner
def _last_front(ranks, sizes, count):
    """Return the first rank with which there are `count` rows, of twice as many."""
    for front in range(2 * count):
        sizes[front] = 0
    for row in range(2 * count):
        sizes[ranks[row]] += 1
    front, found = 0, sizes[0]
    while found < count:
        front += 1
        found += sizes[front]
    return front


@inner
def copy_row(arrays, source, target):
    """Copy a row with all that is known of it."""
    for j in range(arrays.rows.shape[1]):
        arrays.rows[target, j] = arrays.rows[source, j]
    for m in range(arrays.costs.shape[1]):
        arrays.costs[target, m] = arrays.costs[source, m]
    arrays.violations[target] = arrays.violations[source]
    arrays.ranks[target] = arrays.ranks[source]
    arrays.crowding[target] = arrays.crowding[source]

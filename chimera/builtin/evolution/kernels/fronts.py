"""Candidates of several objectives: which dominate which, and how good a front is.

Costs are minimised: a point dominates another if it is nowhere worse and somewhere better. A
*front* is a set of points of which none dominates another. Ranks are numbered from 0: the front of
all points, then that of the rest, and so on (non-dominated sorting).

Measures: the *hypervolume* is the size of what a front dominates within a reference point (Zitzler
and Thiele 1998); *IGD* is the mean distance from points of a known front to the nearest point found
(Coello and Reyes Sierra 2004), and *IGD+* counts of that distance only by how much the point found
is worse (Ishibuchi, Masuda, Tanigaki and Nojima 2015), so that it never prefers a dominated set.
Nothing here depends on the order of points, to the last bit. NumPy arrays in and out; a generation
allocates nothing, so that callers bring the scratch.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import math

import numpy as np
from numba import types
from numpy.typing import NDArray

from chimera.builtin.evolution.kernels.compiling import inner, kernel

Floats = NDArray[np.float64]

_RUN = 8
"""Runs of this length are sorted by insertion before they are merged."""

_vector, _matrix, _levels = types.float64[::1], types.float64[:, ::1], types.float64[:, :, ::1]


@inner
def sort_rows(keys, column, order, at, spare, spare_keys, count):
    """Sort `order[at, :count]`, row numbers of `keys`, by a column; equal ones stay in order.

    `spare` is int64[2, n], `spare_keys` float64[2, n]. A merge sort from the bottom.
    """
    for i in range(count):
        spare[0, i] = order[at, i]
        spare_keys[0, i] = keys[order[at, i], column]
    for first in range(0, count, _RUN):
        _insert(spare, spare_keys, first, min(first + _RUN, count))
    here, length = 0, _RUN
    while length < count:
        for first in range(0, count, 2 * length):
            middle, last = min(first + length, count), min(first + 2 * length, count)
            _merge(spare, spare_keys, here, first, middle, last)
        here, length = 1 - here, 2 * length
    for i in range(count):
        order[at, i] = spare[here, i]


@inner
def _insert(spare, keys, first, last):
    for i in range(first + 1, last):
        row, key, place = spare[0, i], keys[0, i], i
        while place > first and key < keys[0, place - 1]:
            spare[0, place] = spare[0, place - 1]
            keys[0, place] = keys[0, place - 1]
            place -= 1
        spare[0, place] = row
        keys[0, place] = key


@inner
def _merge(spare, keys, here, first, middle, last):
    """Merge two sorted runs into the other half of the scratch."""
    there, a, b = 1 - here, first, middle
    for i in range(first, last):
        take_second = b < last and (a >= middle or keys[here, b] < keys[here, a])
        source = b if take_second else a
        spare[there, i] = spare[here, source]
        keys[there, i] = keys[here, source]
        b += take_second
        a += not take_second


@inner
def is_same(costs, a, b):
    """Tell whether two rows hold the same costs."""
    same = True
    for m in range(costs.shape[1]):
        same = same and costs[a, m] == costs[b, m]
    return same


@inner
def rank_sorted(costs, order, count, ranks, tails, links):
    """Fill in the ranks of `order[:count]`, row numbers in ascending order of their costs.

    Rows are ordered by the first cost, equal ones by the second, and so on: no row dominates an
    earlier one, so each goes to the first front of which none dominates it. That one is found by
    bisection, as a row that front k does not dominate, front k + 1 does not either (ENS: Zhang,
    Tian, Cheng and Jin 2015). Of two costs it suffices to look at the row that came last to a
    front: O(n log n) in all (Jensen 2003). `tails` and `links` are scratch of int64[n]. Returns
    the number of fronts.
    """
    fronts = 0
    for i in range(count):
        row = order[i]
        if i > 0 and is_same(costs, row, order[i - 1]):
            rank = ranks[order[i - 1]]
        else:
            rank, beyond = 0, fronts
            while rank < beyond:
                middle = (rank + beyond) // 2
                if _front_dominates(costs, tails[middle], links, row):
                    rank = middle + 1
                else:
                    beyond = middle
        links[row] = tails[rank] if rank < fronts else -1
        fronts = max(fronts, rank + 1)
        tails[rank] = row
        ranks[row] = rank
    return fronts


@inner
def _front_dominates(costs, member, links, row):
    """Tell whether a member of a front dominates `row`, which none of them equals.

    All members have a first cost that is no larger.
    """
    objectives = costs.shape[1]
    while member >= 0:
        m = 1
        while m < objectives and costs[member, m] <= costs[row, m]:
            m += 1
        if m == objectives:
            return True
        member = links[member] if objectives > 2 else -1
    return False


@inner
def volume(levels, dimensions, count, reference):
    """Return the hypervolume of `levels[dimensions - 1, :count, :dimensions]`.

    `levels` is float64[M, n, M]; the rows are put in order, and the levels below are scratch. Of
    two dimensions and three a sweep; beyond, in ascending order of the last coordinate, each point
    adds what it dominates in the others and no earlier point does, times its own depth, and what
    the earlier ones do is the hypervolume of those points as limited by it (WFG: While, Bradstreet
    and Barone 2012). Exponential in the dimensions: meant for up to five.
    """
    points = dimensions - 1
    count = _keep_within(levels, points, dimensions, count, reference)
    _sort_points(levels, points, dimensions, count)
    if dimensions == 1:
        return reference[0] - levels[0, 0, 0] if count > 0 else 0.0
    if dimensions == 2:
        return _area(levels, count, reference)
    if dimensions == 3:
        return _sweep(levels, count, reference)
    total = 0.0
    for k in range(count):
        depth = reference[points] - levels[points, k, points]
        own = 1.0
        for j in range(points):
            own *= reference[j] - levels[points, k, j]
        limited = _limit(levels, points, k)
        total += depth * (own - volume(levels, points, limited, reference))
    return total


@inner
def _keep_within(levels, at, dimensions, count, reference):
    """Move to the front the points that are better than the reference; return how many."""
    kept = 0
    for i in range(count):
        within = True
        for j in range(dimensions):
            within = within and levels[at, i, j] < reference[j]
        if within:
            for j in range(dimensions):
                levels[at, kept, j] = levels[at, i, j]
            kept += 1
    return kept


@inner
def _precedes(levels, at, dimensions, a, b):
    """Tell whether point `a` comes before `b`: by the last coordinate, then the one before it."""
    for j in range(dimensions - 1, -1, -1):
        if levels[at, a, j] != levels[at, b, j]:
            return levels[at, a, j] < levels[at, b, j]
    return False


@inner
def _sort_points(levels, at, dimensions, count):
    """Sort points in place: a heap sort, as equal points are alike."""
    for root in range(count // 2 - 1, -1, -1):
        _sift(levels, at, dimensions, root, count)
    for last in range(count - 1, 0, -1):
        _exchange(levels, at, dimensions, 0, last)
        _sift(levels, at, dimensions, 0, last)


@inner
def _sift(levels, at, dimensions, root, count):
    while 2 * root + 1 < count:
        child = 2 * root + 1
        if child + 1 < count and _precedes(levels, at, dimensions, child, child + 1):
            child += 1
        if not _precedes(levels, at, dimensions, root, child):
            return
        _exchange(levels, at, dimensions, root, child)
        root = child


@inner
def _exchange(levels, at, dimensions, a, b):
    for j in range(dimensions):
        levels[at, a, j], levels[at, b, j] = levels[at, b, j], levels[at, a, j]


@inner
def _area(levels, count, reference):
    """Return the area that points dominate, in ascending order of their second coordinate."""
    total, reached = 0.0, reference[0]
    for i in range(count):
        if levels[1, i, 0] < reached:
            total += (reached - levels[1, i, 0]) * (reference[1] - levels[1, i, 1])
            reached = levels[1, i, 0]
    return total


@inner
def _sweep(levels, count, reference):
    """Return the volume that points dominate, in ascending order of their third coordinate.

    The area dominated so far grows from point to point and is as deep as it is to the next.
    `levels[1, :steps]` are the points that bound it, by the first coordinate.
    """
    total, area, steps = 0.0, 0.0, 0
    for i in range(count):
        x, y = levels[2, i, 0], levels[2, i, 1]
        place = _first_beyond(levels, steps, x)
        if place == 0 or levels[1, place - 1, 1] > y:
            if place > 0 and levels[1, place - 1, 0] == x:
                place -= 1
            area, steps = _widen(levels, area, steps, place, x, y, reference)
        following = levels[2, i + 1, 2] if i + 1 < count else reference[2]
        total += area * (following - levels[2, i, 2])
    return total


@inner
def _first_beyond(levels, steps, x):
    """Return the first step whose first coordinate is larger than `x`."""
    low, high = 0, steps
    while low < high:
        middle = (low + high) // 2
        if levels[1, middle, 0] <= x:
            low = middle + 1
        else:
            high = middle
    return low


@inner
def _widen(levels, area, steps, place, x, y, reference):
    """Put a step in its place, where it takes that of those it dominates; return area and steps."""
    above = levels[1, place - 1, 1] if place > 0 else reference[1]
    last, left = place, x
    while last < steps and levels[1, last, 1] >= y:
        area += (levels[1, last, 0] - left) * (above - y)
        left, above = levels[1, last, 0], levels[1, last, 1]
        last += 1
    right = levels[1, last, 0] if last < steps else reference[0]
    area += (right - left) * (above - y)
    moved = place + 1 - last
    if moved > 0:
        for i in range(steps - 1, last - 1, -1):
            levels[1, i + 1, 0], levels[1, i + 1, 1] = levels[1, i, 0], levels[1, i, 1]
    elif moved < 0:
        for i in range(last, steps):
            levels[1, i + moved, 0], levels[1, i + moved, 1] = levels[1, i, 0], levels[1, i, 1]
    levels[1, place, 0], levels[1, place, 1] = x, y
    return area, steps + moved


@inner
def _limit(levels, at, k):
    """Fill the level below with points before `k` as `k` limits them; return how many.

    Only those are kept that none of the others dominates or equals.
    """
    kept, below = 0, at - 1
    for i in range(k):
        for j in range(at):
            levels[below, kept, j] = max(levels[at, i, j], levels[at, k, j])
        kept = _keep_last(levels, below, at, kept)
    return kept


@inner
def _keep_last(levels, at, dimensions, kept):
    """Take the point after the `kept` first ones to them, without those it dominates."""
    remaining = 0
    for i in range(kept):
        worse, better = False, False
        for j in range(dimensions):
            worse = worse or levels[at, kept, j] > levels[at, i, j]
            better = better or levels[at, kept, j] < levels[at, i, j]
        if not better:
            return kept
        if worse:
            for j in range(dimensions):
                levels[at, remaining, j] = levels[at, i, j]
            remaining += 1
    for j in range(dimensions):
        levels[at, remaining, j] = levels[at, kept, j]
    return remaining + 1


@kernel(types.float64(_levels, types.int64, types.int64, _vector))
def _volume_of(levels, dimensions, count, reference):
    return volume(levels, dimensions, count, reference)


@kernel(types.float64(_matrix, _matrix, types.boolean))
def _mean_distance(found, known, only_worse):
    """Return the mean over `known` of the distance to the nearest of `found`."""
    total = 0.0
    for i in range(known.shape[0]):
        nearest = math.inf
        for k in range(found.shape[0]):
            square = 0.0
            for j in range(known.shape[1]):
                difference = found[k, j] - known[i, j]
                if only_worse:
                    difference = max(difference, 0.0)
                square += difference * difference
            nearest = min(nearest, square)
        total += np.sqrt(nearest)
    return total / known.shape[0]


def hypervolume(points: Floats, reference: Floats) -> float:
    """Return the hypervolume of float64[n, M] within the reference point, float64[M].

    Points that are not better than the reference in every coordinate add nothing.
    """
    count, dimensions = points.shape
    levels = np.zeros((dimensions, count, dimensions))
    levels[-1] = points
    return float(_volume_of(levels, dimensions, count, np.ascontiguousarray(reference)))


def igd(found: Floats, known: Floats) -> float:
    """Return the inverted generational distance of points from a known front: 0 is best."""
    return float(_mean_distance(np.ascontiguousarray(found), np.ascontiguousarray(known), False))


def igd_plus(found: Floats, known: Floats) -> float:
    """Return IGD+ of points from a known front: 0 is best."""
    return float(_mean_distance(np.ascontiguousarray(found), np.ascontiguousarray(known), True))

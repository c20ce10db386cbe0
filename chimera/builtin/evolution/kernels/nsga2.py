"""The compiled NSGA-II (Deb, Pratap, Agarwal and Meyarivan 2002): a front of several objectives.

A generation makes N children of N parents; of all 2N rows the N best become parents: by rank
(`fronts`), and of the front that does not fit, those with the widest gap to their neighbours (the
crowding distance). Constrained domination: the feasible come before the infeasible, and these in
order of their violations. A parent is the better of two drawn at random, in the same order.

Layout, with W the width of a row and M objectives: rows 0 to N - 1 of `rows` are parents, rows N to
2N - 1 their children, and so for `costs` and `violations`; survivors stay where they are, and
children take the places of parents that do not survive. `ranks` and `crowding` are of the parents.

What `history` follows is the hypervolume, negated, so that smaller is better: its least so far and
that of each generation. Its reference point is the worst cost in each objective of the first
generation with any valid candidate, unless the spec sets one. The champion is the row of the
parents' front that comes nearest to its ideal point, each cost as a share of the front's range
(Zeleny 1973, Compromise programming). Equal ones are settled by index.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from chimera.builtin.evolution.kernels import mutation
from chimera.builtin.evolution.kernels.breeding import (
    ADVANCE,
    ASK,
    BLOCK,
    LAYOUT,
    SETTINGS,
    TELL,
    initialise_block,
    make_children,
)
from chimera.builtin.evolution.kernels.compiling import inner, kernel
from chimera.builtin.evolution.kernels.crossover import PAIRS
from chimera.builtin.evolution.kernels.evaluating import (
    OBJECTIVES,
    OBJECTIVES_SIGNATURE,
    to_costs_of_many,
)
from chimera.builtin.evolution.kernels.fronts import is_same, rank_sorted, sort_rows, volume
from chimera.builtin.evolution.kernels.randomness import (
    INITIALISE,
    SELECT,
    below,
    block_key,
    draw,
)
from chimera.builtin.evolution.kernels.recording import (
    BEST,
    CHAMPION_GENERATION,
    ENDING,
    EVALUATIONS,
    FIRST_FINITE,
    GENERATION,
    INVALID,
    MEAN,
    RUNNING,
    STOPPED,
    reason_to_stop,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_f8, _i8 = types.float64, types.int64
_floats, _matrix, _integers = _f8[::1], _f8[:, ::1], _i8[::1]


class Arrays(NamedTuple):
    """The state of a run, as the module says; `signs` are of the problem, 1 to minimise or -1.

    `reference` is infinite until it is set.
    """

    rows: Floats
    costs: Floats
    violations: Floats
    ranks: Integers
    crowding: Floats
    reference: Floats
    champion: Floats
    history: Floats
    counters: Integers
    signs: Floats


class Scratch(NamedTuple):
    """Made by `scratch_of`; nothing in it outlives a call."""

    order: Integers
    spare: Integers
    spare_keys: Floats
    tails: Integers
    links: Integers
    key: Floats
    levels: Floats
    chosen: Integers
    mates: Floats
    gaps: Integers
    deviates: Floats
    marks: Integers


_ARRAYS: Any = types.NamedTuple(  # type: ignore[no-untyped-call]
    (
        _matrix,
        _matrix,
        _floats,
        _integers,
        _floats,
        _floats,
        _floats,
        _matrix,
        _integers,
        _floats,
    ),
    Arrays,
)
_SCRATCH: Any = types.NamedTuple(  # type: ignore[no-untyped-call]
    (
        _i8[:, ::1],
        _i8[:, ::1],
        _matrix,
        _integers,
        _integers,
        _matrix,
        _f8[:, :, ::1],
        _integers,
        _matrix,
        _integers,
        _floats,
        _integers,
    ),
    Scratch,
)


def scratch_of(population: int, objectives: int, width: int) -> Scratch:
    """Return scratch for a run."""
    rows = 2 * population
    return Scratch(
        order=np.zeros((objectives + 1, rows), np.int64),
        spare=np.zeros((2, rows), np.int64),
        spare_keys=np.zeros((2, rows)),
        tails=np.zeros(rows, np.int64),
        links=np.zeros(rows, np.int64),
        key=np.zeros((rows, 1)),
        levels=np.zeros((objectives, population, objectives)),
        chosen=np.zeros(BLOCK, np.int64),
        mates=np.zeros((2, PAIRS * width)),
        gaps=np.zeros(mutation.STEPS, np.int64),
        deviates=np.zeros(mutation.STEPS),
        marks=np.zeros(width, np.int64),
    )


@inner
def _rank(arrays, scratch, count):
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
def _survive(arrays, scratch, count):
    """Make parents of the best `count` of twice as many rows."""
    _rank(arrays, scratch, 2 * count)
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
            _copy(arrays, child, row)
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
def _copy(arrays, source, target):
    """Copy a row with all that is known of it."""
    for j in range(arrays.rows.shape[1]):
        arrays.rows[target, j] = arrays.rows[source, j]
    for m in range(arrays.costs.shape[1]):
        arrays.costs[target, m] = arrays.costs[source, m]
    arrays.violations[target] = arrays.violations[source]
    arrays.ranks[target] = arrays.ranks[source]
    arrays.crowding[target] = arrays.crowding[source]


@inner
def _record(arrays, scratch, ending, count):
    """Keep champion and history of the generation just made; judge criteria."""
    counters, history = arrays.counters, arrays.history
    counters[GENERATION] += 1
    counters[EVALUATIONS] += count
    generation = counters[GENERATION]
    _set_reference(arrays, count)
    size = _take_front(arrays, scratch, count)
    before = history[generation - 1, BEST] if generation > 0 else math.inf
    history[generation, BEST], history[generation, MEAN] = before, math.inf
    if size > 0:
        if counters[FIRST_FINITE] < 0:
            counters[FIRST_FINITE] = generation
        _crown(arrays, scratch, size)
        cost = 0.0 - volume(scratch.levels, arrays.costs.shape[1], size, arrays.reference)
        history[generation, BEST], history[generation, MEAN] = min(before, cost), cost
    counters[STOPPED] = reason_to_stop(history, ending, counters, count)


@inner
def _set_reference(arrays, count):
    """Set what of the reference point is not, if any row is valid."""
    for m in range(arrays.reference.shape[0]):
        if arrays.reference[m] == math.inf:
            worst = -math.inf
            for row in range(count):
                if arrays.costs[row, m] < math.inf:
                    worst = max(worst, arrays.costs[row, m])
            if worst > -math.inf:
                arrays.reference[m] = worst


@inner
def _take_front(arrays, scratch, count):
    """Fill `scratch.order[0]` with the feasible parents of rank 0, `levels` with their costs."""
    size, top = 0, arrays.costs.shape[1] - 1
    for row in range(count):
        if arrays.ranks[row] == 0 and arrays.violations[row] == 0.0:
            scratch.order[0, size] = row
            for m in range(top + 1):
                scratch.levels[top, size, m] = arrays.costs[row, m]
            size += 1
    return size


@inner
def _crown(arrays, scratch, size):
    """Make the champion of the row of the front that is nearest to the front's ideal point."""
    nearest, least = scratch.order[0, 0], math.inf
    for m in range(arrays.costs.shape[1]):
        low, high = math.inf, -math.inf
        for i in range(size):
            cost = arrays.costs[scratch.order[0, i], m]
            low, high = min(low, cost), max(high, cost)
        scratch.spare_keys[0, m], scratch.spare_keys[1, m] = low, high - low
    for i in range(size):
        row, square = scratch.order[0, i], 0.0
        for m in range(arrays.costs.shape[1]):
            width = scratch.spare_keys[1, m]
            share = (arrays.costs[row, m] - scratch.spare_keys[0, m]) / width if width > 0 else 0.0
            square += share * share
        if square < least:
            nearest, least = row, square
    changed = arrays.counters[FIRST_FINITE] == arrays.counters[GENERATION]
    for j in range(arrays.champion.shape[0]):
        if arrays.champion[j] != arrays.rows[nearest, j]:
            arrays.champion[j] = arrays.rows[nearest, j]
            changed = True
    if changed:
        arrays.counters[CHAMPION_GENERATION] = arrays.counters[GENERATION]


@inner
def _breed(arrays, scratch, layout, settings, count):
    """Fill in the children: of generation 0 at random, then of the parents."""
    rows, generation = arrays.rows, arrays.counters[GENERATION] + 1
    for first in range(0, count, BLOCK):
        block, last = first // BLOCK, min(first + BLOCK, count)
        if generation == 0:
            key = block_key(settings.seed, generation, block, INITIALISE, settings.island)
            initialise_block(rows, count + first, count + last, layout, settings, key)
        else:
            _breed_block(arrays, scratch, layout, settings, count, block, first, last)


@inner
def _breed_block(arrays, scratch, layout, settings, count, block, first, last):
    rows, generation = arrays.rows, arrays.counters[GENERATION] + 1
    key = block_key(settings.seed, generation, block, SELECT, settings.island)
    for i in range(last - first + (last - first) % 2):
        scratch.chosen[i] = _select(arrays.ranks, arrays.crowding, key, 2 * i, count)
    make_children(
        rows, rows, count + first, count + last, generation, block, layout, settings, scratch
    )


@inner
def _select(ranks, crowding, key, position, count):
    """Return the better of two parents; the first drawn wins among equals."""
    a, b = below(draw(key, position), count), below(draw(key, position + 1), count)
    if ranks[b] < ranks[a] or (ranks[b] == ranks[a] and crowding[b] > crowding[a]):
        return b
    return a


@inner
def _settle(arrays, scratch, ending, count):
    """Finish the generation whose children are evaluated."""
    counters = arrays.counters
    for row in range(count, 2 * count):
        counters[INVALID] += arrays.violations[row] == math.inf
    if counters[GENERATION] < 0:
        for row in range(count):
            _copy(arrays, count + row, row)
        _rank(arrays, scratch, count)
    else:
        _survive(arrays, scratch, count)
    _record(arrays, scratch, ending, count)


@kernel(types.void(_ARRAYS, _SCRATCH, _i8))
def rank(arrays, scratch, count):
    """Rank the first `count` rows anew."""
    _rank(arrays, scratch, count)


@kernel(OBJECTIVES_SIGNATURE)
def unknown(population, first, last, values, violations):
    """Leave values as they are: the objectives of those who ask and tell."""


@kernel(types.void(_ARRAYS, _SCRATCH, LAYOUT, SETTINGS, ENDING, OBJECTIVES, _i8, _i8))
def generations(arrays, scratch, layout, settings, ending, objectives, work, until):
    """Run on until generation `until`, or until a criterion stops the run; or do part of one."""
    counters, count = arrays.counters, arrays.rows.shape[0] // 2
    while counters[STOPPED] == RUNNING and counters[GENERATION] < until:
        if work != TELL:
            _breed(arrays, scratch, layout, settings, count)
        if work == ASK:
            return
        if work == ADVANCE:
            objectives(arrays.rows, count, 2 * count, arrays.costs, arrays.violations)
            to_costs_of_many(arrays.costs, arrays.violations, count, 2 * count, arrays.signs)
        _settle(arrays, scratch, ending, count)
        if work == TELL:
            return

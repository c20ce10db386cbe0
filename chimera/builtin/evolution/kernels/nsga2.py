"""The compiled NSGA-II (Deb, Pratap, Agarwal and Meyarivan 2002): a front of several objectives.

A generation makes N children of N parents, and of all 2N rows the N best become parents
(`survival`). A parent is the better of two drawn at random: by rank, then by crowding distance.

Layout, with W the width of a row and M objectives: rows 0 to N - 1 of `rows` are parents, rows N to
2N - 1 their children, and so for `costs` and `violations`; survivors stay where they are, and
children take the places of parents that do not survive. `ranks` and `crowding` are of the parents.

What `history` follows is the hypervolume, negated, so that smaller is better: its least so far and
that of each generation. Its reference point is the worst cost in each objective of the first
generation with any valid candidate. Of four objectives and more it is measured in every tenth
generation, and stays as it was in between: it would take longer than the search. The champion is
the row of the parents' front that comes nearest to its ideal point, each cost as a share of the
front's range (Zeleny 1973, Compromise programming). Equal ones are settled by index.
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
    BLOCK,
    LAYOUT,
    SETTINGS,
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
from chimera.builtin.evolution.kernels.fronts import volume
from chimera.builtin.evolution.kernels.randomness import (
    INITIALISE,
    SELECT,
    below,
    block_key,
    draw,
)
from chimera.builtin.evolution.kernels.recording import (
    ADVANCE,
    ASK,
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
    TELL,
    reason_to_stop,
)
from chimera.builtin.evolution.kernels.survival import copy_row, rank_rows, survive

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DEMANDING, PACE = 4, 10
"""From how many objectives on the hypervolume is measured how rarely, in generations."""

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
def _record(arrays, scratch, ending, count):
    """Keep champion and history of the generation just made; judge criteria."""
    counters, history = arrays.counters, arrays.history
    counters[GENERATION] += 1
    counters[EVALUATIONS] += count
    generation = counters[GENERATION]
    _set_reference(arrays, count)
    size = _take_front(arrays, scratch, count)
    best, cost = math.inf, math.inf
    if generation > 0:
        best, cost = history[generation - 1, BEST], history[generation - 1, MEAN]
    if size > 0:
        if counters[FIRST_FINITE] < 0:
            counters[FIRST_FINITE] = generation
        _crown(arrays, scratch, size)
        objectives = arrays.costs.shape[1]
        if objectives < DEMANDING or generation % PACE == 0 or cost == math.inf:
            cost = 0.0 - volume(scratch.levels, objectives, size, arrays.reference)
    history[generation, BEST], history[generation, MEAN] = min(best, cost), cost
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
            copy_row(arrays, count + row, row)
        rank_rows(arrays, scratch, count)
    else:
        survive(arrays, scratch, count)
    _record(arrays, scratch, ending, count)


@kernel(types.void(_ARRAYS, _SCRATCH, _i8))
def rank(arrays, scratch, count):
    """Rank the first `count` rows anew."""
    rank_rows(arrays, scratch, count)


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

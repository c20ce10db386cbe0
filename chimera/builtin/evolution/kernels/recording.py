"""What every algorithm does with a generation once it is evaluated: champion, history, criteria.

`counters` is int64[6], see below; `history` is float64[C, 2] with a row for every generation so
far, and room for those that a call can make. Costs are as `evaluating` describes them. Equal costs
are settled by index and sums run in order of index.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import types

from chimera.builtin.evolution.kernels.compiling import inner
from chimera.builtin.evolution.kernels.evaluating import INFEASIBLE

GENERATION, EVALUATIONS, INVALID, FIRST_FINITE, CHAMPION_GENERATION, STOPPED = range(6)
"""Positions in `counters`; GENERATION is -1 before the first, FIRST_FINITE until a cost is."""

COUNTERS = 6

RUNNING, TARGET, STAGNATION, GENERATIONS, EVALUATIONS_SPENT, CONVERGED = range(6)
"""Why a run stopped, in `counters[STOPPED]`; `record` never says CONVERGED, an algorithm does."""

ASK, TELL, ADVANCE = range(3)
"""What a kernel is to do: only make the candidates, only finish the generation, or all."""

BEST, MEAN = range(2)
"""Columns of `history`: the best cost so far, and the mean of a generation's feasible costs."""


class Ending(NamedTuple):
    """When a run stops, in costs: the target is infinite below where there is none.

    `stagnation` is 0 and `evaluations` is 2**62 where there is no such criterion.
    """

    generations: int
    evaluations: int
    target: float
    stagnation: int
    tolerance: float


ENDING: Any = types.NamedTuple(  # type: ignore[no-untyped-call]
    (types.int64, types.int64, types.float64, types.int64, types.float64), Ending
)


@inner
def begin(counters):
    """Set the counters, all zero before, to what they are before the first generation."""
    counters[GENERATION] = -1
    counters[FIRST_FINITE] = -1


@inner
def record(candidates, costs, count, champion, history, ending, counters, coming):
    """Keep champion and history of a generation of `count` rows just evaluated; judge criteria.

    `coming` is how many evaluations the next generation takes: a run stops before it passes its
    limit. Returns the row of a new champion, or -1.
    """
    counters[GENERATION] += 1
    counters[EVALUATIONS] += count
    generation = counters[GENERATION]
    best, total, feasible = 0, 0.0, 0
    for row in range(count):
        if costs[row] < costs[best]:
            best = row
        if costs[row] < INFEASIBLE:
            total += costs[row]
            feasible += 1
    before = history[generation - 1, BEST] if generation > 0 else math.inf
    crowned = -1
    if count > 0 and costs[best] < before:
        crowned = best
        for j in range(champion.shape[0]):  # a slice would compile the text of its error: 1.5 s
            champion[j] = candidates[best, j]
        counters[CHAMPION_GENERATION] = generation
        if counters[FIRST_FINITE] < 0:
            counters[FIRST_FINITE] = generation
        before = costs[best]
    history[generation, BEST] = before
    history[generation, MEAN] = total / feasible if feasible > 0 else math.inf
    counters[STOPPED] = reason_to_stop(history, ending, counters, coming)
    return crowned


@inner
def reason_to_stop(history, ending, counters, coming):
    """Return which criterion stops the run after the latest generation, or RUNNING."""
    generation, first = counters[GENERATION], counters[FIRST_FINITE]
    best = history[generation, BEST]
    if best <= ending.target:
        return TARGET
    if ending.stagnation > 0 and first >= 0 and generation - ending.stagnation >= first:
        gain = history[generation - ending.stagnation, BEST] - best
        if gain <= ending.tolerance * (history[first, BEST] - best):
            return STAGNATION
    if counters[EVALUATIONS] + coming > ending.evaluations:
        return EVALUATIONS_SPENT
    return GENERATIONS if generation >= ending.generations else RUNNING

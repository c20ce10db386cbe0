"""Compiled L-SHADE: differential evolution that learns its two parameters from its successes.

Tanabe and Fukunaga, Improving the search performance of SHADE using linear population size
reduction, CEC 2014, with their published constants. Each candidate is recombined with a step
towards one of the best and a random difference (current-to-pbest/1, binomial crossover); the
replaced go to an archive that differences are also taken from; the population shrinks to 4.

One thing differs. As published a crossover rate of exactly 0 stays in memory for good; here it is
written over like any other, which solves f20 of BBOB, at 10 genes and 10^5 evaluations, 23 times of
32 instead of 14.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import math

import numpy as np
from numba import types

from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kernels.compiling import inner, kernel
from chimera.builtin.evolution.kernels.evaluating import FITNESS, INFEASIBLE, evaluate
from chimera.builtin.evolution.kernels.lshade_layout import (
    ARCHIVE,
    ARRAYS,
    FACTOR,
    FIRST,
    LEAST,
    PLACE,
    POPULATION,
    RATE,
    SCRATCH,
    SETTINGS,
    SPENT,
)
from chimera.builtin.evolution.kernels.randomness import (
    INITIALISE,
    RECOMBINE,
    SELECT,
    below,
    block_key,
    draw,
    open_unit,
    unit,
)
from chimera.builtin.evolution.kernels.recording import (
    EVALUATIONS,
    GENERATION,
    INVALID,
    RUNNING,
    STOPPED,
    record,
)

BLOCK = 32
SPREAD = 0.1
"""Of the normal and Cauchy distributions around what memory holds."""

_SLOT, _RATE, _BEST, _ONE, _OTHER, _FORCED, _FACTOR, _GENES = range(8)
"""Positions of a candidate's draws; one of 64 bits serves two genes."""

_LOW_WORD, _WORD = np.uint64(0xFFFFFFFF), np.uint64(32)
_TO_UNIT, _TO_SIGNED = 2.0**-32, 2.0**-31


@inner
def _draw_first(scratch, first, last, generation, settings):
    """Draw candidates uniformly within the bounds."""
    bounds, trials = scratch.bounds, scratch.trials
    key = block_key(settings.seed, generation, first // BLOCK, INITIALISE, settings.island)
    for row in range(first, last):
        for j in range(settings.genes):
            low, high = bounds[0, j], bounds[1, j]
            u = unit(draw(key, (row - first) * settings.genes + j))
            trials[row, j] = min(max(low + u * (high - low), low), high)


@inner
def _is_worse(costs, a, b):
    """Order by cost, equal ones by index."""
    return costs[a] > costs[b] or (costs[a] == costs[b] and a > b)


@inner
def _sift(heap, count, place, costs):
    """Restore the order of a heap, whose root is the worst, below `place`."""
    moved = heap[place]
    while 2 * place + 1 < count:
        child = 2 * place + 1
        if child + 1 < count and _is_worse(costs, heap[child + 1], heap[child]):
            child += 1
        if not _is_worse(costs, heap[child], moved):
            break
        heap[place] = heap[child]
        place = child
    heap[place] = moved


@inner
def _find_best(costs, size, best, wanted):
    """Fill `best` with the rows of the `wanted` least costs, in order of index."""
    for row in range(wanted):
        best[row] = row
    for place in range(wanted // 2 - 1, -1, -1):
        _sift(best, wanted, place, costs)
    for row in range(wanted, size):
        if costs[row] < costs[best[0]]:
            best[0] = row
            _sift(best, wanted, 0, costs)
    limit, found = best[0], 0
    for row in range(size):
        if found < wanted and not _is_worse(costs, row, limit):
            best[found] = row
            found += 1


@inner
def _scale_factor(mean, key):
    """Draw from the Cauchy distribution around `mean`, again where not positive, cut at 1.

    The ratio of the coordinates of a random point in the unit disc has that distribution.
    """
    step = 0
    while True:
        bits = draw(key, step)
        x = np.float64(bits >> _WORD) * _TO_SIGNED - 1.0
        y = (np.float64(bits & _LOW_WORD) + 0.5) * _TO_SIGNED - 1.0  # never 0
        factor = mean + SPREAD * (x / y)
        if (x * x + y * y <= 1.0) & (factor > 0.0):
            return min(factor, 1.0)
        step += 1


@inner
def _crossover_rate(mean, bits):
    """Draw from the normal distribution around `mean`, cut to [0, 1]."""
    if mean < 0.0:
        return 0.0
    return min(max(mean + SPREAD * portable.normal(open_unit(bits)), 0.0), 1.0)


@inner
def _two_others(row, size, archived, largest, key):
    """Draw two rows besides `row` and one another, the second perhaps from the archive."""
    first = below(draw(key, _ONE), size - 1)
    first += first >= row
    second = below(draw(key, _OTHER), size + archived - 2)
    second += second >= min(row, first)
    second += second >= max(row, first)
    return first, second + (largest - size if second >= size else 0)


@inner
def _recombine(pool, row, best, first, second, trials, bounds, units, rate, factor, forced, key):
    """Fill in one trial, without branches in its loops: the processor's vectors run them.

    A gene out of bounds is set half-way between its parent's and the bound.
    """
    width = trials.shape[1]
    half = width // 2
    for k in range(half):
        bits = draw(key, _GENES + k)
        units[k] = np.float64(bits & _LOW_WORD) * _TO_UNIT
        units[k + half] = np.float64(bits >> _WORD) * _TO_UNIT
    units[forced] = -1.0
    for j in range(width):
        x, low, high = pool[row, j], bounds[0, j], bounds[1, j]
        v = x + factor * (pool[best, j] - x) + factor * (pool[first, j] - pool[second, j])
        v = 0.5 * (x + low) if v < low else v
        v = 0.5 * (x + high) if v > high else v
        trials[row, j] = v if units[j] < rate else x


@inner
def _prepare(arrays, scratch, settings):
    """Find the best of the population; return how many they are."""
    size = arrays.sizes[POPULATION]
    if arrays.sizes[FIRST] < 0:
        return 0
    wanted = max(2, int(size * settings.best + 0.5))
    _find_best(arrays.costs, size, scratch.best, wanted)
    return wanted


@inner
def _make_block(arrays, scratch, first, last, wanted, settings):
    """Choose parameters and parents of the trials of one block of rows, and recombine them.

    Arrays are taken from their tuples once: numba counts each taking as a reference.
    """
    generation = arrays.counters[GENERATION] + 1
    if arrays.sizes[FIRST] < 0:
        _draw_first(scratch, first, last, generation, settings)
        return
    pool, memory, parameters = arrays.pool, arrays.memory, scratch.parameters
    trials, bounds, units = scratch.trials, scratch.bounds, scratch.units
    size, archived = arrays.sizes[POPULATION], arrays.sizes[ARCHIVE]
    leading, largest, slots = scratch.best, arrays.costs.shape[0], memory.shape[1]
    block = block_key(settings.seed, generation, first // BLOCK, RECOMBINE, settings.island)
    for row in range(first, last):
        key = draw(block, row - first)
        slot = below(draw(key, _SLOT), slots)
        rate = _crossover_rate(memory[RATE, slot], draw(key, _RATE))
        factor = _scale_factor(memory[FACTOR, slot], draw(key, _FACTOR))
        parameters[RATE, row], parameters[FACTOR, row] = rate, factor
        best = leading[below(draw(key, _BEST), wanted)]
        one, other = _two_others(row, size, archived, largest, key)
        forced = below(draw(key, _FORCED), settings.genes)
        _recombine(pool, row, best, one, other, trials, bounds, units, rate, factor, forced, key)


@inner
def _copy(source, a, target, b):
    for j in range(source.shape[1]):
        target[b, j] = source[a, j]


@inner
def _archive(pool, row, largest, sizes, capacity, bits):
    """Keep a row that was outclassed, in place of a random one where the archive is full."""
    archived = sizes[ARCHIVE]
    place = archived if archived < capacity else below(bits, capacity)
    sizes[ARCHIVE] = min(archived + 1, capacity)
    if capacity > 0:
        _copy(pool, row, pool, largest + place)


@inner
def _select(arrays, scratch, key, settings):
    """Let trials that are no worse take their parents' places; learn from those that are better.

    `sums` are, over successes, those of w·s and w·s² for scale factors and for crossover rates, w
    being the gain; `evens` the same with w = 1, for gains from what was not feasible: they have
    no size.
    """
    pool, costs, sizes, counters = arrays.pool, arrays.costs, arrays.sizes, arrays.counters
    trials, trial_costs, parameters = scratch.trials, scratch.costs, scratch.parameters
    size, largest = sizes[POPULATION], costs.shape[0]
    capacity = int(settings.archive * size + 0.5)
    sums, evens, is_measured = (0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0), True
    for row in range(size):
        before, cost = costs[row], trial_costs[row]
        counters[INVALID] += cost == math.inf
        if cost < before:
            factor, rate = parameters[FACTOR, row], parameters[RATE, row]
            is_measured &= before < INFEASIBLE
            sums = _add(sums, before - cost, factor, rate)
            evens = _add(evens, 1.0, factor, rate)
            _archive(pool, row, largest, sizes, capacity, draw(key, row))
        if cost <= before:
            _copy(trials, row, pool, row)
            costs[row] = cost
    if is_measured and sums[1] > 0.0 and (sums[3] > 0.0 or evens[3] == 0.0):
        _remember(arrays, sums)
    elif evens[0] > 0.0:
        _remember(arrays, evens)


@inner
def _add(sums, weight, factor, rate):
    return (
        sums[0] + weight * factor,
        sums[1] + weight * factor * factor,
        sums[2] + weight * rate,
        sums[3] + weight * rate * rate,
    )


@inner
def _remember(arrays, sums):
    """Write the Lehmer means of a generation's successful parameters into memory."""
    memory, place = arrays.memory, arrays.sizes[PLACE]
    memory[FACTOR, place] = sums[1] / sums[0]
    memory[RATE, place] = -1.0 if sums[2] == 0.0 else sums[3] / sums[2]
    arrays.sizes[PLACE] = (place + 1) % memory.shape[1]


@inner
def _planned_size(arrays, settings):
    """Return the size of the next generation: it falls with what is spent of the budget."""
    ending, counters, sizes = settings.ending, arrays.counters, arrays.sizes
    evaluations = ending.evaluations - (counters[EVALUATIONS] - sizes[SPENT])
    spent = (sizes[SPENT] + sizes[POPULATION]) / max(evaluations, 1)
    generations = max(ending.generations - sizes[FIRST], 1)
    spent = max(spent, (counters[GENERATION] + 1 - sizes[FIRST]) / generations)
    largest = arrays.costs.shape[0]
    planned = int(largest + (LEAST - largest) * min(spent, 1.0) + 0.5)
    return min(max(planned, LEAST), sizes[POPULATION])


@inner
def _reduce(arrays, planned, key, settings):
    """Drop the worst until the population is as planned, and random ones of the archive."""
    pool, sizes, costs = arrays.pool, arrays.sizes, arrays.costs
    largest = costs.shape[0]
    while sizes[POPULATION] > planned:
        last, worst = sizes[POPULATION] - 1, 0
        for row in range(1, last + 1):
            if costs[row] >= costs[worst]:
                worst = row
        _copy(pool, last, pool, worst)
        costs[worst] = costs[last]
        sizes[POPULATION] = last
    while sizes[ARCHIVE] > int(settings.archive * planned + 0.5):
        last = sizes[ARCHIVE] - 1
        place = below(draw(key, largest + last), last + 1)
        _copy(pool, largest + last, pool, largest + place)
        sizes[ARCHIVE] = last


@inner
def _settle(arrays, scratch, generation):
    """Make the first population of the trials."""
    for row in range(arrays.sizes[POPULATION]):
        _copy(scratch.trials, row, arrays.pool, row)
        arrays.costs[row] = scratch.costs[row]
        arrays.counters[INVALID] += scratch.costs[row] == math.inf
    arrays.sizes[FIRST] = generation


@inner
def _finish(arrays, scratch, settings):
    """Make a generation of the trials and their costs."""
    size, generation = arrays.sizes[POPULATION], arrays.counters[GENERATION] + 1
    key = block_key(settings.seed, generation, 0, SELECT, settings.island)
    if arrays.sizes[FIRST] < 0:
        _settle(arrays, scratch, generation)
    else:
        _select(arrays, scratch, key, settings)
    planned = _planned_size(arrays, settings)
    _reduce(arrays, planned, key, settings)
    arrays.sizes[SPENT] += size
    record(
        scratch.trials,
        scratch.costs,
        size,
        arrays.champion,
        arrays.history,
        settings.ending,
        arrays.counters,
        planned,
    )


@kernel(types.void(ARRAYS, SCRATCH, SETTINGS))
def propose(arrays, scratch, settings):
    """Make the trials of the next generation; the state stays as it is."""
    wanted = _prepare(arrays, scratch, settings)
    size = arrays.sizes[POPULATION]
    for first in range(0, size, BLOCK):
        _make_block(arrays, scratch, first, min(first + BLOCK, size), wanted, settings)


@kernel(types.void(ARRAYS, SCRATCH, SETTINGS))
def conclude(arrays, scratch, settings):
    """Make a generation of proposed trials, now that their costs are in `scratch`."""
    _finish(arrays, scratch, settings)


@kernel(types.void(ARRAYS, SCRATCH, SETTINGS, FITNESS, types.int64))
def evolve(arrays, scratch, settings, fitness, until):
    """Run on until generation `until`, or until a criterion stops the run."""
    counters = arrays.counters
    while counters[STOPPED] == RUNNING and counters[GENERATION] < until:
        wanted = _prepare(arrays, scratch, settings)
        size = arrays.sizes[POPULATION]
        for first in range(0, size, BLOCK):
            last = min(first + BLOCK, size)
            _make_block(arrays, scratch, first, last, wanted, settings)
            evaluate(fitness, scratch.trials, first, last, scratch.costs, settings.sign)
        _finish(arrays, scratch, settings)

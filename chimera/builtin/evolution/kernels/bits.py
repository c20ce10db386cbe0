"""The compiled genetic algorithm for genomes of bits alone, 64 genes in a word.

What it does to a generation is what `breeding` does. Here N candidates of L genes are `rows`,
uint64[2, N, ⌈L / 64⌉], as `packed` describes them, and an operation on a word is one on 64 genes:
one draw is the mask of uniform crossover for 64 of them. The champion and its parents are kept as
rows of float64, as those of all algorithms are. Blocks of 128 children are selected, recombined and
mutated; a generation, which stays in the nearest caches, is evaluated as a whole.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from chimera.builtin.evolution.kernels import portable, selection
from chimera.builtin.evolution.kernels.compiling import inner, kernel
from chimera.builtin.evolution.kernels.evaluating import (
    PACKED_FITNESS,
    PACKED_FITNESS_SIGNATURE,
    to_costs,
)
from chimera.builtin.evolution.kernels.packed import bit, lower_bits
from chimera.builtin.evolution.kernels.randomness import (
    INITIALISE,
    MUTATE,
    RECOMBINE,
    SELECT,
    below,
    block_key,
    draw,
    open_unit,
    unit,
)
from chimera.builtin.evolution.kernels.recording import (
    ADVANCE,
    ASK,
    ENDING,
    EVALUATIONS,
    GENERATION,
    INVALID,
    RUNNING,
    STOPPED,
    TELL,
    record,
)

BLOCK = 128

GAPS = 64
"""Mutations that are prepared at a time."""

LONGEST_GAP = 2.0**51

UNIFORM, ONE_POINT, TWO_POINT = range(3)
"""Kinds of crossover."""

_1, _6, _63 = np.uint64(1), np.uint64(6), np.uint64(63)


class Settings(NamedTuple):
    """What stays the same through a run.

    `selection` is a kind of that module, `selected` the size of a tournament or how many survive
    truncation. `mutation_gap` is 1 / log2(1 - rate), infinite where nothing is mutated.
    """

    seed: np.uint64
    island: int
    sign: float
    genes: int
    elites: int
    selection: int
    selected: int
    pressure: float
    crossover: int
    crossover_probability: float
    mutation_gap: float


class Population(NamedTuple):
    """The state: `origins` and `parents` are as `breeding` has them, the rest as `recording`."""

    rows: NDArray[np.uint64]
    costs: NDArray[np.float64]
    origins: NDArray[np.int32]
    champion: NDArray[np.float64]
    parents: NDArray[np.float64]
    history: NDArray[np.float64]
    counters: NDArray[np.int64]


class Scratch(NamedTuple):
    """What holds nothing between two calls.

    `elites` is int64[elites], `order` and `spare` int64[N], `sums` float64[N], `chosen`
    int64[BLOCK], `gaps` int64[GAPS] and `crowned` a row of
    words.
    """

    elites: NDArray[np.int64]
    order: NDArray[np.int64]
    spare: NDArray[np.int64]
    sums: NDArray[np.float64]
    chosen: NDArray[np.int64]
    gaps: NDArray[np.int64]
    crowned: NDArray[np.uint64]


_i8, _f8 = types.int64, types.float64
_floats, _matrix, _integers = _f8[::1], _f8[:, ::1], _i8[::1]

SETTINGS: Any = types.NamedTuple(  # type: ignore[no-untyped-call]
    (types.uint64, _i8, _f8, _i8, _i8, _i8, _i8, _f8, _i8, _f8, _f8), Settings
)

POPULATION: Any = types.NamedTuple(  # type: ignore[no-untyped-call]
    (
        types.uint64[:, :, ::1],
        _matrix,
        types.int32[:, ::1],
        _floats,
        _matrix,
        _matrix,
        _integers,
    ),
    Population,
)
SCRATCH: Any = types.NamedTuple(  # type: ignore[no-untyped-call]
    (*(_integers,) * 3, _floats, *(_integers,) * 2, types.uint64[::1]), Scratch
)


@inner
def _initialise(children, settings, state):
    """Draw generation 0, each gene 0 or 1 with the same chance."""
    count, words = children.shape
    for row in range(count):
        state.origins[row, 0] = -1
        state.origins[row, 1] = -1
    for first in range(0, count, BLOCK):
        key = block_key(settings.seed, 0, first // BLOCK, INITIALISE, settings.island)
        for row in range(first, min(first + BLOCK, count)):
            for k in range(words):
                used = lower_bits(settings.genes - 64 * k)
                children[row, k] = draw(key, (row - first) * words + k) & used


@inner
def _breed(children, child_costs, settings, scratch, state):
    """Make the next generation: elites first, then blocks of children."""
    counters, chosen = state.counters, scratch.chosen
    here = counters[GENERATION] % 2
    parents, costs = state.rows[here], state.costs[here]
    count, generation = costs.shape[0], counters[GENERATION] + 1
    _keep_elites(parents, costs, children, child_costs, scratch.elites, state.origins)
    selection.prepare(costs, settings, scratch)
    for first in range(settings.elites, count, BLOCK):
        block, last = (first - settings.elites) // BLOCK, min(first + BLOCK, count)
        key = block_key(settings.seed, generation, block, SELECT, settings.island)
        selection.choose(costs, settings, scratch, key, last - first + (last - first) % 2)
        key = block_key(settings.seed, generation, block, RECOMBINE, settings.island)
        for row in range(first, last, 2):
            a, b = chosen[row - first], chosen[row - first + 1]
            second = min(row + 1, last - 1)
            _cross(parents, a, b, children, row, second, settings, draw(key, row - first))
            state.origins[row, 0] = a
            state.origins[row, 1] = b
            state.origins[second, 0] = a
            state.origins[second, 1] = b
        key = block_key(settings.seed, generation, block, MUTATE, settings.island)
        _mutate(children, first, last, settings, scratch.gaps, key)


@inner
def _keep_elites(parents, costs, children, child_costs, elites, origins):
    """Copy the best rows, the best first."""
    selection.find_best(costs, elites)
    for row in range(elites.shape[0]):
        for k in range(parents.shape[1]):
            children[row, k] = parents[elites[row], k]
        child_costs[row] = costs[elites[row]]
        origins[row, 0] = elites[row]
        origins[row, 1] = -1


@inner
def _cross(parents, a, b, children, first, second, settings, key):
    """Fill two rows from two parents; `second` may equal `first`.

    Genes are exchanged where a mask is set: one draw for 64 of them, or all between two cuts.
    """
    words = parents.shape[1]
    if not unit(draw(key, 0)) < settings.crossover_probability:
        for k in range(words):
            children[second, k] = parents[b, k]
            children[first, k] = parents[a, k]
    elif settings.crossover != UNIFORM:
        low, high = _cuts(settings, key)
        for k in range(words):
            x, y = parents[a, k], parents[b, k]
            mask = lower_bits(high - 64 * k) & ~lower_bits(low - 64 * k)
            exchanged = (x ^ y) & mask
            children[second, k] = y ^ exchanged
            children[first, k] = x ^ exchanged
    else:
        for k in range(words):
            x, y = parents[a, k], parents[b, k]
            exchanged = (x ^ y) & draw(key, k + 1)
            children[second, k] = y ^ exchanged
            children[first, k] = x ^ exchanged


@inner
def _cuts(settings, key):
    """Return the first gene that is exchanged and the one after the last."""
    between = max(settings.genes - 1, 1)
    low, high = below(draw(key, 1), between) + 1, settings.genes
    if settings.crossover == TWO_POINT:
        other = below(draw(key, 2), between) + 1
        low, high = min(low, other), max(low, other)
    return low, high


@inner
def _mutate(children, first, last, settings, gaps, key):
    """Flip each gene of the rows with the same chance, skipping from one to the next.

    The gap to the next is geometric, floor(log u / log(1 - rate)).
    """
    genes, start = np.uint64(settings.genes), np.uint64(first)
    count, position, step = np.uint64(last - first) * genes, np.uint64(0), 0
    while True:
        _prepare(gaps, settings.mutation_gap, key, step)
        for i in range(np.uint64(GAPS)):
            position += np.uint64(gaps[i])
            if position >= count:
                return
            row, j = start + position // genes, position % genes
            children[row, j >> _6] ^= _1 << (j & _63)
            position += _1
        step += GAPS


@inner
def _prepare(gaps, factor, key, step):
    """Fill in the gaps from a step on: a loop without branches, so that it is vectorised."""
    for i in range(GAPS):
        u = open_unit(draw(key, step + i))
        gaps[i] = int(min(portable.unit_log2(u) * factor, LONGEST_GAP))


@inner
def _finish(children, costs, settings, ending, scratch, state):
    """Record a generation whose costs are known; keep a new champion and its parents."""
    counters, count = state.counters, costs.shape[0]
    here = counters[GENERATION] % 2
    if counters[GENERATION] >= 0:
        counters[EVALUATIONS] -= settings.elites  # `record` counts all rows; these are known
    coming = count - settings.elites
    crowned = record(
        children, costs, count, scratch.crowned, state.history, ending, counters, coming
    )
    if crowned < 0:
        return
    for j in range(settings.genes):
        state.champion[j] = float(bit(children, crowned, j))
    for parent in range(2):
        row = state.origins[crowned, parent]
        for j in range(settings.genes):
            state.parents[parent, j] = float(bit(state.rows[here], row, j)) if row >= 0 else 0.0


@kernel(PACKED_FITNESS_SIGNATURE)
def unknown(population, first, last, values):
    """Leave values as they are: the fitness of those who ask and tell."""


@kernel(types.void(POPULATION, SETTINGS, SCRATCH, ENDING, PACKED_FITNESS, _i8, _i8))
def generations(state, settings, scratch, ending, fitness, work, until):
    """Run on until generation `until`, or until a criterion stops the run; or do part of one."""
    counters = state.counters
    while counters[STOPPED] == RUNNING and counters[GENERATION] < until:
        there = (counters[GENERATION] + 1) % 2
        children, costs = state.rows[there], state.costs[there]
        first = settings.elites
        if counters[GENERATION] < 0:
            first = 0
        if work != TELL:
            if counters[GENERATION] < 0:
                _initialise(children, settings, state)
            else:
                _breed(children, costs, settings, scratch, state)
        if work == ASK:
            return
        if work == ADVANCE:
            fitness(children, first, costs.shape[0], costs)
            counters[INVALID] += to_costs(costs, first, costs.shape[0], settings.sign)
        _finish(children, costs, settings, ending, scratch, state)
        if work == TELL:
            return

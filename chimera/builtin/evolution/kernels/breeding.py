"""The compiled genetic algorithm: one generation after another, nothing allocated in between.

Layout, with N candidates of D genes: `populations` is float64[2, N, W], C order, where the width W
is D rounded up to a multiple of 8, so that loops over a row fill the processor's vectors; the rest
of a row stays zero. Generation g lies in `populations[g % 2]`, its costs in `costs[g % 2]`. Elites
come first, and the rest are candidates to evaluate. `origins` is int32[N, 2]: the rows of the
generation before that each row was made from, or -1; when a champion is crowned, they are copied
to `parents`, float64[2, W], which is zero for a champion of generation 0.

Children are made in blocks of 128 that stay in the processor's nearest cache: select, recombine,
mutate, evaluate. Equal costs are settled by index: no result depends on threads or on how the run
was split into calls.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from chimera.builtin.evolution.kernels import crossover, mutation, permutation, selection
from chimera.builtin.evolution.kernels.compiling import inner, kernel
from chimera.builtin.evolution.kernels.crossover import PAIRS
from chimera.builtin.evolution.kernels.evaluating import (
    FITNESS,
    FITNESS_SIGNATURE,
    evaluate,
)
from chimera.builtin.evolution.kernels.genes import PERMUTATION
from chimera.builtin.evolution.kernels.randomness import (
    INITIALISE,
    MUTATE,
    PERMUTE,
    RECOMBINE,
    SELECT,
    block_key,
    draw,
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

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BLOCK = 2 * PAIRS


class Settings(NamedTuple):
    """What stays the same through a run.

    Kinds are those of the modules of operators. `selected` is the size of a tournament or how many
    survive truncation. `loose` is the number of genes outside of permutations, and `is_plain` says
    that all are real and moved by mutation. `crossover_index` is 1 / (η + 1) or alpha,
    `mutation_index` 1 / (η + 1), `mutation_gap` 1 / log2(1 - rate).
    """

    seed: np.uint64
    island: int
    sign: float
    genes: int
    loose: int
    is_plain: bool
    elites: int
    selection: int
    selected: int
    pressure: float
    crossover: int
    crossover_probability: float
    crossover_index: float
    mutation: int
    mutation_gap: float
    mutation_index: float
    permutation_crossover: int
    permutation_mutation: int
    permutation_probability: float
    permutation_rate: float


class Layout(NamedTuple):
    """What a row is made of: `types` int64[W] and `places` int64[W], among loose genes, or -1.

    `scale` is what mutation moves genes by, of a row PAIRS times, float64[PAIRS W]. `segments` are
    as `Problem` has them.
    """

    lower: Floats
    upper: Floats
    scale: Floats
    types: Integers
    places: Integers
    segments: Integers


class Population(NamedTuple):
    """The state, as the head of the module describes it and `recording` does."""

    populations: Floats
    costs: Floats
    origins: NDArray[np.int32]
    champion: Floats
    parents: Floats
    history: Floats
    counters: Integers


class Scratch(NamedTuple):
    """What holds nothing between two calls.

    `elites` is int64[elites], `order` and `spare` int64[N], `sums` float64[N], `drawn`
    int64[BLOCK MAX_TOURNAMENT], `chosen` int64[BLOCK], `mates` float64[2, PAIRS W], `gaps`
    int64[STEPS], `deviates` float64[STEPS], `marks` int64[W].
    """

    elites: Integers
    order: Integers
    spare: Integers
    sums: Floats
    drawn: Integers
    chosen: Integers
    mates: Floats
    gaps: Integers
    deviates: Floats
    marks: Integers


_i8, _f8, _u8 = types.int64, types.float64, types.uint64
_vector, _matrix, _pair = _f8[::1], _f8[:, ::1], _f8[:, :, ::1]
_rows, _table = _i8[::1], _i8[:, ::1]


def _tuple(fields: str, name: type) -> Any:
    kinds = {"i": _i8, "f": _f8, "u": _u8, "I": _rows, "F": _vector, "M": _matrix, "P": _pair}
    kinds |= {"b": types.boolean, "T": _table, "O": types.int32[:, ::1]}
    return types.NamedTuple(tuple(kinds[field] for field in fields), name)  # type: ignore[no-untyped-call]


SETTINGS: Any = _tuple("uifiibiiififfiffiiff", Settings)
LAYOUT: Any = _tuple("FFFIIT", Layout)
POPULATION: Any = _tuple("PMOFMMI", Population)
SCRATCH: Any = _tuple("IIIFIIMIFI", Scratch)


@inner
def _initialise(population, costs, layout, settings, fitness, work, state):
    """Draw generation 0 uniformly."""
    count = costs.shape[0]
    origins = state.origins
    for row in range(count):
        origins[row, 0] = -1
        origins[row, 1] = -1
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        key = block_key(settings.seed, 0, first // BLOCK, INITIALISE, settings.island)
        initialise_block(population, first, last, layout, settings, key)
        if work == ADVANCE:
            _evaluate(fitness, population, first, last, costs, settings, state)


@inner
def initialise_block(population, first, last, layout, settings, key):
    """Draw rows uniformly."""
    genes, segments = settings.genes, layout.segments
    for row in range(first, last):
        position = (row - first) * genes
        for j in range(genes):
            bits = draw(key, position + j)
            population[row, j] = mutation.anew(
                layout.types[j], layout.lower[j], layout.upper[j], bits
            )
        for k in range(segments.shape[0]):
            if segments[k, 0] == PERMUTATION:
                start, stop = segments[k, 1], segments[k, 2]
                permutation.shuffle(population, row, start, stop, key, position)


@inner
def _breed(children, child_costs, layout, settings, scratch, fitness, work, state):
    """Make the next generation: elites first, then blocks of children."""
    here = state.counters[GENERATION] % 2
    parents, costs = state.populations[here], state.costs[here]
    count, elites = costs.shape[0], settings.elites
    _keep_elites(parents, costs, children, child_costs, scratch.elites, state.origins)
    selection.prepare(costs, settings, scratch)
    generation = state.counters[GENERATION] + 1
    for first in range(elites, count, BLOCK):
        last = min(first + BLOCK, count)
        _breed_block(
            parents,
            costs,
            children,
            first,
            last,
            generation,
            layout,
            settings,
            scratch,
            state.origins,
        )
        if work == ADVANCE:
            _evaluate(fitness, children, first, last, child_costs, settings, state)


@inner
def _keep_elites(parents, costs, children, child_costs, elites, origins):
    """Copy the best rows, the best first."""
    selection.find_best(costs, elites)
    for row in range(elites.shape[0]):
        for j in range(parents.shape[1]):
            children[row, j] = parents[elites[row], j]
        child_costs[row] = costs[elites[row]]
        origins[row, 0] = elites[row]
        origins[row, 1] = -1


@inner
def _breed_block(
    parents, costs, children, first, last, generation, layout, settings, scratch, origins
):
    """Select, recombine and mutate a block of children."""
    block, chosen = (first - settings.elites) // BLOCK, scratch.chosen
    key = block_key(settings.seed, generation, block, SELECT, settings.island)
    selection.choose(costs, settings, scratch, key, last - first + (last - first) % 2)
    make_children(parents, children, first, last, generation, block, layout, settings, scratch)
    for row in range(first, last):
        pair = (row - first) // 2
        origins[row, 0] = chosen[2 * pair]
        origins[row, 1] = chosen[2 * pair + 1]


@inner
def make_children(parents, children, first, last, generation, block, layout, settings, scratch):
    """Recombine and mutate parents, pairs of `scratch.chosen`, to a block of children."""
    rows, mates = last - first, scratch.mates
    pairs, has_permutations = (rows + 1) // 2, settings.loose < settings.genes
    key = block_key(settings.seed, generation, block, RECOMBINE, settings.island)
    crossover.cross(parents, scratch.chosen, mates, pairs, layout, settings, key)
    if has_permutations:
        permutation.cross(parents, mates, pairs, layout, settings, scratch, key)
    key = block_key(settings.seed, generation, block, MUTATE, settings.island)
    mutation.mutate(mates, rows, layout, settings, scratch, key)
    if has_permutations:
        key = block_key(settings.seed, generation, block, PERMUTE, settings.island)
        permutation.mutate(mates, rows, layout, settings, key)
    _place(mates, children, first, last, layout.lower, layout.upper)


@inner
def _place(mates, children, first, last, lower, upper):
    """Move a block's children to their rows, and within their bounds."""
    width = children.shape[1]
    for row in range(first, last):
        half, at = (row - first) % 2, np.uint64((row - first) // 2 * width)
        for j in range(np.uint64(width)):
            value = mates[half, at + j]
            value = lower[j] if value < lower[j] else value
            children[row, j] = upper[j] if value > upper[j] else value


@inner
def _evaluate(fitness, population, first, last, costs, settings, state):
    """Fill in the costs of some rows and count the invalid ones."""
    state.counters[INVALID] += evaluate(fitness, population, first, last, costs, settings.sign)


@inner
def _finish(population, costs, settings, ending, state):
    """Record a generation whose costs are known; keep the parents of a new champion."""
    counters, count = state.counters, costs.shape[0]
    kept = settings.elites if counters[GENERATION] >= 0 else 0
    before = counters[EVALUATIONS] - kept
    counters[EVALUATIONS] = before  # `record` counts all rows, but elites were not evaluated
    crowned = record(
        population,
        costs,
        count,
        state.champion,
        state.history,
        ending,
        counters,
        count - settings.elites,
    )
    if crowned < 0:
        return
    here = (counters[GENERATION] + 1) % 2
    for parent in range(2):
        row = state.origins[crowned, parent]
        for j in range(state.parents.shape[1]):
            state.parents[parent, j] = state.populations[here, row, j] if row >= 0 else 0.0


@kernel(FITNESS_SIGNATURE)
def unknown(population, first, last, values):
    """Leave values as they are: the fitness of those who ask and tell."""


@kernel(types.void(POPULATION, LAYOUT, SETTINGS, SCRATCH, ENDING, FITNESS, _i8, _i8))
def generations(state, layout, settings, scratch, ending, fitness, work, until):
    """Run on until generation `until`, or until a criterion stops the run; or do part of one."""
    counters = state.counters
    while counters[STOPPED] == RUNNING and counters[GENERATION] < until:
        there = (counters[GENERATION] + 1) % 2
        children, costs = state.populations[there], state.costs[there]
        if work != TELL:
            if counters[GENERATION] < 0:
                _initialise(children, costs, layout, settings, fitness, work, state)
            else:
                _breed(children, costs, layout, settings, scratch, fitness, work, state)
        if work == ASK:
            return
        _finish(children, costs, settings, ending, state)
        if work == TELL:
            return

"""The compiled genetic algorithm: one generation after another, nothing allocated in between.

Layout, with N candidates of D genes: `populations` is float64[2, N, W], C order, rows as `breeding`
has them. Generation g lies in `populations[g % 2]`, its costs in `costs[g % 2]`. Elites come first,
and the rest are candidates to evaluate. `origins` is int32[N, 2]: the rows of the generation before
that each row was made from, or -1; when a champion is crowned, they are copied to `parents`,
float64[2, W], which is zero for a champion of generation 0. Equal costs are settled by index: no
result depends on threads or on how the run was split into calls.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from chimera.builtin.evolution.kernels import selection
from chimera.builtin.evolution.kernels.breeding import (
    BLOCK,
    LAYOUT,
    SCRATCH,
    SETTINGS,
    Floats,
    Integers,
    initialise_block,
    make_children,
    tuple_type,
)
from chimera.builtin.evolution.kernels.compiling import inner, kernel
from chimera.builtin.evolution.kernels.evaluating import FITNESS, FITNESS_SIGNATURE, evaluate
from chimera.builtin.evolution.kernels.randomness import INITIALISE, SELECT, block_key
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


class Population(NamedTuple):
    """The state, as the head of the module describes it and `recording` does."""

    populations: Floats
    costs: Floats
    origins: NDArray[np.int32]
    champion: Floats
    parents: Floats
    history: Floats
    counters: Integers


POPULATION: Any = tuple_type("PMOFMMI", Population)


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


@kernel(
    types.void(POPULATION, LAYOUT, SETTINGS, SCRATCH, ENDING, FITNESS, types.int64, types.int64)
)
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

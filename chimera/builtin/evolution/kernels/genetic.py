"""The compiled genetic algorithm: one generation after another, nothing allocated in between.

Layout, with N candidates of D genes: `populations` is float64[2, N, W], C order, where the width W
is D rounded up to a multiple of 8, so that loops over a row fill the processor's vectors; the rest
of a row stays zero. Generation g lies in `populations[g % 2]`, and its costs in `costs[g % 2]`.
`bounds` is float64[3, W]: lower and upper bound and the mutation's scale of each gene. `history` is
float64[G + 1, 2]: the best cost so far and the mean finite cost of every generation. `counters` is
int64[6], see below.

A *cost* is what is minimised: the fitness, negated when maximising, and plus infinity where the
fitness came out NaN or infinite. Such a candidate loses every tournament against a finite one and
is never the champion. Equal costs are settled by index, sums run in order of index: no result
depends on threads or on how the run was split into calls.

Children are made in blocks of 32 that stay in the processor's nearest cache: select, recombine,
mutate, evaluate. A fitness is a compiled function that fills in the values of a range of rows.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types

from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kernels.compiling import inner, kernel
from chimera.builtin.evolution.kernels.evaluating import FITNESS, evaluate
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

BLOCK = 32
VECTOR = 8
_NOTHING, _BIT_0, _BIT_1 = np.uint64(0), np.uint64(1), np.uint64(2)
ISLAND = 0

GENERATION, EVALUATIONS, INVALID, FIRST_FINITE, CHAMPION_GENERATION, STOPPED = range(6)
"""Positions in `counters`; FIRST_FINITE is -1 until some candidate had a finite fitness."""

RUNNING, TARGET, STAGNATION, GENERATIONS = range(4)
"""Why a run stopped, in `counters[STOPPED]`."""

BEST, MEAN = range(2)
"""Columns of `history`."""


class Settings(NamedTuple):
    """What stays the same through a run; built by `engine.settings_of`.

    `sign` is 1 to minimise and -1 to maximise. `crossover_roots` and `mutation_roots` say how many
    square roots replace a power of 1 / (η + 1), and are -1 where η + 1 is no power of two.
    `mutation_gap` is 1 / log(1 - rate).
    """

    seed: np.uint64
    genes: int
    sign: float
    tournament: int
    elites: int
    crossover_probability: float
    crossover_exponent: float
    crossover_roots: int
    mutation_rate: float
    mutation_gap: float
    mutation_is_gaussian: bool
    mutation_exponent: float
    mutation_roots: int
    generations: int
    target: float
    stagnation: int
    tolerance: float


_i8, _f8 = types.int64, types.float64
_vector, _matrix, _pair = _f8[::1], _f8[:, ::1], _f8[:, :, ::1]
SETTINGS: Any = types.NamedTuple(  # type: ignore[no-untyped-call]
    (
        types.uint64,
        _i8,
        _f8,
        _i8,
        _i8,
        _f8,
        _f8,
        _i8,
        _f8,
        _f8,
        types.boolean,
        _f8,
        _i8,
        _i8,
        _f8,
        _i8,
        _f8,
    ),
    Settings,
)


@inner
def _root(x, roots, exponent):
    """Return `x` to the power of `exponent`, by square roots where that is exact enough."""
    if roots < 0:
        return portable.power(x, exponent)
    for _ in range(roots):
        x = np.sqrt(x)
    return x


@inner
def _clamp(x, low, high):
    return min(max(x, low), high)


@inner
def _initialise_block(population, first, last, bounds, settings):
    """Draw candidates uniformly within the bounds."""
    genes = settings.genes
    key = block_key(settings.seed, 0, first // BLOCK, INITIALISE, ISLAND)
    for row in range(first, last):
        for j in range(genes):
            low, high = bounds[0, j], bounds[1, j]
            u = unit(draw(key, (row - first) * genes + j))
            population[row, j] = _clamp(low + u * (high - low), low, high)


@inner
def _select(costs, key, position, size):
    """Return the winner of a tournament; the first drawn wins among equals."""
    count = costs.shape[0]
    winner = below(draw(key, position), count)
    for k in range(1, size):
        other = below(draw(key, position + k), count)
        if costs[other] < costs[winner]:
            winner = other
    return winner


@inner
def _recombine(parents, a, b, children, first, second, bounds, key, spread, settings):
    """Fill two rows from two parents by simulated binary crossover; `second` may equal `first`.

    One draw decides about the pair and one about each gene: its upper bits are the u of the
    spread factor, bit 0 says whether the gene is recombined and bit 1 whether it is exchanged.
    Loops without branches, so that they are vectorised; `spread` is scratch of float64[W].
    """
    width = parents.shape[1]
    if unit(draw(key, 0)) < settings.crossover_probability:
        _fill_spread(spread, key, settings)
        for j in range(width):
            bits = draw(key, j + 1)
            x, y, low, high = parents[a, j], parents[b, j], bounds[0, j], bounds[1, j]
            middle, reach = 0.5 * (x + y), 0.5 * spread[j] * (y - x)
            recombined = bits & _BIT_0 != _NOTHING
            p = _clamp(middle - reach, low, high) if recombined else x
            q = _clamp(middle + reach, low, high) if recombined else y
            exchanged = bits & _BIT_1 != _NOTHING
            children[second, j] = p if exchanged else q
            children[first, j] = q if exchanged else p
    else:
        for j in range(width):
            children[second, j] = parents[b, j]
            children[first, j] = parents[a, j]


@inner
def _fill_spread(spread, key, settings):
    """Fill in the spread factor β of SBX for each gene (Deb and Agrawal 1995, eq. 2.3)."""
    for j in range(spread.shape[0]):
        u = unit(draw(key, j + 1))
        spread[j] = 2.0 * u if u < 0.5 else 2.0 - 2.0 * u
    _take_root(spread, settings.crossover_roots, settings.crossover_exponent)
    for j in range(spread.shape[0]):
        u = unit(draw(key, j + 1))
        spread[j] = spread[j] if u < 0.5 else 1.0 / spread[j]


@inner
def _take_root(values, roots, exponent):
    """Raise `values` to the power of `exponent`, by square roots where that is exact enough."""
    if roots < 0:
        for j in range(values.shape[0]):
            values[j] = portable.power(values[j], exponent)
    for _ in range(roots):
        for j in range(values.shape[0]):
            values[j] = np.sqrt(values[j])


@inner
def _mutate_block(children, first, last, bounds, key, settings):
    """Mutate each gene of the rows with the same chance, skipping from one to the next.

    The gap to the next mutated gene is geometric: floor(log u / log(1 - rate)).
    """
    genes, rate, factor = settings.genes, settings.mutation_rate, settings.mutation_gap
    is_gaussian = settings.mutation_is_gaussian
    roots, exponent = settings.mutation_roots, settings.mutation_exponent
    count = (last - first) * genes
    position = 0
    step = 0
    while rate > 0.0:
        if rate < 1.0:
            gap = portable.log(open_unit(draw(key, step))) * factor
            if gap >= count - position:
                break
            position += int(gap)
        elif position >= count:
            break
        row, j = first + position // genes, position % genes
        bits = draw(key, step + 1)
        if is_gaussian:
            change = portable.normal(open_unit(bits)) * bounds[2, j]
        else:
            change = _polynomial(unit(bits), roots, exponent) * bounds[2, j]
        children[row, j] = _clamp(children[row, j] + change, bounds[0, j], bounds[1, j])
        position += 1
        step += 2


@inner
def _polynomial(u, roots, exponent):
    """Return δ of polynomial mutation for a uniform `u` (Deb and Goyal 1996, eq. 8)."""
    if u < 0.5:
        return _root(2.0 * u, roots, exponent) - 1.0
    return 1.0 - _root(2.0 - 2.0 * u, roots, exponent)


@inner
def _evaluate(fitness, population, first, last, costs, settings, counters):
    """Fill in the costs of some rows and count the invalid ones."""
    counters[INVALID] += evaluate(fitness, population, first, last, costs, settings.sign)
    counters[EVALUATIONS] += last - first


@inner
def _rank_elites(costs, elites):
    """Fill `elites` with the rows of least cost, the best first, equal ones by index."""
    found = 0
    for row in range(costs.shape[0]):
        if found == elites.shape[0]:
            if found == 0 or not costs[row] < costs[elites[found - 1]]:
                continue
            found -= 1
        place = found
        while place > 0 and costs[row] < costs[elites[place - 1]]:
            elites[place] = elites[place - 1]
            place -= 1
        elites[place] = row
        found += 1


@inner
def _breed(
    parents, costs, children, child_costs, bounds, elites, spread, settings, counters, fitness
):
    """Make the next generation: elites first, then blocks of children."""
    count, width = parents.shape
    _rank_elites(costs, elites)
    for row in range(elites.shape[0]):
        for j in range(width):
            children[row, j] = parents[elites[row], j]
        child_costs[row] = costs[elites[row]]
    generation = counters[GENERATION] + 1
    for first in range(elites.shape[0], count, BLOCK):
        block = first // BLOCK
        last = min(first + BLOCK, count)
        select = block_key(settings.seed, generation, block, SELECT, ISLAND)
        recombine = block_key(settings.seed, generation, block, RECOMBINE, ISLAND)
        mutate = block_key(settings.seed, generation, block, MUTATE, ISLAND)
        for row in range(first, last, 2):
            position = (row - first) * settings.tournament
            a = _select(costs, select, position, settings.tournament)
            b = _select(costs, select, position + settings.tournament, settings.tournament)
            key = draw(recombine, row - first)
            second = row + 1 if row + 1 < last else row
            _recombine(parents, a, b, children, row, second, bounds, key, spread, settings)
        _mutate_block(children, first, last, bounds, mutate, settings)
        _evaluate(fitness, children, first, last, child_costs, settings, counters)


@inner
def _record(population, costs, champion, history, settings, counters):
    """Keep the champion and the history of the generation just made, and judge the criteria."""
    generation = counters[GENERATION]
    best, total, finite = 0, 0.0, 0
    for row in range(costs.shape[0]):
        if costs[row] < costs[best]:
            best = row
        if costs[row] < math.inf:
            total += costs[row]
            finite += 1
    before = history[generation - 1, BEST] if generation > 0 else math.inf
    if costs[best] < before:
        for j in range(champion.shape[0]):  # a slice would compile the text of its error: 1.5 s
            champion[j] = population[best, j]
        counters[CHAMPION_GENERATION] = generation
        if counters[FIRST_FINITE] < 0:
            counters[FIRST_FINITE] = generation
    history[generation, BEST] = min(before, costs[best])
    history[generation, MEAN] = total / finite if finite > 0 else math.inf
    counters[STOPPED] = _reason_to_stop(history, settings, counters)


@inner
def _reason_to_stop(history, settings, counters):
    generation, first = counters[GENERATION], counters[FIRST_FINITE]
    best = history[generation, BEST]
    if best <= settings.target:
        return TARGET
    if settings.stagnation > 0 and first >= 0 and generation - settings.stagnation >= first:
        gain = history[generation - settings.stagnation, BEST] - best
        if gain <= settings.tolerance * (history[first, BEST] - best):
            return STAGNATION
    return GENERATIONS if generation >= settings.generations else RUNNING


@kernel(types.void(_pair, _matrix, _matrix, _vector, _matrix, SETTINGS, _i8[::1], FITNESS))
def initialise(populations, costs, bounds, champion, history, settings, counters, fitness):
    """Fill in generation 0 and its records; all arrays are zero before."""
    counters[FIRST_FINITE] = -1
    count = costs.shape[1]
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        _initialise_block(populations[0], first, last, bounds, settings)
        _evaluate(fitness, populations[0], first, last, costs[0], settings, counters)
    _record(populations[0], costs[0], champion, history, settings, counters)


@kernel(
    types.void(
        _pair,
        _matrix,
        _matrix,
        _vector,
        _matrix,
        _i8[::1],
        _vector,
        SETTINGS,
        _i8[::1],
        FITNESS,
        _i8,
    )
)
def evolve(
    populations,
    costs,
    bounds,
    champion,
    history,
    elites,
    spread,
    settings,
    counters,
    fitness,
    until,
):
    """Run on until generation `until`, or until a criterion stops the run.

    `elites` is scratch of int64[number of elites], `spread` of float64[W].
    """
    while counters[STOPPED] == RUNNING and counters[GENERATION] < until:
        here = counters[GENERATION] % 2
        there = 1 - here
        _breed(
            populations[here],
            costs[here],
            populations[there],
            costs[there],
            bounds,
            elites,
            spread,
            settings,
            counters,
            fitness,
        )
        counters[GENERATION] += 1
        _record(populations[there], costs[there], champion, history, settings, counters)

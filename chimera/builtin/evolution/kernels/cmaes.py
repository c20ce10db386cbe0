"""Compiled CMA-ES: one generation after another, nothing allocated in between.

N. Hansen, The CMA evolution strategy: a tutorial, arXiv:1604.00772 (version 2, 2023): its default
parameters, active update of the covariance by negative weights, and eigenvectors taken only when
the covariance has changed enough. The separable variant learns variances alone. The state lies as
`cmaes_layout` says, `cmaes_sampling` makes candidates, and `restarts` says when a run ends.

Only ranks of costs count, equal ones are settled by index: infinite costs are ranks like others.
Where all are equal the mean walks at random until `restarts` ends the run.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import numpy as np
from numba import types

from chimera.builtin.evolution.kernels import cmaes_layout as at
from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kernels.cmaes_layout import ARRAYS, SCRATCH, SETTINGS, SPACE
from chimera.builtin.evolution.kernels.cmaes_sampling import SMALLEST, fill_candidates
from chimera.builtin.evolution.kernels.compiling import inner, kernel
from chimera.builtin.evolution.kernels.evaluating import FITNESS, FITNESS_SIGNATURE, evaluate
from chimera.builtin.evolution.kernels.recording import (
    ADVANCE,
    ASK,
    CONVERGED,
    ENDING,
    GENERATION,
    INVALID,
    RUNNING,
    STOPPED,
    begin,
    record,
)
from chimera.builtin.evolution.kernels.restarts import begin_search, choose_run, judge, remember
from chimera.builtin.evolution.kernels.sorting import sort

PENALTY = 0.5
"""What a step beyond the bounds loses, see `_rank_by_excess`."""


@inner
def _finish_generation(arrays, scratch, settings, ending):
    """Learn from costs, judge the run, choose the next one where it ended, and record."""
    ledger = arrays.ledger
    population = ledger[at.POPULATION]
    for row in range(population):
        if not arrays.costs[row] < np.inf:
            arrays.costs[row] = np.inf
            arrays.counters[INVALID] += 1
    sort(arrays.costs, population, scratch.order, scratch.merged)
    remember(arrays, scratch.order)
    _rank_by_excess(arrays, scratch, settings)
    _learn(arrays, scratch, settings)
    ledger[at.AGE] += 1
    ledger[at.SPENT] += population
    ledger[at.EVALUATED] = population
    ledger[at.IMMIGRANTS] = 0
    ended_by = judge(arrays, scratch, settings)
    if ended_by != at.GOES_ON:
        ledger[at.ENDED_BY] = ended_by
        if settings.restarts != at.NONE:
            choose_run(arrays, settings, ending)
    record(
        arrays.candidates,
        arrays.costs,
        population,
        arrays.champion,
        arrays.history,
        ending,
        arrays.counters,
        ledger[at.POPULATION],
    )
    is_over = ended_by != at.GOES_ON and settings.restarts == at.NONE
    if is_over and arrays.counters[STOPPED] == RUNNING:
        arrays.counters[STOPPED] = CONVERGED


@inner
def _rank_by_excess(arrays, scratch, settings):
    """Move steps that left the bounds back in the order, by how far out they are.

    A place is lost for each 1 / (PENALTY · population) of the squared distance from the bounds, in
    units of the squared step size times the covariance's trace. So the mean stays near the bounds
    although space beyond them costs what the nearest candidate within does; near an optimum on a
    bound the steps shrink and the distances with them. Costs themselves have no part in this.
    """
    population, genes, sigma = (
        arrays.ledger[at.POPULATION],
        settings.genes,
        arrays.strategy[at.SIGMA],
    )
    trace, outside = 0.0, False
    for j in range(genes):
        trace += arrays.covariance[0 if settings.separable else j, j]
    factor = PENALTY * population / (sigma * sigma * trace)
    for place in range(population):
        row, excess = scratch.order[place], 0.0
        for j in range(genes):
            u = arrays.mean[j] + sigma * arrays.steps[row, j]
            beyond = max(u - 1.0, 0.0) + max(-u, 0.0)
            excess += beyond * beyond
        scratch.scores[row] = place + factor * excess
        outside = outside or excess > 0.0
    if outside:
        sort(scratch.scores, population, scratch.order, scratch.merged)


@inner
def _learn(arrays, scratch, settings):
    """Move the mean, then adapt paths, covariance and step size to how it moved."""
    strategy, width = arrays.strategy, arrays.mean.shape[0]
    population, order = arrays.ledger[at.POPULATION], scratch.order
    for j in range(width):
        scratch.shift[j] = 0.0
    for i in range(population // 2):
        weight, row = arrays.weights[i], order[i]
        for j in range(width):
            scratch.shift[j] += weight * arrays.steps[row, j]
    for j in range(width):
        arrays.mean[j] += strategy[at.SIGMA] * scratch.shift[j]
    length = _follow_sigma_path(arrays, scratch, settings)
    rises = _follow_covariance_path(arrays, scratch, length, settings)
    _learn_covariance(arrays, order, rises, settings)
    expected = length / strategy[at.EXPECTED_LENGTH] - 1.0
    change = strategy[at.RATE_SIGMA] / strategy[at.DAMPING] * expected
    strategy[at.SIGMA] *= portable.exp(min(1.0, change))


@inner
def _follow_sigma_path(arrays, scratch, settings):
    """Add C to the power of -1/2 times the mean step to the first path; return its length."""
    strategy, width = arrays.strategy, arrays.mean.shape[0]
    rate = strategy[at.RATE_SIGMA]
    factor = np.sqrt(rate * (2.0 - rate) * strategy[at.MASS])
    for j in range(width):
        arrays.paths[0, j] *= 1.0 - rate
    for i in range(settings.genes):
        if settings.separable:
            arrays.paths[0, i] += factor * scratch.shift[i] / arrays.axes[i]
        else:
            along = 0.0
            for j in range(settings.genes):
                along += arrays.basis[i, j] * scratch.shift[j]
            along = factor * along / arrays.axes[i]
            for j in range(width):
                arrays.paths[0, j] += along * arrays.basis[i, j]
    length = 0.0
    for j in range(settings.genes):
        length += arrays.paths[0, j] * arrays.paths[0, j]
    return np.sqrt(length)


@inner
def _follow_covariance_path(arrays, scratch, length, settings):
    """Add the mean step to the second path unless the first is too long; tell whether it was."""
    strategy, n = arrays.strategy, np.float64(settings.genes)
    generations = 2.0 * (arrays.ledger[at.AGE] + 1.0)
    settled = np.sqrt(1.0 - portable.power(1.0 - strategy[at.RATE_SIGMA], generations))
    rises = length < (1.4 + 2.0 / (n + 1.0)) * strategy[at.EXPECTED_LENGTH] * settled
    rate = strategy[at.RATE_PATH]
    factor = np.sqrt(rate * (2.0 - rate) * strategy[at.MASS]) if rises else 0.0
    for j in range(arrays.mean.shape[0]):
        arrays.paths[1, j] = (1.0 - rate) * arrays.paths[1, j] + factor * scratch.shift[j]
    return rises


@inner
def _learn_covariance(arrays, order, rises, settings):
    """Add the rank-one and the rank-μ matrix; a negative weight's step counts by its length."""
    strategy, width, n = arrays.strategy, arrays.mean.shape[0], np.float64(settings.genes)
    rate_one, rate_rank, rate_path = (
        strategy[at.RATE_ONE],
        strategy[at.RATE_RANK],
        strategy[at.RATE_PATH],
    )
    lost = 0.0 if rises else rate_one * rate_path * (2.0 - rate_path)
    factor = 1.0 + lost - rate_one - rate_rank * strategy[at.WEIGHT_SUM]
    for i in range(arrays.covariance.shape[0]):
        for j in range(width):
            arrays.covariance[i, j] *= factor
    separable = settings.separable
    _add_square(arrays.covariance, arrays.paths, 1, rate_one, separable)
    for i in range(arrays.ledger[at.POPULATION]):
        row, weight = order[i], arrays.weights[i]
        if weight < 0.0:
            weight *= n / max(arrays.lengths[row], SMALLEST)
        _add_square(arrays.covariance, arrays.steps, row, rate_rank * weight, separable)


@inner
def _add_square(covariance, vectors, row, weight, separable):
    """Add a weight times v vᵀ to the covariance, v being a row of `vectors`."""
    width = vectors.shape[1]
    if separable:
        for j in range(width):
            covariance[0, j] += weight * (vectors[row, j] * vectors[row, j])
        return
    for i in range(covariance.shape[0]):
        factor = weight * vectors[row, i]
        for j in range(width):
            covariance[i, j] += factor * vectors[row, j]


@kernel(types.void(ARRAYS, SETTINGS))
def initialise(arrays, settings):
    """Set arrays, all zero before, to what they are before generation 0."""
    begin(arrays.counters)
    begin_search(arrays, settings)


@kernel(types.void(ARRAYS, SCRATCH, SPACE, SETTINGS, ENDING, FITNESS, types.int64, types.int64))
def evolve(arrays, scratch, space, settings, ending, fitness, until, work):
    """Run on until generation `until`, a criterion stops the run, or rows do not suffice.

    `work` is ADVANCE, or else says which part of one generation to make: to ASK for candidates can
    be repeated and fills in the same, and to TELL their costs, which are filled in, finishes it.
    One kernel for all three, because compiling what they share thrice would take seconds.
    """
    if work == ASK:
        fill_candidates(arrays, scratch, space, settings)
        return
    while (
        arrays.counters[STOPPED] == RUNNING
        and arrays.counters[GENERATION] < until
        and arrays.ledger[at.POPULATION] <= arrays.costs.shape[0]
    ):
        if work == ADVANCE:
            fill_candidates(arrays, scratch, space, settings)
            population = arrays.ledger[at.POPULATION]
            evaluate(fitness, arrays.candidates, 0, population, arrays.costs, settings.sign)
        _finish_generation(arrays, scratch, settings, ending)


@kernel(FITNESS_SIGNATURE)
def unknown(population, first, last, values):
    """Leave values as they are: the fitness of those who ask and tell."""

"""The candidates of a generation of CMA-ES: steps from the mean along the covariance's axes.

A run begins here too, with the weights and rates of its population. Parameters are the defaults of
N. Hansen, The CMA evolution strategy: a tutorial, arXiv:1604.00772, table 1; those of the separable
variant of R. Ros and N. Hansen, A simple modification in CMA-ES achieving linear time and space
complexity, PPSN X (2008). Immigrants are shortened as by N. Hansen, Injecting external solutions
into CMA-ES, arXiv:1110.4181.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import numpy as np

from chimera.builtin.evolution.kernels import cmaes_layout as at
from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kernels.compiling import inner
from chimera.builtin.evolution.kernels.linear_algebra import decompose, identity
from chimera.builtin.evolution.kernels.randomness import (
    RESTART,
    SAMPLE,
    block_key,
    draw,
    open_unit,
    unit,
)
from chimera.builtin.evolution.kernels.recording import GENERATION

MARGIN = 0.1
"""Share of the width of the bounds, at either end, in which no run begins."""

EAGERNESS = 10.0
"""Axes are taken anew once the covariance has changed by 1 / (n · EAGERNESS), about."""

SMALLEST = 1e-300
"""What a variance or a squared length is at least, so that it can divide."""


@inner
def _begin_run(arrays, settings):
    """Draw the mean inside of the bounds, and set all else to what it is before a run."""
    key = block_key(settings.seed, arrays.counters[GENERATION] + 1, 1, RESTART, settings.island)
    for j in range(settings.genes):
        arrays.mean[j] = MARGIN + (1.0 - 2.0 * MARGIN) * unit(draw(key, j))
    for j in range(arrays.paths.shape[1]):
        arrays.paths[0, j] = 0.0
        arrays.paths[1, j] = 0.0
    for j in range(settings.genes):
        arrays.axes[j] = 1.0
    if settings.separable:
        for j in range(settings.genes):
            arrays.covariance[0, j] = 1.0
    else:
        identity(arrays.covariance)
        identity(arrays.basis)
    arrays.strategy[at.SIGMA] = arrays.strategy[at.FIRST_SIGMA]
    arrays.ledger[at.DECOMPOSED] = 0
    _set_strategy(arrays, settings)


@inner
def _set_strategy(arrays, settings):
    """Fill in weights and rates for the run's population (the tutorial's table 1)."""
    strategy, n = arrays.strategy, np.float64(settings.genes)
    total, mass, total_below, mass_below = _set_logarithmic_weights(arrays)
    rate_one = 2.0 / ((n + 1.3) ** 2 + mass)
    rate_rank = 2.0 * (0.25 + mass + 1.0 / mass - 2.0) / ((n + 2.0) ** 2 + mass)
    if settings.separable:
        rate_one *= (n + 2.0) / 3.0
        rate_rank *= (n + 2.0) / 3.0
    rate_one = min(rate_one, 1.0)
    rate_rank = min(1.0 - rate_one, rate_rank)
    least = min(
        1.0 + rate_one / rate_rank,
        1.0 + 2.0 * mass_below / (mass + 2.0),
        (1.0 - rate_one - rate_rank) / (n * rate_rank),
    )
    weight_sum = 0.0
    for i in range(arrays.ledger[at.POPULATION]):
        above = arrays.weights[i] >= 0.0
        arrays.weights[i] *= 1.0 / total if above else least / total_below
        weight_sum += arrays.weights[i]
    rate_sigma = (mass + 2.0) / (n + mass + 5.0)
    strategy[at.MASS] = mass
    strategy[at.RATE_SIGMA] = rate_sigma
    strategy[at.DAMPING] = (
        1.0 + 2.0 * max(0.0, np.sqrt((mass - 1.0) / (n + 1.0)) - 1.0) + rate_sigma
    )
    strategy[at.RATE_PATH] = (4.0 + mass / n) / (n + 4.0 + 2.0 * mass / n)
    strategy[at.RATE_ONE], strategy[at.RATE_RANK] = rate_one, rate_rank
    strategy[at.WEIGHT_SUM] = weight_sum
    strategy[at.EXPECTED_LENGTH] = np.sqrt(n) * (1.0 - 0.25 / n + 1.0 / (21.0 * n * n))


@inner
def _set_logarithmic_weights(arrays):
    """Fill in weights before they are scaled; return sum and mass of the positive and the rest."""
    population = arrays.ledger[at.POPULATION]
    middle, half = portable.log(0.5 * (population + 1.0)), population // 2
    total, squares, total_below, squares_below = 0.0, 0.0, 0.0, 0.0
    for i in range(population):
        weight = middle - portable.log(i + 1.0)
        if i < half:
            total += weight
            squares += weight * weight
        else:
            weight = min(weight, 0.0)
            total_below -= weight
            squares_below += weight * weight
        arrays.weights[i] = weight
    mass_below = total_below * total_below / squares_below
    return total, total * total / squares, total_below, mass_below


@inner
def fill_candidates(arrays, scratch, space, settings):
    """Sample the next generation; its run begins here if it is new."""
    if arrays.ledger[at.AGE] == 0:
        _begin_run(arrays, settings)
    else:
        _renew_axes(arrays, scratch, settings)
    generation = arrays.counters[GENERATION] + 1
    immigrants = min(arrays.ledger[at.IMMIGRANTS], arrays.ledger[at.POPULATION] // 2)
    for row in range(arrays.ledger[at.POPULATION]):
        if row < immigrants:
            _take_in(arrays, scratch, row, space, settings)
        else:
            key = block_key(settings.seed, generation, row, SAMPLE, settings.island)
            _sample(arrays, scratch, row, key, settings)
        _place(arrays, row, space, settings)


@inner
def _renew_axes(arrays, scratch, settings):
    """Take the axes of the covariance if it has changed enough since they were taken.

    One that rounding has left none gets the smallest length.
    """
    rate = arrays.strategy[at.RATE_ONE] + arrays.strategy[at.RATE_RANK]
    age = arrays.ledger[at.AGE] - arrays.ledger[at.DECOMPOSED]
    if age == 0 or age * rate * settings.genes * EAGERNESS < 1.0:
        return
    if settings.separable:
        for j in range(settings.genes):
            arrays.axes[j] = np.sqrt(max(arrays.covariance[0, j], SMALLEST))
    else:
        decompose(
            arrays.covariance,
            arrays.basis,
            arrays.axes,
            scratch.turned,
            scratch.product,
            scratch.transposed,
        )
        for j in range(settings.genes):
            arrays.axes[j] = np.sqrt(max(arrays.axes[j], SMALLEST))
    arrays.ledger[at.DECOMPOSED] = arrays.ledger[at.AGE]


@inner
def _sample(arrays, scratch, row, key, settings):
    """Fill in a step B D z, with z standard normal, and its squared length ‖z‖²."""
    length = 0.0
    for j in range(settings.genes):
        z = portable.normal(open_unit(draw(key, j)))
        length += z * z
        scratch.row[j] = arrays.axes[j] * z
    arrays.lengths[row] = length
    _from_axes(arrays.basis, scratch.row, arrays.steps, row, settings.separable)


@inner
def _from_axes(basis, coordinates, steps, row, separable):
    """Fill in the step of given coordinates along the axes."""
    width = steps.shape[1]
    if separable:
        for j in range(width):
            steps[row, j] = coordinates[j]
        return
    for j in range(width):
        steps[row, j] = 0.0
    for i in range(basis.shape[0]):
        z = coordinates[i]
        for j in range(width):
            steps[row, j] += z * basis[i, j]


@inner
def _take_in(arrays, scratch, row, space, settings):
    """Fill in the step to an immigrant, shortened to a length that steps have."""
    sigma, n = arrays.strategy[at.SIGMA], np.float64(settings.genes)
    for j in range(settings.genes):
        span = space[at.SPAN, j]
        u = (arrays.immigrants[row, j] - space[at.LOWER, j]) / span if span > 0.0 else 0.0
        arrays.steps[row, j] = (u - arrays.mean[j]) / sigma
    length = 0.0
    for i in range(settings.genes):
        z = 0.0 if not settings.separable else arrays.steps[row, i]
        if not settings.separable:
            for j in range(settings.genes):
                z += arrays.basis[i, j] * arrays.steps[row, j]
        length += (z / arrays.axes[i]) * (z / arrays.axes[i])
    longest = np.sqrt(n) + 2.0 * n / (n + 2.0)
    shortening = longest / np.sqrt(length) if length > longest * longest else 1.0
    for j in range(settings.genes):
        arrays.steps[row, j] *= shortening
    arrays.lengths[row] = min(length, longest * longest)


@inner
def _place(arrays, row, space, settings):
    """Fill in the candidate that a step from the mean leads to."""
    sigma = arrays.strategy[at.SIGMA]
    for j in range(settings.genes):
        u = arrays.mean[j] + sigma * arrays.steps[row, j]
        gene = space[at.LOWER, j] + min(max(u, 0.0), 1.0) * space[at.SPAN, j]
        arrays.candidates[row, j] = min(max(gene, space[at.LOWER, j]), space[at.UPPER, j])

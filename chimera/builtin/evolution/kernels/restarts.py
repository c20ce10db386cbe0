"""When a run of CMA-ES has nothing more to find, and what run follows it.

Criteria and the two regimes of populations: N. Hansen, Benchmarking a BI-population CMA-ES on the
BBOB-2009 function testbed, GECCO'09; TolXUp: The CMA evolution strategy: a tutorial,
arXiv:1604.00772, section B.3. IPOP: Auger and Hansen, A restart CMA evolution strategy with
increasing population size, CEC 2005.

Costs are compared, never summed: infinite and infeasible ones end a run as equal ones do.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import numpy as np

from chimera.builtin.evolution.kernels import cmaes_layout as at
from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kernels.compiling import inner
from chimera.builtin.evolution.kernels.randomness import RESTART, block_key, draw, unit
from chimera.builtin.evolution.kernels.recording import EVALUATIONS, GENERATION
from chimera.builtin.evolution.kernels.sorting import sort

TOLERANCE_COST = 1e-12
TOLERANCE_STEP = 1e-12
LARGEST_GROWTH = 1e4
LARGEST_CONDITION = 1e14
MOST_DOUBLINGS = 9
LONGEST_WINDOW = 20_000
_NO_LIMIT = 2**62


@inner
def longest_age(genes, population):
    """Return after how many generations a run ends in any case."""
    return np.int64(100.0 + 50.0 * (genes + 3.0) ** 2 / np.sqrt(np.float64(population)))


@inner
def shortest_window(genes, population):
    """Return over how many generations stagnation is judged at least."""
    return 120 + (30 * genes + population - 1) // population


@inner
def memory(genes, population):
    """Return over how many generations criteria look back at most."""
    longest = max(shortest_window(genes, population), longest_age(genes, population) // 5 + 1)
    return min(longest, LONGEST_WINDOW)


@inner
def remember(arrays, order):
    """Keep what the criteria look back at of a generation just evaluated and sorted."""
    population, size = arrays.ledger[at.POPULATION], arrays.recent.shape[1]
    place = arrays.ledger[at.AGE] % size
    best = arrays.costs[order[0]]
    arrays.recent[at.BEST_COST, place] = best
    arrays.recent[at.MEDIAN_COST, place] = arrays.costs[order[population // 2]]
    kth = min(1 + population // 4, population - 1)  # ⌈0.1 + λ/4⌉ places behind the best
    arrays.recent[at.IS_FLAT, place] = 1.0 if arrays.costs[order[kth]] == best else 0.0


@inner
def judge(arrays, scratch, settings):
    """Return which criterion ends the run, its AGE being the generations that it has had."""
    ledger = arrays.ledger
    if ledger[at.SPENT] >= ledger[at.LIMIT]:
        return at.OUT_OF_BUDGET
    if ledger[at.AGE] >= longest_age(settings.genes, ledger[at.POPULATION]):
        return at.MAX_ITERATIONS
    if _is_flat(arrays, settings.genes):
        return at.EQUAL_VALUES
    if _is_level(arrays, settings.genes):
        return at.TOL_FUN
    if ledger[at.AGE] >= ledger[at.LOOK_BACK] and _stagnates(arrays, scratch, settings.genes):
        return at.STAGNATES
    return _judge_distribution(arrays, settings)


@inner
def _is_flat(arrays, genes):
    """Tell whether best and k-th best were equal in over a third of the last n generations."""
    age, size = arrays.ledger[at.AGE], arrays.recent.shape[1]
    span, flat = min(genes, size), 0
    if age < span or arrays.recent[at.IS_FLAT, (age - 1) % size] == 0.0:
        return False
    for back in range(1, span + 1):
        flat += arrays.recent[at.IS_FLAT, (age - back) % size] != 0.0
    return 3 * flat > span


@inner
def _is_level(arrays, genes):
    """Tell whether the latest best costs and all of the last generation's are within 1e-12."""
    age, size, population = (
        arrays.ledger[at.AGE],
        arrays.recent.shape[1],
        arrays.ledger[at.POPULATION],
    )
    span = 10 + (30 * genes + population - 1) // population
    if age < span:
        return False
    least, most = arrays.costs[0], arrays.costs[0]
    for row in range(1, population):
        least, most = min(least, arrays.costs[row]), max(most, arrays.costs[row])
    if most - least >= TOLERANCE_COST:
        return False
    for back in range(1, span + 1):
        cost = arrays.recent[at.BEST_COST, (age - back) % size]
        least, most = min(least, cost), max(most, cost)
    return most - least < TOLERANCE_COST


@inner
def _stagnates(arrays, scratch, genes):
    """Tell whether neither best nor median costs fell from the window's start to its end."""
    age, population = arrays.ledger[at.AGE], arrays.ledger[at.POPULATION]
    span = min(max(shortest_window(genes, population), age // 5), arrays.recent.shape[1])
    arrays.ledger[at.LOOK_BACK] = age + max(span // 5, 1)
    if age < span:
        return False
    part = 3 * span // 10
    for row in (at.BEST_COST, at.MEDIAN_COST):
        before = _median(arrays.recent, row, age - span, part, scratch)
        if _median(arrays.recent, row, age - part, part, scratch) < before:
            return False
    return True


@inner
def _median(recent, row, first, count, scratch):
    size = recent.shape[1]
    for i in range(count):
        scratch.window[i] = recent[row, (first + i) % size]
    sort(scratch.window, count, scratch.order, scratch.merged)
    return scratch.window[scratch.order[count // 2]]


@inner
def _judge_distribution(arrays, settings):
    """Judge step size, covariance and mean by what floats can still tell apart."""
    sigma, first_sigma = arrays.strategy[at.SIGMA], arrays.strategy[at.FIRST_SIGMA]
    genes = settings.genes
    shortest, longest = arrays.axes[0], arrays.axes[0]
    for j in range(1, genes):
        shortest, longest = min(shortest, arrays.axes[j]), max(longest, arrays.axes[j])
    if not longest <= shortest * np.sqrt(LARGEST_CONDITION) or shortest <= 0.0:
        return at.CONDITION
    if not sigma * longest <= LARGEST_GROWTH * first_sigma:
        return at.TOL_X_UP
    moves, widest = True, 0.0
    for j in range(genes):
        deviation = np.sqrt(arrays.covariance[0 if settings.separable else j, j])
        widest = max(widest, deviation, abs(arrays.paths[1, j]))
        if arrays.mean[j] + 0.2 * sigma * deviation == arrays.mean[j]:
            moves = False
    if sigma * widest < TOLERANCE_STEP * first_sigma:
        return at.TOL_X
    if not moves:
        return at.NO_EFFECT_COORDINATE
    axis = arrays.ledger[at.AGE] % genes
    for j in range(genes):
        along = arrays.basis[axis, j] if not settings.separable else (1.0 if j == axis else 0.0)
        if arrays.mean[j] + 0.1 * sigma * arrays.axes[axis] * along != arrays.mean[j]:
            return at.GOES_ON
    return at.NO_EFFECT_AXIS


@inner
def begin_search(arrays, settings):
    """Set the ledger, all zero before, to what it is before the first run."""
    arrays.strategy[at.FIRST_SIGMA] = settings.sigma
    arrays.ledger[at.IS_SMALL] = 1
    arrays.ledger[at.LIMIT] = _NO_LIMIT
    _begin_run(arrays, settings.population)


@inner
def _begin_run(arrays, population):
    arrays.ledger[at.AGE] = 0
    arrays.ledger[at.POPULATION] = population
    arrays.ledger[at.SPENT] = 0
    arrays.ledger[at.LOOK_BACK] = 0
    arrays.ledger[at.RUNS] += 1


@inner
def choose_run(arrays, settings, ending):
    """Say of what population, step size and length the next run is.

    It is one of the larger regime unless less was spent so far on the smaller one. A population
    that the evaluations left do not suffice for three generations of is the first run's again.
    """
    ledger = arrays.ledger
    ledger[at.SPENT_SMALL if ledger[at.IS_SMALL] else at.SPENT_LARGE] += ledger[at.SPENT]
    arrays.strategy[at.FIRST_SIGMA] = settings.sigma
    is_small = settings.restarts == at.BIPOP and ledger[at.SPENT_SMALL] < ledger[at.SPENT_LARGE]
    if not is_small:
        ledger[at.DOUBLINGS] = min(ledger[at.DOUBLINGS] + 1, MOST_DOUBLINGS)
    factor = 1 << ledger[at.DOUBLINGS]
    limit = _NO_LIMIT
    if is_small:
        key = block_key(settings.seed, arrays.counters[GENERATION] + 1, 0, RESTART, settings.island)
        u = unit(draw(key, 0))
        factor_small = portable.power(0.5 * factor, u * u)
        arrays.strategy[at.FIRST_SIGMA] *= portable.power(10.0, -2.0 * unit(draw(key, 1)))
        limit = ledger[at.SPENT] // 2 if not ledger[at.IS_SMALL] else ledger[at.LIMIT]
        population = np.int64(settings.population * factor_small)
    else:
        population = settings.population * factor
    if 3 * population > ending.evaluations - arrays.counters[EVALUATIONS] - ledger[at.EVALUATED]:
        population = settings.population
    ledger[at.LIMIT], ledger[at.IS_SMALL] = limit, is_small
    _begin_run(arrays, population)

"""How kernels call a fitness, and what becomes of values that are no numbers."""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import math

from numba import types

from chimera.builtin.evolution.kernels.compiling import inner

FITNESS_SIGNATURE = types.void(types.float64[:, ::1], types.int64, types.int64, types.float64[::1])
"""A fitness fills `values[first:last]` for the rows `first` to `last` of a population."""

FITNESS = types.FunctionType(FITNESS_SIGNATURE)

PACKED_FITNESS_SIGNATURE = types.void(
    types.uint64[:, ::1], types.int64, types.int64, types.float64[::1]
)
"""The same over rows of bits, gene j being bit `j % 64` of word `j // 64`."""

PACKED_FITNESS = types.FunctionType(PACKED_FITNESS_SIGNATURE)

OBJECTIVES_SIGNATURE = types.void(
    types.float64[:, ::1], types.int64, types.int64, types.float64[:, ::1], types.float64[::1]
)
"""Several objectives fill `values[first:last]` of float64[N, M], as their authors wrote them, and
`violations[first:last]` with the sum of each row's violations: 0 where it is feasible."""

OBJECTIVES = types.FunctionType(OBJECTIVES_SIGNATURE)

INFEASIBLE = 1e300
"""What a cost reaches where constraints are violated: `INFEASIBLE * (1 + v / (1 + v))`, with v the
sum of violations. So the feasible always win, and among others the lesser violation (Deb 2000, An
efficient constraint handling method for genetic algorithms). A fitness of this size is invalid."""


@inner
def evaluate(fitness, population, first, last, costs, sign):
    """Fill in the costs of some rows; return how many of the values were NaN or too large."""
    fitness(population, first, last, costs)
    return to_costs(costs, first, last, sign)


@inner
def to_costs(costs, first, last, sign):
    """Make costs of fitness values, in place; return how many were NaN or too large."""
    invalid = 0
    for row in range(first, last):
        cost = costs[row]
        if not abs(cost) < math.inf:
            costs[row] = math.inf
            invalid += 1
        else:
            costs[row] = cost if cost >= INFEASIBLE else sign * cost
    return invalid


@inner
def to_costs_of_many(costs, violations, first, last, signs):
    """Make costs of the values of several objectives, in place.

    Where any value or the violation is NaN or too large, all of that row are infinite.
    """
    for row in range(first, last):
        valid = 0.0 <= violations[row] < math.inf
        for m in range(costs.shape[1]):
            costs[row, m] *= signs[m]
            valid = valid and abs(costs[row, m]) < INFEASIBLE
        if not valid:
            violations[row] = math.inf
            for m in range(costs.shape[1]):
                costs[row, m] = math.inf

"""How the state of CMA-ES lies in arrays: names, shapes and positions.

For n genes, W that number padded to a multiple of 8, M the largest population so far and R the
generations that criteria look back over. A row of a matrix belongs to one gene; the separable
variant has one row, the variances.

Steps are made in *unit* coordinates, in which 0 is a gene's lower bound and 1 its upper one. They
are unbounded: what lies beyond is evaluated at the nearest point of the bounds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

NONE, IPOP, BIPOP = range(3)
"""What follows a run that has converged: nothing, ever larger populations, or both regimes."""

LOWER, UPPER, SPAN = range(3)
"""Rows of `space`: the bounds of the genes and the distance between them."""

(
    SIGMA,
    FIRST_SIGMA,
    MASS,
    RATE_SIGMA,
    DAMPING,
    RATE_PATH,
    RATE_ONE,
    RATE_RANK,
    WEIGHT_SUM,
    EXPECTED_LENGTH,
) = range(10)
"""Positions in `strategy`, in the tutorial's words: the step size, and what it was at the beginning
of the run; the mass of selection and the rates of table 1; the sum of all weights; the expected
length of a standard normal vector."""

STRATEGY = 10

(
    AGE,
    POPULATION,
    EVALUATED,
    RUNS,
    DOUBLINGS,
    IS_SMALL,
    SPENT,
    SPENT_SMALL,
    SPENT_LARGE,
    LIMIT,
    DECOMPOSED,
    LOOK_BACK,
    IMMIGRANTS,
    ENDED_BY,
) = range(14)
"""Positions in `ledger`. Of the run: AGE in generations, POPULATION, whether it IS_SMALL (second
regime), evaluations SPENT and their LIMIT, the age at which the covariance was DECOMPOSED and at
which to LOOK_BACK for stagnation. Of the search: how many rows the last generation EVALUATED, RUNS
begun, DOUBLINGS of the population, evaluations SPENT in either regime, IMMIGRANTS waiting, and the
criterion that ENDED the last run."""

LEDGER = 14

(
    GOES_ON,
    TOL_FUN,
    TOL_X,
    TOL_X_UP,
    NO_EFFECT_AXIS,
    NO_EFFECT_COORDINATE,
    CONDITION,
    EQUAL_VALUES,
    STAGNATES,
    MAX_ITERATIONS,
    OUT_OF_BUDGET,
) = range(11)
"""Why a run ended, in `ledger[ENDED_BY]`."""

BEST_COST, MEDIAN_COST, IS_FLAT = range(3)
"""Rows of `recent`: the best and the median cost of a generation, and whether best and k-th are
equal."""

Array = NDArray[Any]


class Settings(NamedTuple):
    """What stays the same through a search. `population` is λ of the first run."""

    seed: np.uint64
    island: int
    genes: int
    sign: float
    sigma: float
    population: int
    restarts: int
    separable: bool


class Arrays(NamedTuple):
    """The state: `candidates`, `steps` are float64[M, W], `covariance` and `basis` [n, W]."""

    counters: Array
    champion: Array
    history: Array
    candidates: Array
    costs: Array
    steps: Array
    lengths: Array
    weights: Array
    mean: Array
    covariance: Array
    basis: Array
    axes: Array
    paths: Array
    strategy: Array
    ledger: Array
    recent: Array
    immigrants: Array


class Scratch(NamedTuple):
    """What a generation needs room for and leaves nothing in."""

    order: Array
    merged: Array
    row: Array
    shift: Array
    window: Array
    scores: Array
    turned: Array
    product: Array
    transposed: Array


_i8, _f8 = types.int64, types.float64
_integers, _vector, _matrix = _i8[::1], _f8[::1], _f8[:, ::1]

SETTINGS: Any = types.NamedTuple(  # type: ignore[no-untyped-call]
    (types.uint64, _i8, _i8, _f8, _f8, _i8, _i8, types.boolean), Settings
)
ARRAYS: Any = types.NamedTuple(  # type: ignore[no-untyped-call]
    (
        _integers,
        _vector,
        _matrix,
        _matrix,
        _vector,
        _matrix,
        _vector,
        _vector,
        _vector,
        _matrix,
        _matrix,
        _vector,
        _matrix,
        _vector,
        _integers,
        _matrix,
        _matrix,
    ),
    Arrays,
)
SCRATCH: Any = types.NamedTuple(  # type: ignore[no-untyped-call]
    (_integers, _integers, _vector, _vector, _vector, _vector, _matrix, _matrix, _matrix), Scratch
)
SPACE: Any = _matrix

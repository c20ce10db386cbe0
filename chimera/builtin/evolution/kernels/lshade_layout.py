"""What a state of L-SHADE is made of, and what its kernels take: names of positions and tuples.

`pool` is float64[N + A, W]: the population first, as many rows as `sizes[POPULATION]` says, and the
archive from row N on. `costs` is float64[N], `sizes` int64[5]. `memory` is float64[2, H]: means of
successful scale factors and of crossover rates, a rate of -1 standing for "exactly 0".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types

from chimera.builtin.evolution.kernels.recording import ENDING, Ending

LEAST = 4
"""The smallest population that has a candidate, one of the best and two others."""

POPULATION, ARCHIVE, PLACE, FIRST, SPENT = range(5)
"""Positions in `sizes`: candidates, archived ones, the column of memory written next, the first
generation (-1 before it: counters may be shared with others) and own evaluations."""

FACTOR, RATE = range(2)
"""Rows of `memory`, and of the parameters that each trial was made with."""


class Settings(NamedTuple):
    """What stays the same through a run."""

    seed: np.uint64
    island: int
    genes: int
    sign: float
    best: float
    archive: float
    ending: Ending


class Arrays(NamedTuple):
    """The state."""

    pool: Any
    costs: Any
    memory: Any
    sizes: Any
    champion: Any
    history: Any
    counters: Any


class Scratch(NamedTuple):
    """What a generation needs and leaves behind.

    Bounds are float64[2, W], trials float64[N, W], their costs float64[N] and parameters
    float64[2, N]; `best` holds the rows of the population that trials are drawn towards, `units` a
    number for each gene of a trial, float64[W].
    """

    bounds: Any
    trials: Any
    costs: Any
    parameters: Any
    best: Any
    units: Any


_i8, _f8 = types.int64, types.float64
_vector, _matrix, _whole = _f8[::1], _f8[:, ::1], _i8[::1]
SETTINGS: Any = types.NamedTuple(  # type: ignore[no-untyped-call]
    (types.uint64, _i8, _i8, _f8, _f8, _f8, ENDING), Settings
)
ARRAYS: Any = types.NamedTuple(  # type: ignore[no-untyped-call]
    (_matrix, _vector, _matrix, _whole, _vector, _matrix, _whole), Arrays
)
SCRATCH: Any = types.NamedTuple(  # type: ignore[no-untyped-call]
    (_matrix, _matrix, _vector, _matrix, _whole, _vector), Scratch
)

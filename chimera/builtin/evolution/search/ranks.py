"""The best and the worst few of many costs, without sorting all; equal ones by index."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chimera.builtin.evolution.search.algorithm import Floats

Positions = NDArray[np.int64]


def lowest(costs: Floats, count: int) -> Positions:
    """Return the positions of the `count` lowest costs, the lowest first, equal ones by index."""
    if count < costs.size:
        bound = np.partition(costs, count - 1)[count - 1] if count > 0 else -np.inf
        near = np.flatnonzero(costs <= bound)
    else:
        near = np.arange(costs.size)
    found: Positions = near[np.argsort(costs[near], kind="stable")[:count]]
    return found


def highest(costs: Floats, count: int) -> Positions:
    """Return the positions of the `count` highest costs, the highest first; of equals, the last."""
    return costs.size - 1 - lowest(-costs[::-1], count)

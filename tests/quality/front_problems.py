"""Published problems of several objectives, compiled as searches take them.

ZDT: Zitzler, Deb and Thiele, Comparison of multiobjective evolutionary algorithms (2000). DTLZ: Deb,
Thiele, Laumanns and Zitzler, Scalable test problems for evolutionary multiobjective optimization
(2005), of three objectives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi
from typing import Any

import numba
import numpy as np

from chimera.builtin.evolution.kernels.evaluating import OBJECTIVES_SIGNATURE


@dataclass(frozen=True)
class FrontProblem:
    """A problem, how long it is searched, and what its hypervolume is measured within."""

    name: str
    genes: int
    generations: int
    reference: tuple[float, ...]
    objectives: Callable[..., None]
    lower: tuple[float, ...] | None = None
    upper: tuple[float, ...] | None = None

    def bounds(self) -> tuple[Any, Any]:
        """Return lower and upper bounds of all genes."""
        low = np.zeros(self.genes) if self.lower is None else np.array(self.lower)
        high = np.ones(self.genes) if self.upper is None else np.array(self.upper)
        return low, high


def _compiled(function: Callable[..., None]) -> Any:
    return numba.njit(OBJECTIVES_SIGNATURE)(function)


@_compiled
def zdt1(population, first, last, values, violations):
    for row in range(first, last):
        x, rest = population[row], 0.0
        for j in range(1, 30):
            rest += x[j]
        g = 1.0 + 9.0 * rest / 29.0
        values[row, 0], values[row, 1] = x[0], g * (1.0 - np.sqrt(x[0] / g))
        violations[row] = 0.0


@_compiled
def zdt2(population, first, last, values, violations):
    for row in range(first, last):
        x, rest = population[row], 0.0
        for j in range(1, 30):
            rest += x[j]
        g = 1.0 + 9.0 * rest / 29.0
        values[row, 0], values[row, 1] = x[0], g * (1.0 - (x[0] / g) ** 2)
        violations[row] = 0.0


@_compiled
def zdt3(population, first, last, values, violations):
    for row in range(first, last):
        x, rest = population[row], 0.0
        for j in range(1, 30):
            rest += x[j]
        g = 1.0 + 9.0 * rest / 29.0
        share = x[0] / g
        values[row, 0] = x[0]
        values[row, 1] = g * (1.0 - np.sqrt(share) - share * np.sin(10.0 * pi * x[0]))
        violations[row] = 0.0


@_compiled
def zdt4(population, first, last, values, violations):
    for row in range(first, last):
        x, g = population[row], 91.0
        for j in range(1, 10):
            g += x[j] ** 2 - 10.0 * np.cos(4.0 * pi * x[j])
        values[row, 0], values[row, 1] = x[0], g * (1.0 - np.sqrt(x[0] / g))
        violations[row] = 0.0


@_compiled
def zdt6(population, first, last, values, violations):
    for row in range(first, last):
        x, rest = population[row], 0.0
        for j in range(1, 10):
            rest += x[j]
        f = 1.0 - np.exp(-4.0 * x[0]) * np.sin(6.0 * pi * x[0]) ** 6
        g = 1.0 + 9.0 * (rest / 9.0) ** 0.25
        values[row, 0], values[row, 1] = f, g * (1.0 - (f / g) ** 2)
        violations[row] = 0.0


@numba.njit
def _rugged(x, genes):
    g = genes - 2.0
    for j in range(2, genes):
        g += (x[j] - 0.5) ** 2 - np.cos(20.0 * pi * (x[j] - 0.5))
    return 100.0 * g


@numba.njit
def _smooth(x, genes):
    g = 0.0
    for j in range(2, genes):
        g += (x[j] - 0.5) ** 2
    return g


@numba.njit
def _on_sphere(values, row, a, b, g):
    a, b = 0.5 * pi * a, 0.5 * pi * b
    values[row, 0] = (1.0 + g) * np.cos(a) * np.cos(b)
    values[row, 1] = (1.0 + g) * np.cos(a) * np.sin(b)
    values[row, 2] = (1.0 + g) * np.sin(a)


@_compiled
def dtlz1(population, first, last, values, violations):
    for row in range(first, last):
        x = population[row]
        g = _rugged(x, 7)
        values[row, 0] = 0.5 * x[0] * x[1] * (1.0 + g)
        values[row, 1] = 0.5 * x[0] * (1.0 - x[1]) * (1.0 + g)
        values[row, 2] = 0.5 * (1.0 - x[0]) * (1.0 + g)
        violations[row] = 0.0


@_compiled
def dtlz2(population, first, last, values, violations):
    for row in range(first, last):
        x = population[row]
        _on_sphere(values, row, x[0], x[1], _smooth(x, 12))
        violations[row] = 0.0


@_compiled
def dtlz3(population, first, last, values, violations):
    for row in range(first, last):
        x = population[row]
        _on_sphere(values, row, x[0], x[1], _rugged(x, 12))
        violations[row] = 0.0


@_compiled
def dtlz4(population, first, last, values, violations):
    for row in range(first, last):
        x = population[row]
        _on_sphere(values, row, x[0] ** 100, x[1] ** 100, _smooth(x, 12))
        violations[row] = 0.0


_TWO, _THREE = (1.1, 1.1), (1.1, 1.1, 1.1)
PROBLEMS = {
    problem.name: problem
    for problem in (
        FrontProblem("zdt1", 30, 249, _TWO, zdt1),
        FrontProblem("zdt2", 30, 249, _TWO, zdt2),
        FrontProblem("zdt3", 30, 249, _TWO, zdt3),
        FrontProblem("zdt4", 10, 499, _TWO, zdt4, (0.0, *[-5.0] * 9), (1.0, *[5.0] * 9)),
        FrontProblem("zdt6", 10, 499, _TWO, zdt6),
        FrontProblem("dtlz1", 7, 499, (0.55, 0.55, 0.55), dtlz1),
        FrontProblem("dtlz2", 12, 249, _THREE, dtlz2),
        FrontProblem("dtlz3", 12, 999, _THREE, dtlz3),
        FrontProblem("dtlz4", 12, 249, _THREE, dtlz4),
    )
}

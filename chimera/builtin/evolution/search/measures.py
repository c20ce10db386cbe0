"""What is observed of a run now and then: columns for the journal, status, plots and comparisons.

At generations that follow from nothing but their numbers, so that a run that was split or resumed
is observed as one that was not. Observations are for people: no decision of a search rests on them
but on `kernels`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median

import numpy as np

from chimera.builtin.evolution.kernels import diversity
from chimera.builtin.evolution.kernels.evaluating import INFEASIBLE
from chimera.builtin.evolution.kernels.genes import INTEGER
from chimera.builtin.evolution.kernels.recording import (
    BEST,
    CHAMPION_GENERATION,
    EVALUATIONS,
    GENERATION,
    INVALID,
)
from chimera.builtin.evolution.search.algorithm import Algorithm, Problem, State

Columns = dict[str, list[float | None]]
"""Observations by name: a list each, all of one length; `None` where there was nothing to say."""

Row = Mapping[str, float | None]

_ADDED = ("evaluations", "invalid")
_LEAST = ("best", "unchanged")


def next_observed(generation: int) -> int:
    """Return the next generation after this one at which a run is observed.

    All of the first ten, then every second up to 100, every 20th up to 1000, and so on: 45 rows
    for each power of ten.
    """
    coming = generation + 1
    if coming <= 10:
        return coming
    step: int = 2 * 10 ** (len(str(coming - 1)) - 2)
    return -(-coming // step) * step


class Observer:
    """Observes one island; has scratch of its own."""

    def __init__(self, problem: Problem, algorithm: Algorithm) -> None:
        self._problem = problem
        self._algorithm = algorithm
        self._centre = np.zeros(problem.width)
        self._tally = np.zeros(int(_values(problem)), np.int64)

    def diversity(self, state: State) -> float:
        """Return how unlike one another the candidates are, between 0 and about 1."""
        rows, _ = self._algorithm.population(state)
        problem = self._problem
        found: float = diversity.measure(
            np.ascontiguousarray(rows),
            problem.segments,
            problem.lower,
            problem.upper,
            self._centre,
            self._tally,
        )
        return found

    def observe(self, state: State) -> dict[str, float | None]:
        """Return what there is to see of a generation.

        `best` is of all generations so far; `median`, `mean` and `spread` (between the quartiles)
        are of the feasible candidates; `unchanged` counts the generations since the champion was
        found. Fitnesses are as their author means them.
        """
        counters, sign = state["counters"], self._problem.sign
        generation = int(counters[GENERATION])
        _, costs = self._algorithm.population(state)
        row: dict[str, float | None] = {
            "generation": generation,
            "evaluations": int(counters[EVALUATIONS]),
            "invalid": int(counters[INVALID]),
            "best": _fitness(sign, float(state["history"][generation, BEST])),
        }
        if costs.ndim == 1:
            row |= _quartiles(sign, costs)
        row["diversity"] = self.diversity(state)
        row["unchanged"] = generation - int(counters[CHAMPION_GENERATION])
        more = getattr(self._algorithm, "observe", None)
        if more is not None:
            row |= {name: _finite(value) for name, value in more(state).items()}
        return row


def _quartiles(sign: float, costs: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Row:
    feasible = np.sort(costs[costs < INFEASIBLE])
    if not feasible.size:
        return {"median": None, "mean": None, "spread": None, "feasible": 0.0}
    low, middle, high = (_quantile(feasible, share) for share in (0.25, 0.5, 0.75))
    return {
        "median": _fitness(sign, middle),
        "mean": _fitness(sign, float(feasible.mean())),
        "spread": high - low,
        "feasible": feasible.size / costs.size,
    }


def _quantile(ordered: np.ndarray[tuple[int], np.dtype[np.float64]], share: float) -> float:
    """Interpolate between neighbours (Hyndman and Fan 1996, type 7); NumPy's takes far longer."""
    place = share * (ordered.size - 1)
    low = int(place)
    high = min(low + 1, ordered.size - 1)
    return float(ordered[low] + (place - low) * (ordered[high] - ordered[low]))


def _fitness(sign: float, cost: float) -> float | None:
    return sign * cost + 0.0 if abs(cost) < INFEASIBLE else None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _values(problem: Problem) -> float:
    """Return how many values a gene that is no number can have."""
    most = 1.0
    for kind, first, last in problem.segments.tolist():
        if kind > INTEGER:
            most = max(most, float(problem.upper[first:last].max()) + 1.0)
    return most


def combine(rows: Sequence[Row], sign: float) -> dict[str, float | None]:
    """Return one observation of several islands at the same generation.

    Evaluations and invalid ones are added, of what is best the best is taken, and of all else the
    mean; the median is the median of the islands' medians.
    """
    if len(rows) == 1:
        return dict(rows[0])
    found: dict[str, float | None] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [value for row in rows if (value := row.get(name)) is not None]
        if not values:
            found[name] = None
        elif name in _ADDED:
            found[name] = sum(values)
        elif name in _LEAST:
            found[name] = max(values) if name == "best" and sign < 0 else min(values)
        else:
            found[name] = median(values) if name == "median" else fmean(values)
    return found


def columns_of(rows: Iterable[Row]) -> Columns:
    """Return observations as columns."""
    listed = list(rows)
    names = dict.fromkeys(name for row in listed for name in row)
    return {name: [row.get(name) for row in listed] for name in names}

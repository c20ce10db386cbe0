"""One island: an algorithm on its problem, observed and kept diverse as its generations go by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chimera.builtin.evolution.kernels.diversity import draw_anew
from chimera.builtin.evolution.kernels.evaluating import INFEASIBLE
from chimera.builtin.evolution.kernels.recording import (
    EVALUATIONS,
    GENERATION,
    INVALID,
    RUNNING,
    STOPPED,
)
from chimera.builtin.evolution.kinds import Diversity
from chimera.builtin.evolution.search.algorithm import Algorithm, Floats, Problem, State
from chimera.builtin.evolution.search.measures import Observer, Row, next_observed
from chimera.builtin.evolution.search.scoring import Evaluate, costs_of

CAPACITY = 256
"""Rows of a history at first; it doubles when it is full."""


class Island:
    """Moves the state of one island on. Has scratch of its own: one thread at a time."""

    def __init__(
        self,
        problem: Problem,
        algorithm: Algorithm,
        diversity: Diversity | None,
        evaluate: Evaluate | None,
        of_rows: Any,
    ) -> None:
        """Join what there is.

        `of_rows` fills in the fitnesses of rows of numbers; with `evaluate` it fills in 0, or what
        they get that violate constraints, and is `None` where there are none.
        """
        self.problem = problem
        self.algorithm = algorithm
        self._observer = Observer(problem, algorithm)
        self._diversity = diversity
        self._evaluate = evaluate
        self._of_rows = of_rows

    def start(self) -> State:
        """Return the state before generation 0."""
        return self.algorithm.start(CAPACITY)

    def advance(self, state: State, until: int) -> list[Row]:
        """Move on to generation `until`, or to where a criterion stops; return what was seen."""
        rows: list[Row] = []
        while is_running(state) and generation_of(state) < until:
            self._make_room(state, until)
            if self._evaluate is None:
                self.algorithm.advance(state, min(until, self._next_stop(generation_of(state))))
            else:
                self.tell(state, self.values_of(self.ask(state)))
            rows += self.watch(state)
        return rows

    def ask(self, state: State) -> Floats:
        """Return the candidates of the next generation, float64[M, W]; the same if asked again."""
        self._make_room(state, generation_of(state) + 1)
        return self.algorithm.ask(state).copy()

    def tell(self, state: State, values: Floats) -> None:
        """Finish the generation that was asked for, given its fitnesses."""
        self.algorithm.tell(state, costs_of(values, self.problem.sign))

    def watch(self, state: State) -> list[Row]:
        """Observe the generation just made, if it is one to observe, and let in immigrants."""
        generation, is_over = generation_of(state), not is_running(state)
        rows: list[Row] = []
        if is_over or generation == next_observed(generation - 1):
            rows.append(self.observe(state))
        control = self._diversity
        if control is not None and not is_over and generation > 0:
            is_due = generation % control.every == 0
            if is_due and self._observer.diversity(state) < control.minimum:
                self._let_in(state, control.immigrants)
        return rows

    def observe(self, state: State) -> Row:
        """Return what there is to see of the latest generation."""
        return self._observer.observe(state)

    def fitness_of(self, row: Floats) -> float | None:
        """Return the fitness of one row where it is computed here, is finite, and is feasible.

        Several objectives have no fitness.
        """
        if self._evaluate is not None or self._of_rows is None:
            return None
        value = float(self.values_of(row.reshape(1, -1).copy())[0])
        return value + 0.0 if abs(value) < INFEASIBLE else None

    def _next_stop(self, generation: int) -> int:
        control = self._diversity
        stop = next_observed(generation)
        return (
            stop
            if control is None
            else min(stop, (generation // control.every + 1) * control.every)
        )

    def _let_in(self, state: State, share: float) -> None:
        """Replace the worst by candidates drawn anew, if the evaluations left allow for it."""
        problem, counters = self.problem, state["counters"]
        size = len(self.algorithm.population(state)[1])
        count = max(1, min(size - 1, math.ceil(share * size)))
        if counters[EVALUATIONS] + count + size > problem.ending.evaluations:
            return
        rows = np.zeros((count, problem.width))
        draw_anew(
            rows,
            problem.segments,
            problem.lower,
            problem.upper,
            np.uint64(problem.seed),
            generation_of(state),
            problem.island,
        )
        costs = costs_of(self.values_of(rows), problem.sign)
        counters[EVALUATIONS] += count
        counters[INVALID] += int(np.isinf(costs).sum())
        self.algorithm.immigrate(state, rows, costs)

    def values_of(self, rows: Floats) -> Floats:
        """Return fitnesses of rows; what violates constraints is not asked for outside."""
        values = np.zeros(len(rows))
        if self._of_rows is not None:
            self._of_rows(rows, 0, len(rows), values)
        if self._evaluate is not None:
            feasible = values < INFEASIBLE
            values[feasible] = self._evaluate(self.problem.island, rows[feasible])
        return values

    def _make_room(self, state: State, until: int) -> None:
        """Lengthen the history where a row is missing for some generation up to `until`."""
        history, needed = state["history"], min(until, self.problem.ending.generations) + 1
        if len(history) < needed:
            state["history"] = np.zeros((max(needed, 2 * len(history)), *history.shape[1:]))
            state["history"][: len(history)] = history


def generation_of(state: State) -> int:
    """Return the generation that an island is at, -1 before the first."""
    return int(state["counters"][GENERATION])


def is_running(state: State) -> bool:
    """Tell whether no criterion has stopped an island."""
    return bool(state["counters"][STOPPED] == RUNNING)

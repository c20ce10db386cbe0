"""A search from its spec to its champion: islands, generations, migrations, criteria.

Everything that a run does follows from the spec's *problem* (what it searches and how, not when it
is started or saved) and the code. Refuses files, records and steps: those are `checkpoints` and
`steps`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chimera.builtin.evolution.checks import problem_faults
from chimera.builtin.evolution.fitness.outside.failures import Failures
from chimera.builtin.evolution.kernels.evaluating import INFEASIBLE
from chimera.builtin.evolution.kernels.recording import (
    BEST,
    CONVERGED,
    EVALUATIONS,
    EVALUATIONS_SPENT,
    FIRST_FINITE,
    GENERATIONS,
    INVALID,
    MEAN,
    STAGNATION,
    STOPPED,
    TARGET,
)
from chimera.builtin.evolution.kinds import EvolutionSpec, StopReason
from chimera.builtin.evolution.search.algorithm import Floats, State
from chimera.builtin.evolution.search.building import build_islands, identity_of
from chimera.builtin.evolution.search.island import Island, generation_of, is_running
from chimera.builtin.evolution.search.islands import migrate, sources_of
from chimera.builtin.evolution.search.measures import Row, combine, next_observed
from chimera.builtin.evolution.search.outcome import Champion, champion_of
from chimera.builtin.evolution.search.problem import sign_of
from chimera.builtin.evolution.search.scoring import Evaluate
from chimera.builtin.evolution.spec.choosing import choose
from chimera.builtin.evolution.spec.values import MAX_GENERATIONS
from chimera.model import ChimeraError, Digest, digest_bytes

_REASONS: dict[int, StopReason] = {
    TARGET: "target",
    STAGNATION: "stagnation",
    GENERATIONS: "generations",
    EVALUATIONS_SPENT: "evaluations",
    CONVERGED: "converged",
}
_SLICE_NUMBERS = 6_000_000
"""Genes evaluated between two looks at progress and cancellation; no part of the result."""


@dataclass(slots=True)
class RunState:
    """A run between two generations: the arrays of each island, and what holds for all of them.

    `observed` are observations since somebody took them out; they are no part of the run.
    """

    islands: list[State]
    generation: int = -1
    stopped: StopReason | None = None
    observed: list[Row] = field(default_factory=list)

    @property
    def evaluations(self) -> int:
        """How often a fitness was computed."""
        return sum(int(island["counters"][EVALUATIONS]) for island in self.islands)

    @property
    def invalid(self) -> int:
        """How many fitnesses came out NaN, infinite or not at all."""
        return sum(int(island["counters"][INVALID]) for island in self.islands)


class Search:
    """One problem, compiled: makes states and moves them on."""

    def __init__(
        self,
        spec: EvolutionSpec,
        evaluate: Evaluate | None = None,
        *,
        fitness: Any = None,
        code: str = "",
    ) -> None:
        """Compile the problem; raises `ChimeraError` for a spec that `checks` finds fault with.

        A fitness from outside is given as `evaluate`, or compiled as `fitness`; `code` is a digest
        of whatever it follows from besides the spec.
        """
        if faults := list(problem_faults(spec)):
            raise ChimeraError(faults[0].message, help=faults[0].help)
        self.spec = spec
        self.failures = Failures()
        """Of candidates that were computed outside since somebody took them out."""
        self.choice = choose(spec)
        self.identity = identity_of(spec, self.choice, code)
        self._sign = sign_of(spec)
        self._islands = build_islands(spec, self.choice, evaluate, fitness)
        self._algorithms = [island.algorithm for island in self._islands]
        self._sources = sources_of(spec.islands.topology, len(self._islands))
        self._threads = 1 if evaluate is not None else threads_for(spec, len(self._islands))

    @property
    def islands(self) -> Sequence[Island]:
        """The islands; most searches have one."""
        return self._islands

    def start(self) -> RunState:
        """Return the state before generation 0."""
        return RunState([island.start() for island in self._islands])

    def finish(
        self, state: RunState, watch: Callable[[RunState], None] = lambda state: None
    ) -> None:
        """Move on to where a criterion stops the run."""
        self.advance(state, MAX_GENERATIONS, watch)

    def advance(
        self, state: RunState, until: int, watch: Callable[[RunState], None] = lambda state: None
    ) -> None:
        """Move `state` on to generation `until`, or to where a criterion stops it.

        `watch` is called now and then with the state, and ends the run by raising.
        """
        with ThreadPoolExecutor(self._threads) as pool:  # starts threads when they have work
            while state.stopped is None and state.generation < until:
                self._step(state, min(until, self._next_stop(state)), pool)
                watch(state)

    def best(self, state: RunState) -> float | None:
        """Return the best fitness so far; `None` while there is no feasible candidate.

        With several objectives it is the greatest hypervolume.
        """
        cost = self._best_at(state, state.generation) if state.generation >= 0 else math.inf
        return self._sign * cost + 0.0 if cost < INFEASIBLE else None

    def champion(self, state: RunState) -> Champion:
        """Return the champion; raises `ChimeraError` if there is no feasible candidate."""
        return champion_of(self, state)

    def fitness_of(self, row: Floats) -> float | None:
        """Return the fitness of one candidate, a row, as its author means it.

        `None` where it is infeasible, has none, or is computed outside of the kernels.
        """
        return self._islands[0].fitness_of(row)

    def history(self, state: RunState) -> Floats:
        """Return best and mean cost of every generation so far, of all islands: float64[G, 2]."""
        own = [
            island["history"][np.minimum(np.arange(state.generation + 1), generation_of(island))]
            for island in state.islands
        ]
        best = np.min([each[:, BEST] for each in own], axis=0)
        means = np.array([each[:, MEAN] for each in own])
        return np.column_stack((best, means.mean(axis=0)))

    def history_digest(self, state: RunState) -> Digest:
        """Return the digest of best and mean cost of every generation of every island."""
        parts = [own["history"][: generation_of(own) + 1] for own in state.islands]
        return digest_bytes(b"".join(part.astype("<f8").tobytes() for part in parts))

    def _next_stop(self, state: RunState) -> int:
        """Return the next generation to stop at for a migration, or to look at progress."""
        size = max(island.problem.population for island in self._islands) or 10
        numbers = size * self.spec.genome.length * len(self._islands)
        stop = state.generation + max(1, _SLICE_NUMBERS // numbers)
        if len(self._islands) == 1:
            return stop
        every = self.spec.islands.every
        return min(stop, (state.generation // every + 1) * every)

    def _step(self, state: RunState, until: int, pool: ThreadPoolExecutor) -> None:
        """Move all islands on to generation `until`; this thread does its share of them."""
        rows: list[Sequence[Row]] = [()] * len(self._islands)
        waiting = iter(range(len(self._islands)))  # of a range, threads never get the same

        def work() -> None:
            for i in waiting:
                rows[i] = self._islands[i].advance(state.islands[i], until)

        others = [pool.submit(work) for _ in range(self._threads - 1)]
        work()
        for other in others:
            other.result()
        self.settle(state, until, rows)

    def settle(self, state: RunState, until: int, rows: Sequence[Sequence[Row]]) -> None:
        """Take note of what islands did up to generation `until`; judge criteria; migrate.

        `rows` is what each of them observed meanwhile, wherever that was.
        """
        before = state.generation
        running = [is_running(own) for own in state.islands]
        state.generation = until if any(running) else max(map(generation_of, state.islands))
        several, every = len(running) > 1, self.spec.islands.every
        if not several:
            state.stopped = _REASONS.get(int(state.islands[0]["counters"][STOPPED]))
        elif until % every == 0 or not any(running):
            state.stopped = self._reason(state, running)
        self._observe(state, before, rows)
        if several and state.stopped is None and until % every == 0 and until > 0:
            count = self.spec.islands.migrants
            migrate(state.islands, self._algorithms, self._sources, count, running)

    def _observe(self, state: RunState, before: int, rows: Sequence[Sequence[Row]]) -> None:
        """Keep observations of all islands together, those that stopped as they were then."""
        generations = []
        generation = next_observed(before)
        while generation <= state.generation:
            generations.append(generation)
            generation = next_observed(generation)
        if state.stopped is not None and state.generation not in generations:
            generations.append(state.generation)
        for generation in generations:
            seen = []
            for island, own, found in zip(self._islands, state.islands, rows, strict=True):
                past = [row for row in found if (row["generation"] or 0) <= generation]
                seen.append(past[-1] if past else island.observe(own))
            state.observed.append(combine(seen, self._sign) | {"generation": generation})

    def _reason(self, state: RunState, running: Sequence[bool]) -> StopReason | None:
        """Judge the criteria of several islands together."""
        codes = {int(own["counters"][STOPPED]) for own in state.islands}
        if TARGET in codes:
            return "target"
        end = self.spec.termination
        seen = [int(own["counters"][FIRST_FINITE]) for own in state.islands]
        first = min((generation for generation in seen if generation >= 0), default=None)
        if end.stagnation and first is not None and state.generation - end.stagnation >= first:
            best = self._best_at(state, state.generation)
            gain = self._best_at(state, state.generation - end.stagnation) - best
            if gain <= end.tolerance * (self._best_at(state, first) - best):
                return "stagnation"
        if any(running):
            return None
        return _REASONS[codes.pop()] if len(codes) == 1 else "evaluations"

    def _best_at(self, state: RunState, generation: int) -> float:
        return min(_best_of(own, generation) for own in state.islands)


def _best_of(own: State, generation: int) -> float:
    """Return an island's best cost up to a generation."""
    return float(own["history"][min(generation, generation_of(own)), BEST])


def threads_for(spec: EvolutionSpec, islands: int) -> int:
    """Return how many threads work on islands: as many as help, and as are allowed."""
    given = spec.budget.workers or len(os.sched_getaffinity(0))
    return max(1, min(given, islands))

"""A portfolio for real genes: CMA-ES, L-SHADE, a broad run of CMA-ES, and CMA-ES where it was.

They fail on different functions: CMA-ES with restarts solves what is smooth, or has few optima,
within a small share of the evaluations; L-SHADE what has many optima along each gene; a broad run,
one of CMA-ES with many candidates, what has many optima under a global structure, to which restarts
that double their population come late. Each turn has a share that is known beforehand, because
populations are planned for it; what a converged broad run leaves of its own is the next turn's.
Members share counters, champion and history; the rest of their states lies side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chimera.builtin.evolution.kernels.recording import (
    CONVERGED,
    EVALUATIONS,
    EVALUATIONS_SPENT,
    GENERATION,
    GENERATIONS,
    RUNNING,
    STOPPED,
)
from chimera.builtin.evolution.search.algorithm import Algorithm, Floats, Problem, State
from chimera.builtin.evolution.search.cmaes import CmaEsSearch, Defaults
from chimera.builtin.evolution.search.lshade import LShadeSearch
from chimera.builtin.evolution.spec.algorithms import LShade, Portfolio
from chimera.builtin.evolution.spec.defaults import ROWS_A_GENE

if TYPE_CHECKING:
    from chimera.builtin.evolution.spec.evolution import EvolutionSpec

GENERATIONS_A_GENE = 24
"""How many of its first, largest generations L-SHADE's share has for each gene, at least: with 18
candidates a gene it would not converge within a small share."""

BROAD_GENERATIONS_A_GENE = 16
"""How many generations the share of the broad run has for each gene, at least, to converge in."""

MOST_BROAD_ROWS = 1024
"""Candidates of the broad run at most, whatever its share."""

CURRENT, LATEST = range(2)
"""Positions in `turn`: whose turn it is, and whose the latest generation is."""

_MEMBERS = ("cma-es", "l-shade", "broad", "cma-es")
_SHARED = ("counters", "champion", "history")
_ENDS_OF_A_TURN = (EVALUATIONS_SPENT, CONVERGED)


class PortfolioSearch:
    """Searches one problem by its members' turns."""

    def __init__(self, problem: Problem, spec: EvolutionSpec) -> None:
        """Prepare the members; raises `ChimeraError` if some gene is not real."""
        chosen = spec.algorithm
        assert isinstance(chosen, Portfolio)
        whole = problem.ending.evaluations
        first = int(chosen.opening * whole)
        second = min(first + int(chosen.interlude * whole), whole)
        third = min(second + int(chosen.broad * whole), whole)
        given = problem.population
        own = spec.model_copy(update={"algorithm": LShade(type="l-shade")})
        rows = given or _population(problem.genes, second - first)
        many = given or _broad_population(problem.genes, third - second)
        settings = Defaults(population=given or None)
        self._problem, self._limits = problem, (first, second, third, whole)
        self._turns: tuple[Algorithm, ...] = (
            CmaEsSearch(_ending_at(problem, first), settings),
            LShadeSearch(replace(_ending_at(problem, second), population=rows), own),
            CmaEsSearch(_ending_at(problem, third), Defaults(restarts="none", population=many)),
            CmaEsSearch(problem, settings),
        )

    def start(self, capacity: int) -> State:
        """Return the state before generation 0."""
        state: State = {"turn": np.zeros(2, np.int64)}
        for turn in (2, 1, 0):
            own = self._turns[turn].start(capacity)
            state |= {_name(turn, key): array for key, array in own.items()}
        self._pass_on(state)
        return state

    def advance(self, state: State, until: int) -> None:
        """Move on to generation `until`, or to where a criterion stops."""
        counters = state["counters"]
        while counters[STOPPED] == RUNNING and counters[GENERATION] < until:
            turn, own = self._own(state, CURRENT)
            self._turns[turn].advance(own, until)
            self._conclude(state, turn, own)

    def ask(self, state: State) -> Floats:
        """Return the candidates of the next generation."""
        turn, own = self._own(state, CURRENT)
        candidates = self._turns[turn].ask(own)
        _keep(state, turn, own)
        return candidates

    def tell(self, state: State, costs: Floats) -> None:
        """Finish the generation that was asked for."""
        turn, own = self._own(state, CURRENT)
        self._turns[turn].tell(own, costs)
        self._conclude(state, turn, own)

    def population(self, state: State) -> tuple[Floats, Floats]:
        """Return the population of the member that made the latest generation."""
        turn, own = self._own(state, LATEST)
        return self._turns[turn].population(own)

    def immigrate(self, state: State, candidates: Floats, costs: Floats) -> None:
        """Let the member that made the latest generation take in candidates."""
        turn, own = self._own(state, LATEST)
        self._turns[turn].immigrate(own, candidates, costs)
        _keep(state, turn, own)

    def observe(self, state: State) -> Mapping[str, float]:
        """Return whose turn the latest generation was."""
        return {"turn": float(state["turn"][LATEST])}

    def _own(self, state: State, whose: int) -> tuple[int, State]:
        """Return whose turn it is or was, and what of the state is that member's."""
        turn = int(state["turn"][whose])
        prefix = f"{_MEMBERS[turn]}/"
        own = {key.removeprefix(prefix): a for key, a in state.items() if key.startswith(prefix)}
        return turn, own | {key: state[key] for key in _SHARED}

    def _conclude(self, state: State, turn: int, own: State) -> None:
        """Keep what a member's generations made of its state; end its turn if it is over."""
        _keep(state, turn, own)
        state["turn"][LATEST] = turn
        if state["counters"][STOPPED] in _ENDS_OF_A_TURN:
            state["turn"][CURRENT] += 1
            self._pass_on(state)

    def _pass_on(self, state: State) -> None:
        """Give the turn to the next that has evaluations left for a generation, if there is one."""
        counters = state["counters"]
        counters[STOPPED] = EVALUATIONS_SPENT
        if self._problem.ending.generations <= counters[GENERATION]:
            counters[STOPPED] = GENERATIONS
        while counters[STOPPED] == EVALUATIONS_SPENT and state["turn"][CURRENT] < len(self._turns):
            turn, _ = self._own(state, CURRENT)
            if counters[EVALUATIONS] + len(self.ask(state)) <= self._limits[turn]:
                counters[STOPPED] = RUNNING
            else:
                state["turn"][CURRENT] += 1


def _population(genes: int, evaluations: int) -> int:
    """Return how many candidates L-SHADE begins with."""
    return min(ROWS_A_GENE * genes, max(ROWS_A_GENE, evaluations // (GENERATIONS_A_GENE * genes)))


def _broad_population(genes: int, evaluations: int) -> int:
    """Return how many candidates a generation of the broad run has."""
    rows = evaluations // (BROAD_GENERATIONS_A_GENE * genes)
    return min(MOST_BROAD_ROWS, max(ROWS_A_GENE, rows))


def _ending_at(problem: Problem, evaluations: int) -> Problem:
    """Return the problem with so many evaluations at most."""
    return replace(problem, ending=problem.ending._replace(evaluations=evaluations))


def _name(turn: int, key: str) -> str:
    return key if key in _SHARED else f"{_MEMBERS[turn]}/{key}"


def _keep(state: State, turn: int, own: State) -> None:
    """Put back what a member may have replaced by larger arrays."""
    state |= {_name(turn, key): array for key, array in own.items()}

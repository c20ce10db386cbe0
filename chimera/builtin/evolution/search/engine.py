"""A search from its spec to its champion: arrays, generations, checkpoints as bytes.

Everything that a run does follows from the spec's *problem* (what it searches and how, not when it
is started or saved) and the kernels. Refuses files, records and steps: those are `checkpoints` and
`reconcile`.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numba
import numpy as np
from numpy.typing import NDArray

from chimera.builtin.evolution.checks import problem_faults
from chimera.builtin.evolution.fitness.compile import compile_fitness
from chimera.builtin.evolution.fitness.expressions import read_expression
from chimera.builtin.evolution.fitness.functions import FUNCTIONS
from chimera.builtin.evolution.kernels import genetic, portable
from chimera.builtin.evolution.kernels.compiling import sources_digest
from chimera.builtin.evolution.kernels.randomness import SCHEME
from chimera.builtin.evolution.kinds import EvolutionSpec, GaussianMutation, RealGene, StopReason
from chimera.builtin.evolution.spec.defaults import (
    evaluations_of,
    mutation_of,
    operators_of,
    population_of,
)
from chimera.model import ChimeraError, Digest, digest_bytes, digest_json

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_REASONS: dict[int, StopReason] = {
    genetic.TARGET: "target",
    genetic.STAGNATION: "stagnation",
    genetic.GENERATIONS: "generations",
}
_SLICE_EVALUATIONS = 200_000
"""Evaluations between two looks at progress and cancellation; it has no part in the result."""


@dataclass(frozen=True, slots=True)
class Champion:
    """The best candidate of a run so far: float64[D] and its fitness."""

    genes: Floats
    fitness: float
    generation: int

    @property
    def digest(self) -> Digest:
        """SHA-256 over genes and fitness as little-endian float64."""
        return digest_bytes(np.append(self.genes, self.fitness).astype("<f8").tobytes())


@dataclass(frozen=True, slots=True)
class State:
    """A run between two generations; the arrays are as `kernels` describes them."""

    populations: Floats
    costs: Floats
    champion: Floats
    history: Floats
    counters: Integers

    @property
    def generation(self) -> int:
        """The generation that the population is at."""
        return int(self.counters[genetic.GENERATION])

    @property
    def evaluations(self) -> int:
        """How often a fitness was computed."""
        return int(self.counters[genetic.EVALUATIONS])

    @property
    def invalid(self) -> int:
        """How many fitnesses came out NaN or infinite."""
        return int(self.counters[genetic.INVALID])

    @property
    def stopped(self) -> StopReason | None:
        """Why the run has ended, if it has."""
        return _REASONS.get(int(self.counters[genetic.STOPPED]))


class Search:
    """One problem, compiled: makes states and moves them on."""

    def __init__(self, spec: EvolutionSpec) -> None:
        """Compile the problem; raises `ChimeraError` for a spec that `checks` finds fault with."""
        if faults := list(problem_faults(spec)):
            raise ChimeraError(faults[0].message, help=faults[0].help)
        self.spec = spec
        self.identity = identity_of(spec)
        self._settings = settings_of(spec)
        self._bounds = bounds_of(spec)
        tree = read_expression(expression_of(spec), spec.genome.genes).tree
        self._fitness = compile_fitness(tree)
        self._elites = np.empty(spec.elites, np.int64)
        self._spread = np.empty(self._bounds.shape[1])

    def empty(self) -> State:
        """Return a state without contents."""
        count, width = population_of(self.spec), self._bounds.shape[1]
        generations = generations_of(self.spec)
        return State(
            np.zeros((2, count, width)),
            np.zeros((2, count)),
            np.zeros(width),
            np.zeros((generations + 1, 2)),
            np.zeros(6, np.int64),
        )

    def start(self) -> State:
        """Return the state at generation 0."""
        state = self.empty()
        genetic.initialise(
            state.populations,
            state.costs,
            self._bounds,
            state.champion,
            state.history,
            self._settings,
            state.counters,
            self._fitness,
        )
        return state

    def advance(
        self, state: State, until: int, watch: Callable[[State], None] = lambda state: None
    ) -> None:
        """Move `state` on to generation `until`, or to where a criterion stops it.

        `watch` is called now and then with the state, and ends the run by raising.
        """
        pace = max(1, _SLICE_EVALUATIONS // population_of(self.spec))
        while state.stopped is None and state.generation < until:
            genetic.evolve(
                state.populations,
                state.costs,
                self._bounds,
                state.champion,
                state.history,
                self._elites,
                self._spread,
                self._settings,
                state.counters,
                self._fitness,
                min(until, state.generation + pace),
            )
            watch(state)

    def best(self, state: State) -> float | None:
        """Return the best fitness so far; `None` while no candidate had a finite one."""
        cost = float(state.history[state.generation, genetic.BEST])
        return self._settings.sign * cost + 0.0 if math.isfinite(cost) else None

    def champion(self, state: State) -> Champion:
        """Return the champion; raises `ChimeraError` if no candidate had a finite fitness."""
        fitness = self.best(state)
        if fitness is None:
            raise ChimeraError(
                f"none of {state.evaluations} candidates had a finite fitness",
                help="change the fitness or the bounds so that most candidates have one",
            )
        genes = state.champion[: self.spec.genome.length] + 0.0  # JSON knows no negative zero
        return Champion(genes, fitness, int(state.counters[genetic.CHAMPION_GENERATION]))

    def history_digest(self, state: State) -> Digest:
        """Return the digest of best and mean cost of every generation so far."""
        return digest_bytes(state.history[: state.generation + 1].astype("<f8").tobytes())


def settings_of(spec: EvolutionSpec) -> genetic.Settings:
    """Return the spec as the kernels take it."""
    operators, end = operators_of(spec), spec.termination
    crossover: Any = operators.crossover
    mutation: Any = operators.mutation
    selection: Any = operators.selection
    gaussian = isinstance(mutation, GaussianMutation)
    rate = 1.0 / spec.genome.length if mutation.rate is None else mutation.rate
    kept = 1.0 - rate
    sign = 1.0 if spec.objective == "minimize" else -1.0
    mutation_eta = 0.0 if isinstance(mutation, GaussianMutation) else mutation.eta
    return genetic.Settings(
        seed=np.uint64(seed_of(spec)),
        genes=spec.genome.length,
        sign=sign,
        tournament=selection.size,
        elites=spec.elites,
        crossover_probability=crossover.probability,
        crossover_exponent=1.0 / (crossover.eta + 1.0),
        crossover_roots=_roots(crossover.eta),
        mutation_rate=rate if kept < 1.0 else 0.0,  # a rate below 2**-53 comes to nothing
        mutation_gap=1.0 / portable.log(kept) if 0.0 < kept < 1.0 else 0.0,
        mutation_is_gaussian=gaussian,
        mutation_exponent=1.0 / (mutation_eta + 1.0),
        mutation_roots=_roots(mutation_eta),
        generations=generations_of(spec),
        target=-math.inf if end.target is None else sign * end.target,
        stagnation=end.stagnation or 0,
        tolerance=end.tolerance,
    )


def _roots(eta: float) -> int:
    """Return the k for which η + 1 is 2**k, or -1."""
    mantissa, exponent = math.frexp(eta + 1.0)
    return exponent - 1 if mantissa == 0.5 else -1


def bounds_of(spec: EvolutionSpec) -> Floats:
    """Return lower bound, upper bound and mutation scale of each gene, as float64[3, W]."""
    mutation = mutation_of(spec)
    scale = mutation.sigma if isinstance(mutation, GaussianMutation) else 1.0
    rows = [
        (gene.min, gene.max, scale * (gene.max - gene.min))
        for gene in cast("tuple[RealGene, ...]", spec.genome.genes)
        for _ in range(gene.length)
    ]
    bounds = np.zeros((3, -(-len(rows) // genetic.VECTOR) * genetic.VECTOR))
    bounds[:, : len(rows)] = np.array(rows).T
    return bounds


def seed_of(spec: EvolutionSpec) -> int:
    """Return the seed as an integer below 2**64."""
    return int(spec.seed, 16) if isinstance(spec.seed, str) else spec.seed


def expression_of(spec: EvolutionSpec) -> str:
    """Return the fitness as an expression."""
    if spec.fitness.function is not None:
        return FUNCTIONS[spec.fitness.function].expression
    assert spec.fitness.expression is not None
    return spec.fitness.expression


def generations_of(spec: EvolutionSpec) -> int:
    """Return after how many generations the run stops in any case."""
    if spec.termination.generations is not None:
        return spec.termination.generations
    return max(1, (evaluations_of(spec) or 0) // population_of(spec))


def identity_of(spec: EvolutionSpec) -> Digest:
    """Return the digest of everything that a run's numbers follow from."""
    problem = spec.model_dump(mode="json", exclude={"trigger", "checkpoint_every", "budget"})
    return digest_json([problem, sources_digest(__name__), SCHEME])


def versions() -> dict[str, Any]:
    """Return by what code and on what machine this process computes, as in `Provenance`."""
    return {
        "randomScheme": SCHEME,
        "kernels": sources_digest(__name__),
        "numba": numba.__version__,
        "numpy": np.__version__,
        "platform": f"{platform.system()}-{platform.machine()}",
    }

"""Runs of one spec with many seeds, and what of each a comparison looks at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.algorithm import Floats
from chimera.builtin.evolution.search.engine import Search
from chimera.builtin.evolution.search.outcome import front_of

MARGIN = 0.1
"""How far the reference point of a hypervolume lies beyond the worst of all fronts, as a share of
their range: so that the ends of a front count (Ishibuchi, Imada, Setoguchi and Nojima 2018)."""

Opener = Callable[[EvolutionSpec], AbstractContextManager[Search]]
"""Opens the search of a spec, and closes what it needs for a fitness from outside."""


def search_alone(spec: EvolutionSpec) -> AbstractContextManager[Search]:
    """Open a search that needs nothing from outside."""
    return nullcontext(Search(spec))


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what it found, how long it took, and its trajectory.

    `fitness` is `None` where no candidate was feasible; `trajectory` holds evaluations and best
    fitness at each improvement. With several objectives `front` holds their costs and `fitness` is
    the hypervolume that `measured` fills in.
    """

    seed: int
    fitness: float | None
    evaluations: int
    generations: int
    stopped: str
    trajectory: tuple[tuple[int, float], ...] = ()
    front: tuple[tuple[float, ...], ...] = ()


def run_all(
    spec: EvolutionSpec,
    seeds: Sequence[int],
    opener: Opener = search_alone,
    workers: int = 1,
    told: Callable[[Run], None] = lambda run: None,
) -> list[Run]:
    """Run a spec to its end with each seed in place of its own, `workers` at a time.

    `told` is told of each run as it ends, in whatever order they do, by the thread that ran it.
    """

    def run(seed: int) -> Run:
        with opener(spec.model_copy(update={"seed": seed})) as search:
            found = run_one(search, seed)
        told(found)
        return found

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, seeds))


def run_one(search: Search, seed: int) -> Run:
    """Run a search to its end, and look at it after every generation."""
    state = search.start()
    trajectory: list[tuple[int, float]] = []
    while state.stopped is None:
        search.advance(state, state.generation + 1)
        best = search.best(state)
        if best is not None and (not trajectory or best != trajectory[-1][1]):
            trajectory.append((state.evaluations, best))
    front: tuple[tuple[float, ...], ...] = ()
    if search.spec.objectives:
        front = tuple(map(tuple, front_of(search, state)[1].tolist()))
    return Run(
        seed=seed,
        fitness=search.best(state),
        evaluations=state.evaluations,
        generations=state.generation,
        stopped=state.stopped,
        trajectory=() if search.spec.objectives else tuple(trajectory),
        front=front,
    )


def measured(groups: Sequence[Sequence[Run]]) -> list[list[Run]]:
    """Return runs of several objectives with hypervolumes within one reference point for all."""
    points = np.array([point for runs in groups for run in runs for point in run.front])
    if not points.size:
        return [list(runs) for runs in groups]
    low, high = points.min(axis=0), points.max(axis=0)
    reference = high + MARGIN * (high - low)
    return [[_measure(run, reference) for run in runs] for runs in groups]


def _measure(run: Run, reference: Floats) -> Run:
    from chimera.builtin.evolution.kernels.fronts import hypervolume

    volume = hypervolume(np.array(run.front), reference) if run.front else None
    return Run(run.seed, volume, run.evaluations, run.generations, run.stopped, (), run.front)

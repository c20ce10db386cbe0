"""Who searches in `bbob`: our algorithms by ask and tell, and peers as their authors set them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from chimera.builtin.evolution.search.algorithm import Algorithm, Problem
    from chimera.builtin.evolution.spec.evolution import EvolutionSpec
    from tests.quality.bbob import BlackBox

LOW, HIGH = -5.0, 5.0


def problem_of(box: BlackBox, seed: int) -> Problem:
    """Return a black box as our algorithms take it: its values come from outside."""
    from chimera.builtin.evolution.kernels.genes import REAL
    from chimera.builtin.evolution.kernels.recording import Ending
    from chimera.builtin.evolution.search.algorithm import VECTOR, Problem

    width = -(-box.dimension // VECTOR) * VECTOR
    lower, upper = np.zeros(width), np.zeros(width)
    lower[: box.dimension], upper[: box.dimension] = LOW, HIGH
    return Problem(
        seed=seed,
        island=0,
        genes=box.dimension,
        segments=np.array([[REAL, 0, box.dimension]]),
        lower=lower,
        upper=upper,
        sign=1.0,
        population=0,
        ending=Ending(box.budget, box.budget, -math.inf, 0, 0.0),
        fitness=None,
    )


def search(algorithm: Algorithm, box: BlackBox) -> None:
    """Ask and tell until the box says that it is enough, or a criterion stops the run."""
    from chimera.builtin.evolution.kernels.recording import RUNNING, STOPPED

    state = algorithm.start(box.budget)
    while state["counters"][STOPPED] == RUNNING:
        rows = algorithm.ask(state)
        algorithm.tell(state, np.array(box(rows[:, : box.dimension].tolist())))


def spec_of(algorithm: Any, dimension: int, budget: int) -> EvolutionSpec:
    """Return a spec that says no more than the algorithm and the budget."""
    from chimera.builtin.evolution.kinds import EvolutionSpec

    return EvolutionSpec.model_validate(
        {
            "genome": {"genes": [{"name": "x", "min": LOW, "max": HIGH, "count": dimension}]},
            "algorithm": algorithm,
            "termination": {"evaluations": budget},
            "seed": 0,
        }
    )


def l_shade(box: BlackBox, seed: int) -> None:
    """Ours, with its published settings."""
    from chimera.builtin.evolution.search.lshade import LShadeSearch

    spec = spec_of({"type": "l-shade"}, box.dimension, box.budget)
    search(LShadeSearch(problem_of(box, seed), spec), box)


def cma_es(box: BlackBox, seed: int) -> None:
    """Ours, with BIPOP restarts."""
    from chimera.builtin.evolution.search.cmaes import CmaEsSearch, Defaults

    search(CmaEsSearch(problem_of(box, seed), Defaults()), box)


def portfolio(box: BlackBox, seed: int) -> None:
    """Ours: CMA-ES, L-SHADE, a broad run of CMA-ES, and CMA-ES again."""
    from chimera.builtin.evolution.search.portfolio import PortfolioSearch

    spec = spec_of({"type": "portfolio"}, box.dimension, box.budget)
    search(PortfolioSearch(problem_of(box, seed), spec), box)


def auto(box: BlackBox, seed: int) -> None:
    """Ours, whatever the choice for real genes and this budget is."""
    from chimera.builtin.evolution.spec.choosing import choose

    chosen = choose(spec_of("auto", box.dimension, box.budget)).islands
    CONTENDERS[chosen[0].algorithm.type](box, seed)


def minion(box: BlackBox, seed: int) -> None:
    """minionpy's L-SHADE in C++, without the tolerance that ends its search early."""
    import minionpy

    def values(rows: Any) -> list[float]:
        if box.is_done:
            return [0.0] * len(rows)  # an exception would have to pass through C++
        return box(rows)

    minionpy.LSHADE(
        values,
        [(LOW, HIGH)] * box.dimension,
        maxevals=box.budget,
        seed=seed,
        options={"population_size": 0, "x_tol": 0.0, "f_tol": -1.0},
    ).optimize()


def pycma_bipop(box: BlackBox, seed: int) -> None:
    """pycma's BIPOP-CMA-ES as it is run on COCO: from [-4, 4]^D with a step of 2, no bounds."""
    import cma

    random = np.random.RandomState(seed)
    cma.fmin2(
        None,
        lambda: random.uniform(-4, 4, box.dimension),
        2.0,
        {"maxfevals": box.budget, "verbose": -9, "seed": seed, "tolfunhist": 1e-12},
        parallel_objective=lambda rows: box([list(row) for row in rows]),
        restarts=100,
        bipop=True,
    )


PEERS: dict[str, Callable[[BlackBox, int], None]] = {"minionpy": minion, "pycma": pycma_bipop}
CONTENDERS: dict[str, Callable[[BlackBox, int], None]] = {
    "l-shade": l_shade,
    "cma-es": cma_es,
    "portfolio": portfolio,
    "auto": auto,
    **PEERS,
}
"""Each searches a box with a seed until it raises `SpentError` or the budget ends."""

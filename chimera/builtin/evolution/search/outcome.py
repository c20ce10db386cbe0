"""What a search found: its champion, and with several objectives its front; as records have it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chimera.builtin.evolution.fitness.outside.failures import OF_THE_MACHINE, SAYS, Failures
from chimera.builtin.evolution.kernels.evaluating import INFEASIBLE
from chimera.builtin.evolution.kernels.randomness import SCHEME
from chimera.builtin.evolution.kernels.recording import BEST, CHAMPION_GENERATION
from chimera.builtin.evolution.kernels.versions import versions
from chimera.builtin.evolution.search.algorithm import Floats
from chimera.builtin.evolution.search.building import code_of
from chimera.builtin.evolution.search.island import generation_of
from chimera.builtin.evolution.search.problem import gene_values, numbers_of
from chimera.model import ChimeraError, Digest, digest_bytes

if TYPE_CHECKING:
    from chimera.builtin.evolution.kinds import Fitness
    from chimera.builtin.evolution.search.engine import RunState, Search


@dataclass(frozen=True, slots=True)
class Champion:
    """The best candidate of a run so far: its row, what it came to, and where it was found.

    `row` is float64[W] as algorithms have it, `numbers` float64[D] as its author means them;
    `outcomes` is its fitness, or the values of several objectives.
    """

    row: Floats
    numbers: Floats
    outcomes: tuple[float, ...]
    generation: int
    island: int

    @property
    def fitness(self) -> float:
        """Its fitness, or the first of several objectives."""
        return self.outcomes[0]

    @property
    def digest(self) -> Digest:
        """SHA-256 over genes and fitness, or objectives, as little-endian float64."""
        return digest_bytes(np.append(self.numbers, self.outcomes).astype("<f8").tobytes())


def champion_of(search: Search, state: RunState) -> Champion:
    """Return the champion; raises `ChimeraError` if there is no feasible candidate.

    Of several islands' champions it is the best, of equal ones the first island's. With several
    objectives it is the candidate of the front that is nearest to the best value of each, where
    each objective is scaled by its range over the front; of equal ones the first.
    """
    if search.spec.objectives:
        rows, values = front_of(search, state)
        if not len(rows):
            raise barren(search, state)
        low, high = values.min(axis=0), values.max(axis=0)
        scaled = (values - low) / np.where(high > low, high - low, 1.0)
        nearest = int(np.argmin((scaled**2).sum(axis=1)))
        outcomes = tuple(_signed(search, values[nearest]))
        return _champion(search, rows[nearest], outcomes, state.generation, 0)
    fitness = search.best(state)
    if fitness is None:
        raise barren(search, state)
    costs = [float(own["history"][generation_of(own), BEST]) for own in state.islands]
    island = costs.index(min(costs))
    own = state.islands[island]
    generation = int(own["counters"][CHAMPION_GENERATION])
    return _champion(search, own["champion"], (fitness,), generation, island)


def _champion(
    search: Search, row: Floats, outcomes: tuple[float, ...], generation: int, island: int
) -> Champion:
    numbers = numbers_of(search.spec.genome, row)
    return Champion(row, numbers, outcomes, generation, island)


def front_of(search: Search, state: RunState) -> tuple[Floats, Floats]:
    """Return the candidates of all islands that none dominates, and their costs, in their order."""
    rows, costs = [], []
    for island, own in zip(search.islands, state.islands, strict=True):
        algorithm: Any = island.algorithm
        found, values = algorithm.front(own)
        rows.append(found)
        costs.append(values)
    joined, values = np.concatenate(rows), np.concatenate(costs)
    if len(rows) > 1:
        kept = ~_dominated(values)
        joined, values = joined[kept], values[kept]
        order = np.lexsort(values.T[::-1])
        joined, values = joined[order], values[order]
    return joined, values


def _dominated(values: Floats) -> NDArray[np.bool_]:
    """Tell of each point whether another dominates it, or an earlier one is the same."""
    found = np.zeros(len(values), np.bool_)
    for i, point in enumerate(values):
        no_worse = (values <= point).all(axis=1)
        better = no_worse & (values < point).any(axis=1)
        found[i] = better.any() or no_worse[:i].any()
    return found


def _signed(search: Search, costs: Floats) -> list[float]:
    """Return the values of objectives as their author means them."""
    return [
        float(cost) + 0.0 if aim.objective == "minimize" else -float(cost) + 0.0
        for aim, cost in zip(search.spec.objectives, costs, strict=True)
    ]


def barren(search: Search, state: RunState) -> ChimeraError:
    """Return the error that says why there is no champion."""
    best = min(float(own["history"][generation_of(own), BEST]) for own in state.islands)
    if search.spec.genome.constraints and (best < math.inf or search.spec.objectives):
        return ChimeraError(
            f"none of {state.evaluations} candidates met every constraint",
            help="loosen the constraints or the bounds, or give the search more evaluations",
        )
    wanted = f"fitness below {INFEASIBLE:g}" if best < math.inf else "finite fitness"
    return ChimeraError(
        f"none of {state.evaluations} candidates had a {wanted}",
        help="change the fitness or the bounds so that most candidates have one",
    )


def genome_of(
    search: Search, state: RunState, definition: Mapping[str, Any], failures: Failures | None = None
) -> dict[str, Any]:
    """Return the spec of the Genome record of a run that has stopped.

    `failures` are those of candidates whose fitness comes from outside. Raises `ChimeraError` where
    there is no champion, and says why.
    """
    failures = failures or search.failures
    try:
        champion = champion_of(search, state)
    except ChimeraError as error:
        told = "; ".join(failures.lines())
        raise ChimeraError(
            ": ".join(filter(None, (error.message, told))), help=error.help
        ) from error
    found: dict[str, Any] = {"genes": gene_values(search.spec.genome, champion.row)}
    if search.spec.objectives:
        found |= _objectives(search, state, champion)
    else:
        found["fitness"] = champion.fitness
    if failures.total:
        found["failures"] = failures.to_list()
    provenance = provenance_of(search, definition)
    return {
        **found,
        "champion": champion.digest,
        "history": search.history_digest(state),
        "generation": champion.generation,
        "generations": state.generation,
        "evaluations": state.evaluations,
        "invalid": state.invalid,
        "island": champion.island,
        "stopped": state.stopped,
        "algorithm": {"name": _names(search), "reason": search.choice.reason},
        "provenance": provenance | _doubts(state, failures),
    }


def provenance_of(search: Search, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return from what a genome of this search comes."""
    found = {
        "evolution": definition["evolution"],
        "document": definition["document"],
        "seed": search.spec.seed,
        "randomScheme": SCHEME,
        "kernels": code_of(search.spec, search.choice),
        **versions(),
        "reproducible": not search.spec.fitness.is_stepwise,
    }
    caveat = _caveat_of(search.spec.fitness)
    return found if caveat is None else found | {"caveat": caveat}


def _caveat_of(fitness: Fitness) -> str | None:
    """Return what somebody has to know who wants the same bits again."""
    if fitness.is_stepwise:
        return f"its fitness is computed by {fitness.ways[0]}, and nobody can vouch for that"
    if fitness.python is None:
        return None
    if fitness.python.compiled:
        return (
            "its fitness is compiled from Python: the same bits are certain on this platform only"
        )
    return "its fitness is a Python function, and is the same again as far as that is"


def _doubts(state: RunState, failures: Failures) -> dict[str, Any]:
    """Return what of a run, rather than of its document, keeps it from being the same again."""
    if state.stopped == "time":
        caveat = "time stopped the run, which the document alone does not determine"
    elif lost := [
        f"{failures.counts[c]} {SAYS[c]}" for c in OF_THE_MACHINE if c in failures.counts
    ]:
        caveat = f"{' and '.join(lost)}, which depends on the machine"
    else:
        return {}
    return {"reproducible": False, "caveat": caveat}


def _objectives(search: Search, state: RunState, champion: Champion) -> dict[str, Any]:
    names = [aim.name for aim in search.spec.objectives]
    rows, costs = front_of(search, state)
    return {
        "objectives": [
            {"name": name, "value": value}
            for name, value in zip(names, champion.outcomes, strict=True)
        ],
        "front": [
            {"values": _signed(search, values), "genes": gene_values(search.spec.genome, row)}
            for row, values in zip(rows, costs, strict=True)
        ],
    }


def _names(search: Search) -> str:
    """Return the algorithms of all islands, each once."""
    return ", ".join(dict.fromkeys(island.algorithm.type for island in search.choice.islands))

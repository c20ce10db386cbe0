"""The operators of a spec in the words of the kernels, as numbers and bits share them."""

from __future__ import annotations

import math

from chimera.builtin.evolution.kernels import portable, selection
from chimera.builtin.evolution.kinds import (
    RankSelection,
    Selection,
    TournamentSelection,
    TruncationSelection,
)

SELECTIONS = {
    "tournament": selection.TOURNAMENT,
    "rank": selection.RANK,
    "roulette": selection.ROULETTE,
    "truncation": selection.TRUNCATION,
}


def selected_of(chosen: Selection, population: int) -> int:
    """Return the size of a tournament, or how many candidates survive truncation."""
    if isinstance(chosen, TournamentSelection):
        return chosen.size
    if isinstance(chosen, TruncationSelection):
        return max(1, round(chosen.share * population))
    return 0


def pressure_of(chosen: Selection) -> float:
    """Return the children that the best can expect by its rank; 1 where ranks play no part."""
    return chosen.pressure if isinstance(chosen, RankSelection) else 1.0


def mutation_gap(rate: float) -> float:
    """Return 1 / log2(1 - rate), negative; a rate below 2**-53 comes to nothing."""
    if rate == 1.0:
        return 0.0
    return -math.inf if 1.0 - rate == 1.0 else math.log(2.0) / portable.log(1.0 - rate)

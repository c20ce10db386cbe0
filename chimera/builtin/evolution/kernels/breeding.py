"""How children are made from parents, of genes of all types: the operators over blocks of rows.

Rows are float64[W], the width W being the number of genes rounded up to a multiple of 8, so that
loops over a row fill the processor's vectors; the rest of a row stays zero. Children are made in
blocks of 512 that stay in the processor's caches: recombine, mutate, keep within bounds.
Refuses to choose parents, to evaluate and to decide who survives.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from chimera.builtin.evolution.kernels import crossover, mutation, permutation
from chimera.builtin.evolution.kernels.compiling import inner
from chimera.builtin.evolution.kernels.crossover import PAIRS
from chimera.builtin.evolution.kernels.genes import PERMUTATION
from chimera.builtin.evolution.kernels.randomness import (
    MUTATE,
    PERMUTE,
    RECOMBINE,
    block_key,
    draw,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BLOCK = 2 * PAIRS


class Settings(NamedTuple):
    """What stays the same through a run.

    Kinds are those of the modules of operators. `selected` is the size of a tournament or how many
    survive truncation. `loose` is the number of genes outside of permutations, and `is_plain` says
    that all are real and moved by mutation. `crossover_index` is 1 / (η + 1) or alpha,
    `mutation_index` 1 / (η + 1), `mutation_gap` 1 / log2(1 - rate).
    """

    seed: np.uint64
    island: int
    sign: float
    genes: int
    loose: int
    is_plain: bool
    elites: int
    selection: int
    selected: int
    pressure: float
    crossover: int
    crossover_probability: float
    crossover_index: float
    mutation: int
    mutation_gap: float
    mutation_index: float
    permutation_crossover: int
    permutation_mutation: int
    permutation_probability: float
    permutation_rate: float


class Layout(NamedTuple):
    """What a row is made of: `types` int64[W] and `places` int64[W], among loose genes, or -1.

    `scale` is what mutation moves genes by, of a row PAIRS times, float64[PAIRS W]. `segments` are
    as `Problem` has them.
    """

    lower: Floats
    upper: Floats
    scale: Floats
    types: Integers
    places: Integers
    segments: Integers


class Scratch(NamedTuple):
    """What holds nothing between two calls.

    `elites` is int64[elites], `order` and `spare` int64[N], `sums` float64[N], `chosen`
    int64[BLOCK], `mates` float64[2, PAIRS W], `gaps` int64[STEPS], `deviates` float64[STEPS],
    `marks` int64[W].
    """

    elites: Integers
    order: Integers
    spare: Integers
    sums: Floats
    chosen: Integers
    mates: Floats
    gaps: Integers
    deviates: Floats
    marks: Integers


_i8, _f8, _u8 = types.int64, types.float64, types.uint64
_vector, _matrix, _pair = _f8[::1], _f8[:, ::1], _f8[:, :, ::1]
_rows, _table = _i8[::1], _i8[:, ::1]


def tuple_type(fields: str, name: type) -> Any:
    """Return numba's type of a NamedTuple, a letter for the type of each of its fields."""
    kinds = {"i": _i8, "f": _f8, "u": _u8, "I": _rows, "F": _vector, "M": _matrix, "P": _pair}
    kinds |= {"b": types.boolean, "T": _table, "O": types.int32[:, ::1]}
    return types.NamedTuple(tuple(kinds[field] for field in fields), name)  # type: ignore[no-untyped-call]


SETTINGS: Any = tuple_type("uifiibiiififfiffiiff", Settings)
LAYOUT: Any = tuple_type("FFFIIT", Layout)
SCRATCH: Any = tuple_type("IIIFIMIFI", Scratch)


@inner
def initialise_block(population, first, last, layout, settings, key):
    """Draw rows uniformly."""
    genes, segments = settings.genes, layout.segments
    for row in range(first, last):
        position = (row - first) * genes
        for j in range(genes):
            bits = draw(key, position + j)
            population[row, j] = mutation.anew(
                layout.types[j], layout.lower[j], layout.upper[j], bits
            )
        for k in range(segments.shape[0]):
            if segments[k, 0] == PERMUTATION:
                start, stop = segments[k, 1], segments[k, 2]
                permutation.shuffle(population, row, start, stop, key, position)


@inner
def make_children(parents, children, first, last, generation, block, layout, settings, scratch):
    """Recombine and mutate parents, pairs of `scratch.chosen`, to a block of children."""
    rows, mates = last - first, scratch.mates
    pairs, has_permutations = (rows + 1) // 2, settings.loose < settings.genes
    key = block_key(settings.seed, generation, block, RECOMBINE, settings.island)
    crossover.cross(parents, scratch.chosen, mates, pairs, layout, settings, key)
    if has_permutations:
        permutation.cross(parents, mates, pairs, layout, settings, scratch, key)
    key = block_key(settings.seed, generation, block, MUTATE, settings.island)
    mutation.mutate(mates, rows, layout, settings, scratch, key)
    if has_permutations:
        key = block_key(settings.seed, generation, block, PERMUTE, settings.island)
        permutation.mutate(mates, rows, layout, settings, key)
    _place(mates, children, first, last, layout.lower, layout.upper)


@inner
def _place(mates, children, first, last, lower, upper):
    """Move a block's children to their rows, and within their bounds."""
    width = children.shape[1]
    for row in range(first, last):
        half, at = (row - first) % 2, np.uint64((row - first) // 2 * width)
        for j in range(np.uint64(width)):
            value = mates[half, at + j]
            value = lower[j] if value < lower[j] else value
            children[row, j] = upper[j] if value > upper[j] else value

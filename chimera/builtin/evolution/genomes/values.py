"""Values of genes as people write them, held to the genes that an Evolution declares.

Without NumPy, so that a check needs none. Refuses to repair: it says what does not fit.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from chimera.builtin.evolution.spec.genes import (
    BitGene,
    CategoricalGene,
    IntegerGene,
    PermutationGene,
    RealGene,
)
from chimera.model import Digest, digest_bytes

if TYPE_CHECKING:
    from chimera.builtin.evolution.spec.genes import Gene
    from chimera.builtin.evolution.spec.genome import GeneValue, GenomeSpec

Value = bool | int | float | str


def gene_faults(layout: Sequence[Gene], genes: Sequence[GeneValue]) -> Iterator[str]:
    """Yield what of `genes` cannot have come from a search over `layout`."""
    names = [gene.name for gene in layout]
    if [gene.name for gene in genes] != names:
        yield f"its genes are {', '.join(gene.name for gene in genes)}, not {', '.join(names)}"
        return
    for gene, found in zip(layout, genes, strict=True):
        length = len(found.values)
        if length != gene.length:
            yield f"the gene {gene.name} holds {length} values, not {gene.length}"
        elif isinstance(gene, PermutationGene):
            if not _is_order(found.values):
                yield f"the gene {gene.name} is no order of the numbers 0 to {length - 1}"
        else:
            yield from _value_faults(gene, found.values)


def _is_order(values: Sequence[Value]) -> bool:
    return all(map(is_whole, values)) and sorted(map(int, values)) == list(range(len(values)))


def _value_faults(gene: Gene, values: Sequence[Value]) -> Iterator[str]:
    for value in values:
        if not _fits(gene, value):
            yield f"the gene {gene.name} cannot be {value!r}"


def _fits(gene: Gene, value: Value) -> bool:
    match gene:
        case RealGene():
            return is_number(value) and gene.min <= value <= gene.max
        case IntegerGene():
            return is_whole(value) and gene.min <= value <= gene.max
        case BitGene():
            return is_whole(value) and value in (0, 1)
        case CategoricalGene():
            return position_of(gene, value) is not None
    return False


def is_number(value: Any) -> TypeGuard[int | float]:
    """Tell whether a value is a finite number; `true` is none."""
    return type(value) is int or (type(value) is float and math.isfinite(value))


def is_whole(value: Any) -> TypeGuard[int | float]:
    """Tell whether a value is a whole number, which JSON may write either way."""
    return is_number(value) and value == int(value)


def same_value(left: Any, right: Any) -> bool:
    """Tell whether two values are the same: `5` is `5.0`, and neither `"5"` nor `true`."""
    if is_number(left) and is_number(right):
        return bool(left == right)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_value, left, right))
    return type(left) is type(right) and bool(left == right)


def position_of(gene: CategoricalGene, value: Value) -> int | None:
    """Return where a value stands among those of its gene."""
    return next((i for i, known in enumerate(gene.values) if same_value(known, value)), None)


def numbers_of(layout: Sequence[Gene], genes: Sequence[GeneValue]) -> list[float]:
    """Return the genes, which fit `layout`, as numbers: of a category, where it stands."""
    found: list[float] = []
    for gene, given in zip(layout, genes, strict=True):
        for value in given.values:
            plain = position_of(gene, value) if isinstance(gene, CategoricalGene) else value
            found.append(float(plain or 0))
    return found


def champion_digest(
    layout: Sequence[Gene], genes: Sequence[GeneValue], outcomes: Iterable[float]
) -> Digest:
    """Return SHA-256 over the genes and then fitness, or objectives, as little-endian float64.

    It is what a Genome calls its champion, so that nobody can change a value and keep the digest.
    """
    numbers = [number + 0.0 for number in (*numbers_of(layout, genes), *outcomes)]
    return digest_bytes(struct.pack(f"<{len(numbers)}d", *numbers))


def record_faults(layout: Sequence[Gene], genome: GenomeSpec) -> list[str]:
    """Return what shows that a record is not as its run wrote it."""
    found = list(gene_faults(layout, genome.genes))
    outcomes = [objective.value for objective in genome.objectives]
    outcomes = outcomes if genome.fitness is None else [genome.fitness]
    if not found and champion_digest(layout, genome.genes, outcomes) != genome.champion:
        found = ["its genes and fitness are not those of its champion"]
    return found


def plain_values(gene: Gene, found: GeneValue) -> Value | list[Value]:
    """Return what a gene became as a document or a program wants it: a value, or a list of them."""
    values = [_typed(gene, value) for value in found.values]
    return values[0] if gene.count is None else values


def _typed(gene: Gene, value: Value) -> Value:
    """Return a number as its gene has it: canonical JSON writes 5.0 as 5."""
    if isinstance(gene, RealGene):
        return float(value)
    return value if isinstance(gene, CategoricalGene) else int(value)

"""What names mean in a fitness expression: genes and their kinds, and the author's parameters.

Refuses to read expressions: it says of a name only where its numbers lie and what is known of them.
"""

from __future__ import annotations

import keyword
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chimera.builtin.evolution.fitness.tree import (
    Call,
    GeneAt,
    Index,
    Node,
    Number,
    Table,
    TableAt,
    WholeAt,
)

FUNCTIONS: Mapping[str, tuple[int, int]] = {
    "abs": (1, 1),
    "ceil": (1, 1),
    "cos": (1, 1),
    "exp": (1, 1),
    "floor": (1, 1),
    "log": (1, 1),
    "max": (2, 8),
    "min": (2, 8),
    "sin": (1, 1),
    "sqrt": (1, 1),
}
"""Functions of numbers, with the least and the greatest number of arguments."""

CONSTANTS = {"pi": math.pi, "e": math.e}
ALL_GENES = "genes"
RESERVED = frozenset(
    {*FUNCTIONS, *CONSTANTS, ALL_GENES, "sum", "prod", "range", "len", "leading"},
)

MAX_NUMBERS = 100_000
"""Numbers of all parameters of a document: they become constants of compiled code."""

Parameters = Mapping[str, Any]
"""By name: a number, a sequence of numbers, or a sequence of rows of equal length."""


@dataclass(frozen=True, slots=True)
class Element:
    """What a name, or an item of a vector, stands for.

    `whole` is between what whole numbers it lies, if it always is one; `values` are those of a
    categorical gene, which is no number but can be compared.
    """

    node: Node
    whole: tuple[int, int] | None = None
    values: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Genes:
    """Genes of one kind that lie side by side; a single one has no length."""

    start: int
    length: int | None
    whole: tuple[int, int] | None = None
    values: tuple[Any, ...] | None = None
    numbers: Table | None = None
    """The values of a categorical gene all of whose values are numbers."""
    limits: tuple[float, float] | None = None
    """Bounds of genes of which rows hold the natural logarithm."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return how many items there are in each dimension."""
        return () if self.length is None else (self.length,)

    def at(self, indices: Sequence[Index]) -> Element:
        """Return the item at an index that lies inside."""
        place = Index(self.start)
        for index in indices:
            place = place.plus(index)
        gene = GeneAt(place)
        if self.limits is not None:
            low, high = map(Number, self.limits)
            return Element(Call("max", (low, Call("min", (high, Call("exp", (gene,)))))))
        if self.numbers is None:
            return Element(gene, self.whole, self.values)
        assert self.values is not None
        chosen = whole_index(gene, (0, len(self.values) - 1))
        return Element(TableAt(self.numbers, (chosen,)), _whole_range(self.values))


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number, vector or matrix of the author's."""

    table: Table
    whole: tuple[int, int] | None

    @property
    def shape(self) -> tuple[int, ...]:
        """Return how many items there are in each dimension."""
        return self.table.shape

    def at(self, indices: Sequence[Index]) -> Element:
        """Return the item at indices that lie inside."""
        if any(index.terms for index in indices):
            return Element(TableAt(self.table, tuple(indices)), self.whole)
        place = 0
        for index, length in zip(indices, self.shape, strict=True):
            place = place * length + index.constant
        (number,) = struct.unpack_from("<d", self.table.data, 8 * place)
        return Element(Number(number))


Symbol = Genes | Parameter


def whole_index(source: GeneAt | TableAt, whole: tuple[int, int]) -> Index:
    """Return the index that a gene or an item of a table is, both whole numbers."""
    return Index(0, ((WholeAt(source, *whole), 1),))


def symbols_of(genes: Sequence[Any], parameters: Parameters) -> dict[str, Symbol]:
    """Return what each name means; faulty parameters are left out."""
    faulty = {name for name, _ in parameter_faults(parameters, genes)}
    found: dict[str, Symbol] = {
        name: Parameter(_table(name, value), _whole_range(_flat(value)))
        for name, value in parameters.items()
        if name not in faulty
    }
    start = 0
    for gene in genes:
        found[gene.name] = _genes(gene, start)
        start += gene.length
    if (every := _all_genes([found[gene.name] for gene in genes], start)) is not None:
        found[ALL_GENES] = every
    return found


def _all_genes(parts: Sequence[Symbol], length: int) -> Genes | None:
    """Return all genes as one vector, if they are numbers that are computed in one way."""
    genes = [part for part in parts if isinstance(part, Genes)]
    if any(each.values is not None for each in genes):
        return None
    limits = {each.limits for each in genes}
    if len(limits) > 1:
        return None
    if limits != {None}:
        return Genes(0, length, limits=limits.pop())
    wholes = [each.whole for each in genes if each.whole is not None]
    if not wholes or len(wholes) < len(genes):
        return Genes(0, length)
    return Genes(0, length, (min(low for low, _ in wholes), max(high for _, high in wholes)))


def _genes(gene: Any, start: int) -> Genes:
    match gene.type:
        case "permutation":
            return Genes(start, gene.length, (0, gene.length - 1))
        case "bit":
            return Genes(start, gene.count, (0, 1))
        case "integer":
            return Genes(start, gene.count, (math.ceil(gene.min), math.floor(gene.max)))
        case "categorical":
            values = tuple(gene.values)
            numbers = _table(gene.name, values) if all(map(_is_number, values)) else None
            return Genes(start, gene.count, (0, len(values) - 1), values, numbers)
    limits = (float(gene.min), float(gene.max)) if gene.scale == "log" else None
    return Genes(start, gene.count, limits=limits)


def is_reserved(name: str) -> bool:
    """Tell whether a gene cannot be called `name`, because expressions mean something by it."""
    return name in RESERVED or keyword.iskeyword(name)


def parameter_faults(parameters: Parameters, genes: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Yield each parameter that cannot be used, and what is wrong with it, as a sentence."""
    taken, total = {gene.name for gene in genes}, 0
    for name, value in parameters.items():
        if name in taken or is_reserved(name) or not name.isidentifier():
            yield name, f"the parameter {name} needs a name that means nothing else; rename it"
        elif message := _table_fault(value):
            yield name, f"the parameter {name} {message}"
        else:
            total += len(_flat(value))
            if total > MAX_NUMBERS:
                yield name, f"with {name} the parameters have more than {MAX_NUMBERS} numbers"


def _table_fault(value: Any) -> str | None:
    """Say what keeps a value from being a number, a vector or a matrix."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None if _is_number(value) else "is neither a number nor numbers"
    rows = [row for row in value if isinstance(row, Sequence) and not isinstance(row, str)]
    if rows and (len(rows) < len(value) or len({len(row) for row in rows}) > 1):
        return "is no matrix: all of its rows need the same number of numbers"
    items = _flat(value)
    if not items:
        return "is empty; give it at least one number"
    if not all(map(_is_number, items)):
        return "has an item that is not a finite number"
    return None


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _flat(value: Any) -> list[Any]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return [value]
    return [item for row in value for item in (row if isinstance(row, Sequence) else [row])]


def _table(name: str, value: Any) -> Table:
    items = [float(item) for item in _flat(value)]
    shape: tuple[int, ...] = ()
    if isinstance(value, Sequence):
        shape = (len(value),)
        if isinstance(value[0], Sequence):
            shape = (len(value), len(value[0]))
    return Table(name, shape, struct.pack(f"<{len(items)}d", *items))


def _whole_range(values: Sequence[Any]) -> tuple[int, int] | None:
    """Return between what numbers all values lie, if all are whole ones."""
    if not all(_is_number(value) and float(value).is_integer() for value in values):
        return None
    return int(min(values)), int(max(values))

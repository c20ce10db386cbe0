"""The tree of a fitness expression: the few things that one can say, as plain values.

Nothing here can be wrong: whoever builds a tree (`expressions`) has shown that its indices stay
inside their vectors and that its loops end. Refuses to read text and to compute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers that a document names: a vector or a matrix, as little-endian float64 in C order."""

    name: str
    shape: tuple[int, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Index:
    """An integer: constant + Σ coefficient · part, a part being a loop variable or a `WholeAt`."""

    constant: int
    terms: tuple[tuple[str | WholeAt, int], ...] = ()

    def plus(self, other: Index) -> Index:
        """Return the sum of two indices."""
        terms = dict(self.terms)
        for part, coefficient in other.terms:
            terms[part] = terms.get(part, 0) + coefficient
        kept = tuple((part, c) for part, c in terms.items() if c)
        return Index(self.constant + other.constant, kept)

    def times(self, factor: int) -> Index:
        """Return a multiple of the index."""
        terms = tuple((part, c * factor) for part, c in self.terms if factor)
        return Index(self.constant * factor, terms)


@dataclass(frozen=True, slots=True)
class GeneAt:
    """The gene at a position among all genes."""

    index: Index


@dataclass(frozen=True, slots=True)
class TableAt:
    """The number at a place of a table, one index for each of its dimensions."""

    table: Table
    indices: tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class WholeAt:
    """A gene or a table's item that is always a whole number, and between which it lies."""

    source: GeneAt | TableAt
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class Leading:
    """How many ones come before the first zero among `length` bits that begin at `start`."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Whole:
    """An index used as a number."""

    index: Index


@dataclass(frozen=True, slots=True)
class Negation:
    """The opposite of a number."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """An operation on two numbers."""

    operator: Literal["+", "-", "*", "/", "**"]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class WholePower:
    """A power with a constant whole exponent, computed by repeated squaring."""

    base: Node
    exponent: int


@dataclass(frozen=True, slots=True)
class Call:
    """One of the functions in `symbols.FUNCTIONS`."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """A sum or product over the integers from `start` up to, not including, `stop`, in order."""

    function: Literal["sum", "prod"]
    variable: str
    start: Index
    stop: Index
    body: Node


@dataclass(frozen=True, slots=True)
class Choice:
    """One number or another."""

    condition: Condition
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Comparison:
    """Numbers compared, each with the next: one operator fewer than sides."""

    operators: tuple[Literal["<", "<=", ">", ">=", "==", "!="], ...]
    sides: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Is:
    """A categorical gene has the value at a place of its list."""

    gene: GeneAt
    place: int


@dataclass(frozen=True, slots=True)
class Logic:
    """Conditions joined or negated."""

    operator: Literal["and", "or", "not"]
    operands: tuple[Condition, ...]


Condition = Comparison | Is | Logic
Node = (
    Number
    | GeneAt
    | TableAt
    | Whole
    | Leading
    | Negation
    | Binary
    | WholePower
    | Call
    | Fold
    | Choice
)

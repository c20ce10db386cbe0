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
class Index:
    """An integer known but for its loop variables: `constant + Σ coefficient · variable`."""

    constant: int
    terms: tuple[tuple[str, int], ...] = ()

    def plus(self, other: Index) -> Index:
        """Return the sum of two indices."""
        terms = dict(self.terms)
        for variable, coefficient in other.terms:
            terms[variable] = terms.get(variable, 0) + coefficient
        kept = tuple((v, c) for v, c in terms.items() if c)
        return Index(self.constant + other.constant, kept)

    def times(self, factor: int) -> Index:
        """Return a multiple of the index."""
        terms = tuple((v, c * factor) for v, c in self.terms if factor)
        return Index(self.constant * factor, terms)


@dataclass(frozen=True, slots=True)
class GeneAt:
    """The gene at a position among all genes."""

    index: Index


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
    """One of the functions in `expressions.FUNCTIONS`."""

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
    """Two numbers compared."""

    operator: Literal["<", "<=", ">", ">=", "==", "!="]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """Conditions joined or negated."""

    operator: Literal["and", "or", "not"]
    operands: tuple[Condition, ...]


Condition = Comparison | Logic
Node = Number | GeneAt | Whole | Negation | Binary | WholePower | Call | Fold | Choice

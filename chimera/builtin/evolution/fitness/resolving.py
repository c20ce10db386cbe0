"""What names, items of vectors and indices stand for, each index shown to stay inside.

Refuses arithmetic with numbers and conditions: `reader` has those.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from chimera.builtin.evolution.fitness.symbols import ALL_GENES, Element, Symbol, whole_index
from chimera.builtin.evolution.fitness.tree import GeneAt, Index, Number, TableAt, Whole

MAX_INDEX = 2**31

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv)

_ZERO = Number(0.0)
_NOTHING = Element(_ZERO, (0, 0))


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop of the generated code, by its variable, and what its name in the text stands for."""

    variable: str
    lowest: int
    highest: int
    item: Element


@dataclass
class Resolver:
    """Resolves names and indices, collecting faults; what is faulty becomes zero."""

    symbols: Mapping[str, Symbol]
    faults: list[str] = field(default_factory=list)
    work: int = 0
    """Operations so far, for one candidate."""
    loops: dict[str, Loop] = field(default_factory=dict)
    """The loops that the reader is inside of, by their names in the text."""
    repeats: int = 1
    """How often what is being read is computed."""

    def fault(self, message: str) -> Number:
        """Keep what is wrong."""
        self.faults.append(message)
        return _ZERO

    def element(self, node: ast.expr) -> Element:
        """Resolve a name, or an item of a vector or matrix."""
        places: list[ast.expr] = []
        match node:
            case ast.Name(id=name):
                if loop := self.loops.get(name):
                    return loop.item
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Tuple(elts=places)):
                pass
            case ast.Subscript(value=ast.Name(id=name), slice=place):
                places = [place]
            case _:
                self.fault(f"{shown(node)} is not part of the language of fitness expressions")
                return _NOTHING
        symbol = self.symbols.get(name)
        if symbol is None:
            self._unknown(name)
        elif len(symbol.shape) != len(places):
            self._misused(name, symbol)
        else:
            return symbol.at(
                [self._inside(p, n, name) for p, n in zip(places, symbol.shape, strict=True)]
            )
        return _NOTHING

    def _unknown(self, name: str) -> None:
        if name == ALL_GENES:
            self.fault(
                "genes is no vector of numbers here: some are categorical, or have a scale of "
                "their own; use each by its name"
            )
        else:
            self.fault(f"{name} is neither a gene nor anything else that is known here")

    def _misused(self, name: str, symbol: Symbol) -> None:
        match len(symbol.shape):
            case 0:
                self.fault(f"{name} is not a vector; use it without an index")
            case 1:
                self.fault(f"{name} is a vector; use one of its items, or sum(… for g in {name})")
            case _:
                self.fault(f"{name} is a matrix; use one of its items, as in {name}[0, 0]")

    def _inside(self, position: ast.expr, length: int, name: str) -> Index:
        """Read an index and show that it stays inside."""
        index = self.index(position)
        lowest, highest = self.range_of(index)
        if lowest >= 0 and highest < length:
            return index
        range_ = str(lowest) if lowest == highest else f"{lowest} to {highest}"
        self.fault(
            f"{shown(position)} can be {range_}, but {name} has the items 0 to {length - 1}; "
            "change the index, or the range of the loop or the bounds of the genes in it"
        )
        return Index(0)

    def length_of(self, arguments: list[ast.expr]) -> Index:
        """Read the arguments of `len`."""
        match arguments:
            case [ast.Name(id=name)] if name in self.symbols and self.symbols[name].shape:
                return Index(self.symbols[name].shape[0])
        self.fault("len takes the name of a vector of genes or of a parameter")
        return Index(1)

    def index(self, node: ast.expr) -> Index:
        """Read a whole number: literals, loop variables, len, whole genes, + - * and // of them.

        One factor of a product is constant, and both sides of //.
        """
        found = self._index(node)
        ends = (*self.range_of(found), found.constant, *(c for _, c in found.terms))
        if max(map(abs, ends)) < MAX_INDEX:
            return found
        self.fault(f"{shown(node)} is too large for an index")
        return Index(0)

    def _index(self, node: ast.expr) -> Index:
        self.work += self.repeats
        match node:
            case ast.Constant(value=int(value)) if not isinstance(value, bool):
                return Index(value)
            case ast.Name() | ast.Subscript():
                return self._whole(node)
            case ast.Call(func=ast.Name(id="len"), args=arguments, keywords=[]):
                return self.length_of(arguments)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.index(operand).times(-1)
            case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _OPERATORS):
                found = _combined(op, self.index(left), self.index(right))
                if found is not None:
                    return found
        self.fault(f"{shown(node)} is not an index; indices are whole numbers and loop variables")
        return Index(0)

    def _whole(self, node: ast.Name | ast.Subscript) -> Index:
        """Read a loop variable, a gene or an item of a parameter as an index."""
        element = self.element(node)
        match element.node:
            case Whole(index):
                return index
            case Number(value) if value.is_integer():
                return Index(int(value))
            case GeneAt() | TableAt() as source if element.whole is not None:
                return whole_index(source, element.whole)
        self.fault(
            f"{shown(node)} is not an index: it can be any number; indices are whole numbers, "
            "loop variables, and integer, bit, categorical and permutation genes"
        )
        return Index(0)

    def range_of(self, index: Index) -> tuple[int, int]:
        """Return the least and the greatest value that an index can have."""
        bounds = {loop.variable: (loop.lowest, loop.highest) for loop in self.loops.values()}
        lowest = highest = index.constant
        for part, coefficient in index.terms:
            between = bounds[part] if isinstance(part, str) else (part.lowest, part.highest)
            ends = [coefficient * end for end in between]
            lowest, highest = lowest + min(ends), highest + max(ends)
        return lowest, highest


def _combined(op: ast.operator, a: Index, b: Index) -> Index | None:
    """Return an operation on two indices, if it is linear."""
    match op:
        case ast.Add():
            return a.plus(b)
        case ast.Sub():
            return a.plus(b.times(-1))
        case ast.Mult() if not a.terms:
            return b.times(a.constant)
        case ast.Mult() if not b.terms:
            return a.times(b.constant)
        case ast.FloorDiv() if not a.terms and not b.terms and b.constant > 0:
            return Index(a.constant // b.constant)
    return None


def shown(node: ast.AST) -> str:
    """Return the text of a part as messages show it."""
    text = ast.unparse(node)
    return text if len(text) <= 40 else text[:39] + "…"

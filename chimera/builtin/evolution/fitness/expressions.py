"""Fitness expressions: read from text into a small tree in which nothing can go wrong.

The text is Python's expression syntax, read by `ast` and never evaluated. Allowed: numbers, genes
by name (`x`, `w[2]`), all genes as `genes`, `pi` and `e`, + - * / **, comparisons with and, or,
not and `a if c else b`, the functions below, and `sum` and `prod` of a generator over a vector or a
range of integers. Everything else is a fault. Loops have bounds that are known from the text, every
index is shown to stay inside its vector, and length, depth and work are limited, so that an
expression always ends, touches nothing but its genes, and costs what can be said before it runs.

Refuses to know how a tree is computed (`generating`), and numba.
"""

from __future__ import annotations

import ast
import keyword
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chimera.builtin.evolution.fitness.tree import (
    Binary,
    Call,
    Choice,
    Comparison,
    Condition,
    Fold,
    GeneAt,
    Index,
    Logic,
    Negation,
    Node,
    Number,
    Whole,
    WholePower,
)
from chimera.builtin.evolution.kinds import Gene

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
RESERVED = frozenset({*FUNCTIONS, *CONSTANTS, ALL_GENES, "sum", "prod", "range", "len"})

MAX_DEPTH = 50
MAX_NODES = 1000
MAX_WORK = 1_000_000
"""Operations for one candidate."""
MAX_EXPONENT = 64


@dataclass(frozen=True, slots=True)
class Reading:
    """An expression that was read: its tree, or what is wrong with it."""

    tree: Node
    faults: tuple[str, ...]


def read_expression(text: str, genes: Sequence[Gene]) -> Reading:
    """Read `text` as a fitness over `genes`; every fault is a sentence without its place."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of Python's own style, about text that is not Python's
            parsed = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        return Reading(Number(0.0), (f"it cannot be read: {reason}",))
    except (RecursionError, MemoryError):
        return Reading(Number(0.0), ("it cannot be read: it is nested too deeply",))
    if fault := _too_large(parsed):
        return Reading(Number(0.0), (fault,))
    reader = _Reader(_vectors(genes))
    tree = reader.number(parsed)
    if reader.work > MAX_WORK:
        reader.fault(f"it takes {reader.work} operations for one candidate, more than {MAX_WORK}")
    return Reading(tree, tuple(dict.fromkeys(reader.faults)))


def _too_large(parsed: ast.AST) -> str | None:
    """Walk without recursion: what follows may recurse as deep as this allows."""
    nodes, level = 0, [parsed]
    for _ in range(MAX_DEPTH):
        nodes += len(level)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            break
    if level:
        return f"it is nested deeper than {MAX_DEPTH} levels"
    return f"it has more than {MAX_NODES} parts" if nodes > MAX_NODES else None


@dataclass(frozen=True, slots=True)
class _Vector:
    """Where a gene's values lie among all genes; a scalar has no length."""

    start: int
    length: int | None


def _vectors(genes: Sequence[Gene]) -> dict[str, _Vector]:
    found, start = {}, 0
    for gene in genes:
        found[gene.name] = _Vector(start, gene.count)
        start += gene.length
    return {**found, ALL_GENES: _Vector(0, start)}


@dataclass(frozen=True, slots=True)
class _Loop:
    """A loop's name in the text: an index, or an item of the vector that starts at `offset`."""

    variable: str
    lowest: int
    highest: int
    offset: int | None


_BINARY: Mapping[type[ast.operator], Literal["+", "-", "*", "/"]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
_COMPARISONS: Mapping[type[ast.cmpop], Literal["<", "<=", ">", ">=", "==", "!="]] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_ZERO = Number(0.0)


@dataclass
class _Reader:
    """Turns parsed syntax into a tree, collecting faults; a faulty part becomes zero."""

    vectors: Mapping[str, _Vector]
    faults: list[str] = field(default_factory=list)
    loops: dict[str, _Loop] = field(default_factory=dict)
    repeats: int = 1
    work: int = 0
    variables: int = 0

    def fault(self, message: str) -> Number:
        self.faults.append(message)
        return _ZERO

    def number(self, node: ast.expr) -> Node:
        self.work += self.repeats
        match node:
            case ast.Constant(value=value):
                return self._constant(value)
            case ast.Name(id=name):
                return self._name(name)
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                return self._item(name, index)
            case ast.IfExp(test=test, body=then, orelse=otherwise):
                return Choice(self.condition(test), self.number(then), self.number(otherwise))
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                return Choice(self.condition(node), Number(1.0), Number(0.0))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments)
        return self._arithmetic(node)

    def _arithmetic(self, node: ast.expr) -> Node:
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Negation(self.number(operand))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.number(operand)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self._power(left, right)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return Binary(_BINARY[type(op)], self.number(left), self.number(right))
        return self.fault(f"{_shown(node)} is not part of the language of fitness expressions")

    def condition(self, node: ast.expr) -> Condition:
        self.work += self.repeats
        match node:
            case ast.Compare(left=left, ops=operators, comparators=right):
                sides = [self.number(side) for side in (left, *right)]
                found = [
                    self._comparison(operator, sides[i], sides[i + 1])
                    for i, operator in enumerate(operators)
                ]
                return found[0] if len(found) == 1 else Logic("and", tuple(found))
            case ast.BoolOp(op=op, values=values):
                word: Literal["and", "or"] = "and" if isinstance(op, ast.And) else "or"
                return Logic(word, tuple(self.condition(value) for value in values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Logic("not", (self.condition(operand),))
        self.fault(f"{_shown(node)} is not a condition; compare it with something")
        return Comparison("==", _ZERO, _ZERO)

    def _comparison(self, operator: ast.cmpop, left: Node, right: Node) -> Comparison:
        if type(operator) not in _COMPARISONS:
            self.fault("numbers are compared with < <= > >= == or != only")
        return Comparison(_COMPARISONS.get(type(operator), "=="), left, right)

    def _constant(self, value: object) -> Number:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return self.fault(f"{value!r:.40} is not a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        return Number(number) if math.isfinite(number) else self.fault("a number is too large")

    def _name(self, name: str) -> Node:
        if name in CONSTANTS:
            return Number(CONSTANTS[name])
        if loop := self.loops.get(name):
            index = Index(0, ((loop.variable, 1),))
            if loop.offset is None:
                return Whole(index)
            return GeneAt(Index(loop.offset, index.terms))
        if vector := self.vectors.get(name):
            if vector.length is None:
                return GeneAt(Index(vector.start))
            return self.fault(
                f"{name} is a vector; use one of its items, or sum(… for g in {name})"
            )
        return self.fault(f"{name} is neither a gene nor anything else that is known here")

    def _item(self, name: str, position: ast.expr) -> Node:
        vector = self.vectors.get(name)
        if vector is None or vector.length is None:
            return self.fault(f"{name} is not a vector of genes")
        index = self.index(position)
        lowest, highest = self._range_of(index)
        if lowest < 0 or highest >= vector.length:
            shown = str(lowest) if lowest == highest else f"{lowest} to {highest}"
            return self.fault(
                f"{_shown(position)} can be {shown}, but {name} has the items 0 to "
                f"{vector.length - 1}"
            )
        return GeneAt(Index(index.constant + vector.start, index.terms))

    def _power(self, base: ast.expr, exponent: ast.expr) -> Node:
        raised = self.number(exponent)
        sign, power = (-1, raised.operand) if isinstance(raised, Negation) else (1, raised)
        if isinstance(power, Number) and power.value <= MAX_EXPONENT and power.value.is_integer():
            self.work += 12 * self.repeats
            return WholePower(self.number(base), sign * int(power.value))
        return Binary("**", self.number(base), raised)

    def _call(self, name: str, arguments: list[ast.expr]) -> Node:
        if name == "len":
            return Whole(self._length(arguments))
        if name in ("sum", "prod"):
            return self._fold("sum" if name == "sum" else "prod", arguments)
        if name not in FUNCTIONS:
            return self.fault(
                f"{name} is not a function here; there are {', '.join(sorted(FUNCTIONS))}"
            )
        least, most = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            count = str(least) if least == most else f"{least} to {most}"
            return self.fault(f"{name} takes {count} arguments, not {len(arguments)}")
        return Call(name, tuple(self.number(argument) for argument in arguments))

    def _length(self, arguments: list[ast.expr]) -> Index:
        match arguments:
            case [ast.Name(id=name)] if name in self.vectors:
                length = self.vectors[name].length
                if length is not None:
                    return Index(length)
        self.fault("len takes the name of a vector of genes")
        return Index(1)

    def _fold(self, function: Literal["sum", "prod"], arguments: list[ast.expr]) -> Node:
        match arguments:
            case [
                ast.GeneratorExp(
                    elt=body,
                    generators=[ast.comprehension(target=ast.Name(id=name), iter=over, ifs=[])],
                )
            ]:
                pass
            case _:
                return self.fault(
                    f"{function} takes one generator, as in {function}(g for g in genes)"
                )
        if name in RESERVED or name in self.vectors or name in self.loops:
            return self.fault(f"the loop variable {name} already means something else")
        start, stop, offset = self._iterated(over)
        lowest, highest = self._range_of(start)[0], self._range_of(stop)[1] - 1
        if highest < lowest:
            return Number(0.0 if function == "sum" else 1.0)
        self.variables += 1
        variable = f"i{self.variables}"
        outside = self.repeats
        self.loops[name] = _Loop(variable, lowest, highest, offset)
        self.repeats = min(outside * (highest - lowest + 1), 10 * MAX_WORK)
        found = self.number(body)
        self.repeats = outside
        del self.loops[name]
        return Fold(function, variable, start, stop, found)

    def _iterated(self, over: ast.expr) -> tuple[Index, Index, int | None]:
        """Return the first and the last but one index of a loop, and where its vector starts."""
        match over:
            case ast.Name(id=name) if name in self.vectors:
                vector = self.vectors[name]
                if vector.length is not None:
                    return Index(0), Index(vector.length), vector.start
            case ast.Call(func=ast.Name(id="range"), args=[stop], keywords=[]):
                return Index(0), self.index(stop), None
            case ast.Call(func=ast.Name(id="range"), args=[start, stop], keywords=[]):
                return self.index(start), self.index(stop), None
        self.fault(
            f"{_shown(over)} is neither a vector of genes nor range(stop) or range(start, stop)"
        )
        return Index(0), Index(1), None

    def index(self, node: ast.expr) -> Index:
        """Read an integer: literals, loop indices and len, with + - and * by a constant."""
        match node:
            case ast.Constant(value=int(value)) if not isinstance(value, bool) and value < 2**31:
                return Index(value)
            case ast.Name(id=name) if name in self.loops and self.loops[name].offset is None:
                return Index(0, ((self.loops[name].variable, 1),))
            case ast.Call(func=ast.Name(id="len"), args=arguments, keywords=[]):
                return self._length(arguments)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.index(operand).times(-1)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.index(left).plus(self.index(right))
            case ast.BinOp(left=left, op=ast.Sub(), right=right):
                return self.index(left).plus(self.index(right).times(-1))
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                a, b = self.index(left), self.index(right)
                if not a.terms or not b.terms:
                    return b.times(a.constant) if not a.terms else a.times(b.constant)
        self.fault(f"{_shown(node)} is not an index; indices are whole numbers and loop variables")
        return Index(0)

    def _range_of(self, index: Index) -> tuple[int, int]:
        """Return the least and the greatest value that an index can have."""
        bounds = {loop.variable: (loop.lowest, loop.highest) for loop in self.loops.values()}
        lowest = highest = index.constant
        for variable, coefficient in index.terms:
            ends = [coefficient * end for end in bounds[variable]]
            lowest, highest = lowest + min(ends), highest + max(ends)
        return lowest, highest


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 40 else text[:39] + "…"


def is_reserved(name: str) -> bool:
    """Tell whether a gene cannot be called `name`, because expressions mean something by it."""
    return name in RESERVED or keyword.iskeyword(name)

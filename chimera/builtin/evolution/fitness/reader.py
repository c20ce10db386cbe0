"""From parsed syntax to a tree: every name resolved, every index shown to stay inside.

Refuses to parse text and to limit its size; that is done before (`expressions`).
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from chimera.builtin.evolution.fitness.resolving import Loop, Resolver, shown
from chimera.builtin.evolution.fitness.symbols import (
    CONSTANTS,
    FUNCTIONS,
    RESERVED,
    Element,
    Genes,
    Symbol,
)
from chimera.builtin.evolution.fitness.tree import (
    Binary,
    Call,
    Choice,
    Comparison,
    Condition,
    Fold,
    GeneAt,
    Index,
    Is,
    Leading,
    Logic,
    Negation,
    Node,
    Number,
    Whole,
    WholePower,
)

MAX_WORK = 1_000_000
"""Operations for one candidate."""
MAX_EXPONENT = 64

Relation = Literal["<", "<=", ">", ">=", "==", "!="]

_BINARY: Mapping[type[ast.operator], Literal["+", "-", "*", "/"]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
_RELATIONS: Mapping[type[ast.cmpop], Relation] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_ZERO = Number(0.0)


class Reader(Resolver):
    """Turns parsed syntax into a tree, collecting faults; a faulty part becomes zero."""

    def number(self, node: ast.expr) -> Node:
        """Read a number."""
        self.work += self.repeats
        match node:
            case ast.Constant(value=value):
                return self._constant(value)
            case ast.Name(id=name) if name in CONSTANTS:
                return Number(CONSTANTS[name])
            case ast.Name() | ast.Subscript():
                return self._number_of(node)
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
        return self.fault(f"{shown(node)} is not part of the language of fitness expressions")

    def condition(self, node: ast.expr) -> Condition:
        """Read a condition."""
        self.work += self.repeats
        match node:
            case ast.Compare(left=left, ops=operators, comparators=right):
                return self._compared([left, *right], operators)
            case ast.BoolOp(op=op, values=values):
                word: Literal["and", "or"] = "and" if isinstance(op, ast.And) else "or"
                return Logic(word, tuple(self.condition(value) for value in values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Logic("not", (self.condition(operand),))
        if (element := self._categorical(node)) is not None and element.values is not None:
            self._not_compared(node, element.values)
        else:
            self.fault(f"{shown(node)} is not a condition; compare it with something")
        return Comparison(("==",), (_ZERO, _ZERO))

    def _compared(self, sides: Sequence[ast.expr], operators: Sequence[ast.cmpop]) -> Condition:
        if any(type(operator) not in _RELATIONS for operator in operators):
            self.fault("numbers are compared with < <= > >= == or != only")
        relations = tuple(_RELATIONS.get(type(operator), "==") for operator in operators)
        for side, other in (*pairwise(sides), *pairwise(reversed(sides))):
            if (element := self._categorical(side)) is not None:
                if len(sides) == 2 and relations[0] in ("==", "!="):
                    return self._chosen(element, other, negated=relations[0] == "!=")
                self.fault(f"{shown(side)} is categorical; compare it by == or != with a value")
                return Comparison(("==",), (_ZERO, _ZERO))
        return Comparison(relations, tuple(self.number(side) for side in sides))

    def _categorical(self, node: ast.expr) -> Element | None:
        """Return the categorical gene that an expression names, if it does."""
        match node:
            case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)):
                loop, symbol = self.loops.get(name), self.symbols.get(name)
                is_gene = isinstance(symbol, Genes) and symbol.values and not symbol.numbers
                if (loop and loop.item.values) or (not loop and is_gene):
                    element = self.element(node)
                    return element if element.values else None
        return None

    def _chosen(self, element: Element, other: ast.expr, *, negated: bool) -> Condition:
        """Read the comparison of a categorical gene with a value, or with another like it."""
        assert isinstance(element.node, GeneAt)
        assert element.values is not None
        found: Condition = Comparison(("==",), (_ZERO, _ZERO))
        match other:
            case ast.Constant(value=value) if _same(value) in map(_same, element.values):
                place = [_same(each) for each in element.values].index(_same(value))
                found = Is(element.node, place)
            case _ if (second := self._categorical(other)) and second.values == element.values:
                found = Comparison(("==",), (element.node, second.node))
            case _:
                values = ", ".join(map(repr, element.values))
                self.fault(f"{shown(other)} is none of the values {values:.200}")
        return Logic("not", (found,)) if negated else found

    def _constant(self, value: object) -> Number:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return self.fault(f"{value!r:.40} is not a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        return Number(number) if math.isfinite(number) else self.fault("a number is too large")

    def _number_of(self, node: ast.Name | ast.Subscript) -> Node:
        element = self.element(node)
        if element.values is None:
            return element.node
        return self._not_compared(node, element.values)

    def _not_compared(self, node: ast.expr, values: tuple[Any, ...]) -> Number:
        return self.fault(
            f"{shown(node)} is categorical and no number; compare it with one of its values, "
            f"as in {shown(node)} == {values[0]!r:.40}"
        )

    def _power(self, base: ast.expr, exponent: ast.expr) -> Node:
        raised = self.number(exponent)
        sign, power = (-1, raised.operand) if isinstance(raised, Negation) else (1, raised)
        if isinstance(power, Number) and _is_small_whole(power.value):
            self.work += 12 * self.repeats
            return WholePower(self.number(base), sign * int(power.value))
        return Binary("**", self.number(base), raised)

    def _call(self, name: str, arguments: list[ast.expr]) -> Node:
        if name == "len":
            return Whole(self.length_of(arguments))
        if name == "leading":
            return self._leading(arguments)
        if name in ("sum", "prod"):
            return self._fold("sum" if name == "sum" else "prod", arguments)
        if name not in FUNCTIONS:
            there = ", ".join(sorted({*FUNCTIONS, "leading", "len", "prod", "sum"}))
            return self.fault(f"{name} is not a function here; there are {there}")
        least, most = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            count = str(least) if least == most else f"{least} to {most}"
            return self.fault(f"{name} takes {count} arguments, not {len(arguments)}")
        return Call(name, tuple(self.number(argument) for argument in arguments))

    def _leading(self, arguments: list[ast.expr]) -> Node:
        match arguments:
            case [ast.Name(id=name)]:
                genes = self.symbols.get(name)
                if isinstance(genes, Genes) and genes.whole == (0, 1) and genes.length:
                    self.work += genes.length * self.repeats
                    return Leading(genes.start, genes.length)
        return self.fault("leading takes the name of a vector of bits")

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
        if name in RESERVED or name in self.symbols or name in self.loops:
            return self.fault(f"the loop variable {name} already means something else")
        start, stop, vector = self._iterated(over)
        lowest, highest = self.range_of(start)[0], self.range_of(stop)[1] - 1
        if highest < lowest:
            return Number(0.0 if function == "sum" else 1.0)
        variable = f"i{len(self.loops) + 1}"
        index = Index(0, ((variable, 1),))
        item = Element(Whole(index)) if vector is None else vector.at([index])
        outside = self.repeats
        self.loops[name] = Loop(variable, lowest, highest, item)
        self.repeats = min(outside * (highest - lowest + 1), 10 * MAX_WORK)
        found = self.number(body)
        self.repeats = outside
        del self.loops[name]
        return Fold(function, variable, start, stop, found)

    def _iterated(self, over: ast.expr) -> tuple[Index, Index, Symbol | None]:
        """Return the first and the last but one index of a loop, and the vector it goes over."""
        match over:
            case ast.Name(id=name) if name in self.symbols:
                symbol = self.symbols[name]
                if len(symbol.shape) == 1:
                    return Index(0), Index(symbol.shape[0]), symbol
            case ast.Call(func=ast.Name(id="range"), args=[stop], keywords=[]):
                return Index(0), self.index(stop), None
            case ast.Call(func=ast.Name(id="range"), args=[start, stop], keywords=[]):
                return self.index(start), self.index(stop), None
        self.fault(
            f"{shown(over)} is neither a vector of genes nor range(stop) or range(start, stop)"
        )
        return Index(0), Index(1), None


def _is_small_whole(value: float) -> bool:
    return abs(value) <= MAX_EXPONENT and value.is_integer()


def _same(value: object) -> tuple[bool, object]:
    """Return what equal values have in common: true is not the number 1."""
    return isinstance(value, bool), value

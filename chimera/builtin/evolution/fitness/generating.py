"""From a fitness expression's tree to the source of a function that numba compiles.

The source is built from the tree alone, never from the user's text: fixed names, numbers and
integers. Sums run in order of index. A part that is used twice is computed once, before the
statement that needs it; nothing has side effects, so that the branch not taken costs time only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

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

ENTRY = "fitness"


def source_of(tree: Node) -> str:
    """Return a module's source whose function `fitness` evaluates `tree` for a range of rows."""
    writer = _Writer(indent=2)
    value = writer.number(tree)
    writer.line(f"values[row] = {value}")
    return "\n".join(
        (
            f"def {ENTRY}(population, first, last, values):",
            "    for row in range(first, last):",
            *writer.lines,
            "",
        )
    )


def module_name(source: str) -> str:
    """Return the name of the module with this source: equal names, equal functions."""
    return f"fitness_{hashlib.sha256(source.encode()).hexdigest()[:32]}"


@dataclass
class _Writer:
    """Writes statements that prepare parts, and returns the text of what uses them."""

    indent: int
    lines: list[str] = field(default_factory=list)
    parts: int = 0

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def part(self, text: str) -> str:
        """Name a value, so that it is computed once."""
        self.parts += 1
        self.line(f"t{self.parts} = {text}")
        return f"t{self.parts}"

    def number(self, node: Node) -> str:
        match node:
            case Number(value):
                return repr(value)
            case GeneAt(index):
                return f"population[row, {_index(index)}]"
            case Whole(index):
                return f"float({_index(index)})"
            case Negation(operand):
                return f"(-{self.number(operand)})"
            case Binary():
                return self._binary(node)
            case WholePower(base, exponent):
                return self._whole_power(base, exponent)
            case Call(function, arguments):
                return self._call(function, [self.number(argument) for argument in arguments])
            case Choice(condition, then, otherwise):
                test = self.condition(condition)
                return f"({self.number(then)} if {test} else {self.number(otherwise)})"
            case Fold():
                return self._fold(node)

    def condition(self, node: Condition) -> str:
        match node:
            case Comparison(operator, left, right):
                return f"({self.number(left)} {operator} {self.number(right)})"
            case Logic("not", operands):
                return f"(not {self.condition(operands[0])})"
            case Logic(operator, operands):
                return f"({f' {operator} '.join(self.condition(part) for part in operands)})"

    def _binary(self, node: Binary) -> str:
        left, right = self.number(node.left), self.number(node.right)
        return (
            f"power({left}, {right})"
            if node.operator == "**"
            else f"({left} {node.operator} {right})"
        )

    def _call(self, function: str, arguments: list[str]) -> str:
        if function in ("min", "max"):
            text = arguments[0]
            for argument in arguments[1:]:
                text = f"{'smaller' if function == 'min' else 'larger'}({text}, {argument})"
            return text
        return f"{function}({arguments[0]})"

    def _whole_power(self, base: Node, exponent: int) -> str:
        """Multiply the squares that the exponent's binary digits name, the lowest first."""
        square, rest, factors = self.part(self.number(base)), abs(exponent), []
        while rest:
            if rest & 1:
                factors.append(square)
            rest >>= 1
            if rest:
                square = self.part(f"{square} * {square}")
        text = factors[0] if factors else "1.0"
        for factor in factors[1:]:
            text = f"({text} * {factor})"
        return f"(1.0 / {text})" if exponent < 0 else text

    def _fold(self, fold: Fold) -> str:
        result = self.part("0.0" if fold.function == "sum" else "1.0")
        self.line(f"for {fold.variable} in range({_index(fold.start)}, {_index(fold.stop)}):")
        self.indent += 1
        value = self.number(fold.body)
        self.line(f"{result} = {result} {'+' if fold.function == 'sum' else '*'} {value}")
        self.indent -= 1
        return result


def _index(index: Index) -> str:
    terms = [v if c == 1 else f"{c} * {v}" for v, c in index.terms]
    return " + ".join([*terms, str(index.constant)] if index.constant or not terms else terms)

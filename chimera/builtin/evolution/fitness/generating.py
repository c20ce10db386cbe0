"""From a fitness expression's tree to the source of a function that numba compiles.

The source is built from the tree alone, never from the user's text: fixed names, numbers and
integers. Sums run in order of index. A part that is used twice is computed once, before the
statement that needs it; nothing has side effects, so that the branch not taken costs time only.
What the author's parameters hold is bound to the names `p1`, `p2`, … beside the source, which
states their digests: equal sources, equal functions.

Over packed rows (`kernels/packed`) a sum or product of neighbouring bits is counted by words, and a
sum of bits times a parameter is looked up by bytes for all rows at once (`weigh`), in an order of
its own: where those sums round, they can differ in the last bits from the same over numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

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
    Table,
    TableAt,
    Whole,
    WholePower,
)

Form = Literal["fitness", "packed", "objectives"]
"""Which of the signatures in `kernels.evaluating` a source has; its function is called so, too."""

_ARGUMENTS = {
    "fitness": "population, first, last, values",
    "packed": "population, first, last, values",
    "objectives": "population, first, last, values, violations",
}


@dataclass(frozen=True, slots=True)
class Weights:
    """What `count` bits from gene `start` on weigh: a table's items from `offset` on."""

    table: Table
    offset: int
    start: int
    count: int


Constant = Table | Weights


@dataclass(frozen=True, slots=True)
class Source:
    """A module's text, and what the names `p1`, `p2`, … in it stand for."""

    form: Form
    text: str
    constants: tuple[Constant, ...]

    @property
    def name(self) -> str:
        """The name of the module with this source: equal names, equal functions."""
        return f"fitness_{hashlib.sha256(self.text.encode()).hexdigest()[:32]}"


def source_of(form: Form, trees: Sequence[Node], violations: Sequence[Node] = ()) -> Source:
    """Return the source that evaluates `trees` for a range of rows, one tree but for objectives.

    A row that violates something (`expressions.read_constraint`) has its sum of violations instead
    of a fitness, as `kernels.evaluating.INFEASIBLE` says, or beside its objectives.
    """
    writer = _Writer(indent=2, packed=form == "packed")
    if violations or form == "objectives":
        writer.line("v = 0.0")
    for violation in violations:
        writer.line(f"v = v + {writer.number(violation)}")
    values = [writer.number(tree) for tree in trees]
    if form == "objectives":
        for column, value in enumerate(values):
            writer.line(f"values[row, {column}] = {value}")
        writer.line("violations[row] = v")
    elif violations:
        writer.line(
            f"values[row] = {values[0]} if v == 0.0 else INFEASIBLE * (1.0 + v / (1.0 + v))"
        )
    else:
        writer.line(f"values[row] = {values[0]}")
    lines = [
        *(f"# p{i}: {_described(each)}" for i, each in enumerate(writer.constants, 1)),
        f"def {form}({_ARGUMENTS[form]}):",
        *writer.sums,
        "    for row in range(first, last):",
        *writer.lines,
        "",
    ]
    return Source(form, "\n".join(lines), tuple(writer.constants))


def _described(constant: Constant) -> str:
    table = constant if isinstance(constant, Table) else constant.table
    shown = f"{table.shape} sha256:{hashlib.sha256(table.data).hexdigest()}"
    if isinstance(constant, Weights):
        return (
            f"{constant.count} from {constant.offset} on of {shown}, for bits {constant.start} on"
        )
    return shown


@dataclass
class _Writer:
    """Writes statements that prepare parts, and returns the text of what uses them."""

    indent: int
    packed: bool
    lines: list[str] = field(default_factory=list)
    constants: list[Constant] = field(default_factory=list)
    parts: int = 0
    sums: list[str] = field(default_factory=list)
    """Statements before the loop over rows, of what is computed for all rows at once."""
    scopes: list[dict[Node, str]] = field(default_factory=lambda: [{}])
    """Folds that are computed already, for each loop that the writer is inside of."""

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def part(self, text: str) -> str:
        """Name a value, so that it is computed once."""
        self.parts += 1
        self.line(f"t{self.parts} = {text}")
        return f"t{self.parts}"

    def constant(self, constant: Constant) -> str:
        """Name what the source does not spell out."""
        if constant not in self.constants:
            self.constants.append(constant)
        return f"p{self.constants.index(constant) + 1}"

    def number(self, node: Node) -> str:
        match node:
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
            case _:
                return self._leaf(node)

    def _leaf(self, node: Number | GeneAt | TableAt | Whole | Leading) -> str:
        match node:
            case Number(value):
                return repr(value)
            case GeneAt(index):
                return f"float({self._gene(index)})" if self.packed else self._gene(index)
            case TableAt(table, indices):
                places = ", ".join(self.index(index) for index in indices)
                return f"{self.constant(table)}[{places}]"
            case Whole(index):
                return f"float({self.index(index)})"
            case Leading(start, length):
                return f"float(leading_ones(population, row, {start}, {start + length}))"

    def condition(self, node: Condition) -> str:
        match node:
            case Comparison(operators, sides):
                first, *others = [self.number(side) for side in sides]
                rest = [f" {op} {side}" for op, side in zip(operators, others, strict=True)]
                return f"({first}{''.join(rest)})"
            case Is(gene, place):
                return f"({self.number(gene)} == {float(place)})"
            case Logic("not", operands):
                return f"(not {self.condition(operands[0])})"
            case Logic(operator, operands):
                return f"({f' {operator} '.join(self.condition(part) for part in operands)})"

    def index(self, index: Index) -> str:
        terms = []
        for part, coefficient in index.terms:
            text = part if isinstance(part, str) else f"int({self.number(part.source)})"
            terms.append(text if coefficient == 1 else f"{coefficient} * {text}")
        return " + ".join([*terms, str(index.constant)] if index.constant or not terms else terms)

    def _gene(self, index: Index) -> str:
        place = self.index(index)
        return f"bit(population, row, {place})" if self.packed else f"population[row, {place}]"

    def _binary(self, node: Binary) -> str:
        left, right = self.number(node.left), self.number(node.right)
        if node.operator == "**":
            return f"power({left}, {right})"
        if node.operator == "/":
            right = f"float({right})"  # not Python's own, which would raise where it divides by 0
        return f"({left} {node.operator} {right})"

    def _call(self, function: str, arguments: list[str]) -> str:
        if function not in ("min", "max"):
            return f"{function}({arguments[0]})"
        word = "smaller" if function == "min" else "larger"
        text = arguments[0]
        for argument in arguments[1:-1]:
            text = self.part(f"{word}({text}, {argument})")
        return f"{word}({text}, {arguments[-1]})"

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
        for scope in self.scopes:
            if fold in scope:
                return scope[fold]
        counted = self._counted(fold) if self.packed else None
        found = self._loop(fold) if counted is None else self.part(counted)
        self.scopes[-1][fold] = found
        return found

    def _loop(self, fold: Fold) -> str:
        result = self.part("0.0" if fold.function == "sum" else "1.0")
        start, stop = self.index(fold.start), self.index(fold.stop)
        self.line(f"for {fold.variable} in range({start}, {stop}):")
        self.indent += 1
        self.scopes.append({})
        value = self.number(fold.body)
        held = self._held(fold, value)
        self.line(f"{result} = {result} {'+' if fold.function == 'sum' else '*'} {held}")
        self.scopes.pop()
        self.indent -= 1
        return result

    def _held(self, fold: Fold, value: str) -> str:
        """Have values that take long computed first, by a loop of their own; return one of them.

        A loop that adds in order is not vectorised, but one that fills an array is.
        """
        is_alone = self.indent == 3 and not _holds(fold.body, (Fold, Leading))
        is_fixed = not fold.start.terms + fold.stop.terms and fold.start.constant >= 0
        if not (is_alone and is_fixed and _holds(fold.body, Call)):
            return value
        held = f"h{len(self.sums) + 1}"
        self.sums.append(f"    {held} = empty({fold.stop.constant})")
        self.line(f"{held}[{fold.variable}] = {value}")
        start, stop = self.index(fold.start), self.index(fold.stop)
        self.lines.append(f"        for {fold.variable} in range({start}, {stop}):")
        return f"{held}[{fold.variable}]"

    def _counted(self, fold: Fold) -> str | None:
        """Return a fold over neighbouring bits as what counts or weighs them, if it is one."""
        match fold:
            case Fold("sum", variable, Index(start, ()), Index(stop, ()), Binary("*", left, right)):
                return self._weighed(variable, start, stop, left, right)
            case Fold(function, variable, start, stop, GeneAt(index)):
                before = _before(index, variable)
                if before is None:
                    return None
                between = f"{self.index(before.plus(start))}, {self.index(before.plus(stop))}"
                word = "ones" if function == "sum" else "all_ones"
                return f"float({word}(population, row, {between}))"
        return None

    def _weighed(self, variable: str, start: int, stop: int, left: Node, right: Node) -> str | None:
        match (left, right) if isinstance(left, TableAt) else (right, left):
            case TableAt(table, (item,)), GeneAt(index):
                offset, first = _before(item, variable), _before(index, variable)
                if offset is None or first is None or offset.terms or first.terms:
                    return None
                weights = Weights(
                    table, offset.constant + start, first.constant + start, stop - start
                )
                return f"{self._sums(weights)}[row - first]"
        return None

    def _sums(self, weights: Weights) -> str:
        """Name what all rows weigh."""
        constant, word = self.constant(weights), weights.start // 64
        line = f"    s{constant[1:]} = weigh(population, first, last, {constant}, {word})"
        if line not in self.sums:
            self.sums.append(line)
        return f"s{constant[1:]}"


def _holds(part: Any, kinds: type | tuple[type, ...]) -> bool:
    """Tell whether a tree has nodes of some kinds."""
    if isinstance(part, kinds):
        return True
    parts = part if isinstance(part, tuple) else ()
    if is_dataclass(part):
        parts = tuple(getattr(part, each.name) for each in fields(part))
    return any(_holds(each, kinds) for each in parts)


def _before(index: Index, variable: str) -> Index | None:
    """Return what is added to a loop's variable in an index, if that is how it is used."""
    terms = dict(index.terms)
    return index.plus(Index(0, ((variable, -1),))) if terms.get(variable) == 1 else None

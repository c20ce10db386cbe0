"""Fitness expressions: read from text into a small tree in which nothing can go wrong.

The text is Python's expression syntax, read by `ast` and never evaluated. Allowed: numbers, genes
by name (`x`, `w[2]`), all genes as `genes`, parameters by name (`price[i]`, `distance[i, j]`), `pi`
and `e`, + - * / **, comparisons with and, or, not and `a if c else b`, the functions of `symbols`,
`leading` (ones before the first zero of bits), and `sum` and `prod` of a generator over a vector or
a range of integers. Real, integer and bit genes are numbers; a categorical gene is one if all of
its values are, and is compared with them otherwise (`kind == "fast"`). An index is made of whole
numbers, loop variables, and genes and parameters that are whole numbers: `distance[tour[k],
tour[k + 1]]`; a categorical gene that is no number is the place of its value there.

Everything else is a fault. Loops have bounds that are known from the text, every index is shown to
stay inside its vector whatever the genes are, and length, depth and work are limited, so that an
expression always ends, touches nothing but its genes, and costs what can be said before it runs.

Refuses to know how a tree is computed (`generating`), and numba.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chimera.builtin.evolution.fitness.reader import MAX_WORK, Reader
from chimera.builtin.evolution.fitness.symbols import (
    Parameters,
    is_reserved,
    parameter_faults,
    symbols_of,
)
from chimera.builtin.evolution.fitness.tree import (
    Binary,
    Call,
    Choice,
    Comparison,
    Condition,
    Logic,
    Node,
    Number,
)

__all__ = ["Reading", "is_reserved", "parameter_faults", "read_constraint", "read_expression"]

MAX_DEPTH = 50
MAX_NODES = 1000
TOLERANCE = 1e-6
"""Difference at which a constraint counts two numbers as equal, if its author says nothing else."""

_STRICTLY = Number(1e-9)
"""What two equal numbers violate a constraint by that wants them to differ."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An expression that was read: its tree, or what is wrong with it."""

    tree: Node
    faults: tuple[str, ...]


def read_expression(
    text: str, genes: Sequence[Any], parameters: Parameters | None = None
) -> Reading:
    """Read `text` as a fitness over `genes`; every fault is a sentence without its place.

    Parameters that are faulty themselves are unknown: see `symbols.parameter_faults`.
    """
    parsed, reader, fault = _prepared(text, genes, parameters)
    if fault is not None:
        return Reading(Number(0.0), (fault,))
    return _finished(reader, reader.number(parsed))


def read_constraint(
    text: str,
    genes: Sequence[Any],
    parameters: Parameters | None = None,
    tolerance: float = TOLERANCE,
) -> Reading:
    """Read `text` as a condition; the tree is by how much a candidate violates it.

    It is 0 where the condition is met. The violation of `a <= b` is max(0, a - b), that of `a == b`
    max(0, |a - b| - tolerance), that of conditions joined by `and` the sum, by `or` the least.
    Conditions without a measure (`!=`, `not`, a categorical gene's value) are violated by 1.
    """
    parsed, reader, fault = _prepared(text, genes, parameters)
    if fault is not None:
        return Reading(Number(0.0), (fault,))
    condition = reader.condition(parsed)
    return _finished(reader, _violation(condition, tolerance))


def _prepared(
    text: str, genes: Sequence[Any], parameters: Parameters | None
) -> tuple[ast.expr, Reader, str | None]:
    reader = Reader(symbols_of(genes, parameters or {}))
    parsed: ast.expr = ast.Constant(0.0)
    fault = None
    try:
        with warnings.catch_warnings():
            # Python's opinion of style is about text that is not Python's.
            warnings.simplefilter("ignore")
            parsed = ast.parse(text.strip(), mode="eval").body
        fault = _too_large(parsed)
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        fault = f"it cannot be read: {reason}"
    except (RecursionError, MemoryError):
        fault = "it cannot be read: it is nested too deeply"
    return parsed, reader, fault


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


def _finished(reader: Reader, tree: Node) -> Reading:
    if reader.work > MAX_WORK:
        reader.fault(f"it takes {reader.work} operations for one candidate, more than {MAX_WORK}")
    return Reading(tree, tuple(dict.fromkeys(reader.faults)))


def _violation(condition: Condition, tolerance: float) -> Node:
    """Return by how much a condition is violated."""
    match condition:
        case Logic("and", operands):
            return _sum([_violation(operand, tolerance) for operand in operands])
        case Logic("or", operands):
            return _least([_violation(operand, tolerance) for operand in operands])
        case Comparison(operators, sides):
            return _sum(
                [
                    _difference(operator, sides[i], sides[i + 1], tolerance)
                    for i, operator in enumerate(operators)
                ]
            )
    return Choice(condition, Number(0.0), Number(1.0))


def _difference(operator: str, left: Node, right: Node, tolerance: float) -> Node:
    match operator:
        case "<=":
            return _positive(Binary("-", left, right))
        case ">=":
            return _positive(Binary("-", right, left))
        case "<":
            return _unless(Comparison(("<",), (left, right)), Binary("-", left, right))
        case ">":
            return _unless(Comparison((">",), (left, right)), Binary("-", right, left))
        case "==":
            apart = Call("abs", (Binary("-", left, right),))
            return _positive(Binary("-", apart, Number(tolerance)))
    return Choice(Comparison(("!=",), (left, right)), Number(0.0), Number(1.0))


def _positive(node: Node) -> Node:
    return Call("max", (Number(0.0), node))


def _unless(condition: Condition, by: Node) -> Node:
    return Choice(condition, Number(0.0), Binary("+", by, _STRICTLY))


def _sum(nodes: Sequence[Node]) -> Node:
    return _halved(nodes, lambda left, right: Binary("+", left, right))


def _least(nodes: Sequence[Node]) -> Node:
    return _halved(nodes, lambda left, right: Call("min", (left, right)))


def _halved(nodes: Sequence[Node], join: Callable[[Node, Node], Node]) -> Node:
    """Join by halves: what is nested stays shallow however many there are."""
    if len(nodes) == 1:
        return nodes[0]
    middle = len(nodes) // 2
    return join(_halved(nodes[:middle], join), _halved(nodes[middle:], join))

"""Changes of Python sources, found in their syntax trees: comparisons, constants, statements.

Every change is one that leaves Python, so that it is judged by tests and not by the compiler.
Refuses docstrings and annotations, which change nothing that runs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from chimera.proof.mutation.change import Replacement

_COMPARISONS: Mapping[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: (r"==", "!="),
    ast.NotEq: (r"!=", "=="),
    ast.Lt: (r"<", "<="),
    ast.LtE: (r"<=", "<"),
    ast.Gt: (r">", ">="),
    ast.GtE: (r">=", ">"),
    ast.Is: (r"\bis\b", "is not"),
    ast.IsNot: (r"\bis\s+not\b", "is"),
    ast.In: (r"\bin\b", "not in"),
    ast.NotIn: (r"\bnot\s+in\b", "in"),
}
_ARITHMETIC: Mapping[type[ast.operator], tuple[str, str]] = {
    ast.Add: (r"\+", "-"),
    ast.Sub: (r"-", "+"),
    ast.Mult: (r"\*", "/"),
    ast.Div: (r"/", "*"),
    ast.FloorDiv: (r"//", "*"),
    ast.Mod: (r"%", "*"),
    ast.Pow: (r"\*\*", "*"),
    ast.BitAnd: (r"&", "|"),
    ast.BitOr: (r"\|", "&"),
    ast.LShift: (r"<<", ">>"),
    ast.RShift: (r">>", "<<"),
}
_BOOLEAN: Mapping[type[ast.boolop], tuple[str, str]] = {
    ast.And: (r"\band\b", "or"),
    ast.Or: (r"\bor\b", "and"),
}
_DELETED = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Assert, ast.Delete)
_SWAPPED: Mapping[type[ast.stmt], str] = {ast.Break: "continue", ast.Continue: "break"}


def changes(source: bytes) -> Iterator[Replacement]:
    """Yield every change of a Python source; none of one that does not parse."""
    try:
        tree = ast.parse(source)
        source.decode("utf-8")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    yield from _Finder(source, tree).changes()


class _Finder:
    """Looks through one syntax tree."""

    def __init__(self, source: bytes, tree: ast.Module) -> None:
        self._source = source
        self._tree = tree
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def changes(self) -> Iterator[Replacement]:
        """Yield the changes of every node that is run."""
        waiting: list[ast.AST] = [self._tree]
        while waiting:
            node = waiting.pop()
            waiting += reversed(list(_run_parts(node)))
            yield from self._of(node)

    def _of(self, node: ast.AST) -> Iterator[Replacement]:
        if isinstance(node, ast.expr):
            yield from self._operators(node)
        if isinstance(node, ast.Constant):
            yield from self._constant(node)
        if isinstance(node, ast.If | ast.IfExp | ast.While) and not _is_endless(node):
            negated = f"not ({self._text(node.test)})"
            yield self._replaced(node.test, negated, "the condition is negated")
        if isinstance(node, ast.stmt):
            yield from self._statement(node)

    def _operators(self, node: ast.expr) -> Iterator[Replacement]:
        match node:
            case ast.Compare():
                sides = pairwise([node.left, *node.comparators])
                for op, (left, right) in zip(node.ops, sides, strict=True):
                    yield from self._between(left, right, *_COMPARISONS[type(op)])
            case ast.BinOp() if type(node.op) in _ARITHMETIC and not _is_text(node):
                yield from self._between(node.left, node.right, *_ARITHMETIC[type(node.op)])
            case ast.BoolOp():
                for left, right in pairwise(node.values):
                    yield from self._between(left, right, *_BOOLEAN[type(node.op)])
            case ast.UnaryOp(op=ast.Not()):
                start = self._start(node)
                blanks = re.match(rb"not\s*", self._source[start:])
                assert blanks is not None
                yield Replacement(start, start + blanks.end(), b"", "not is taken away")

    def _statement(self, node: ast.stmt) -> Iterator[Replacement]:
        match node:
            case ast.Return(value=ast.expr() as value) if not _is_none(value):
                yield self._replaced(value, "None", "None is returned")
            case ast.Break() | ast.Continue():
                swapped = _SWAPPED[type(node)]
                yield self._replaced(node, swapped, f"it becomes {swapped}")
            case _ if isinstance(node, _DELETED):
                yield self._replaced(node, "pass", "the statement is deleted")

    def _constant(self, node: ast.Constant) -> Iterator[Replacement]:
        match node.value:
            case bool():
                yield self._replaced(node, str(not node.value), f"it becomes {not node.value}")
            case int() if len(self._text(node)) <= 40:
                yield self._replaced(node, f"{node.value + 1}", "the number is one more")
                less = f"{node.value - 1}" if node.value else "(-1)"
                yield self._replaced(node, less, "the number is one less")
            case float() if abs(node.value) < 1e15:
                yield self._replaced(node, f"{node.value + 1!r}", "the number is one more")
            case str() if node.value:
                yield self._replaced(node, '""', "the text is emptied")
            case bytes() if node.value:
                yield self._replaced(node, 'b""', "the bytes are emptied")

    def _between(
        self, left: ast.expr, right: ast.expr, sign: str, other: str
    ) -> Iterator[Replacement]:
        """Yield the change of an operator, which stands between its operands."""
        start, end = self._end(left), self._start(right)
        between = self._source[start:end].decode("utf-8", "replace")
        found = re.search(sign, re.sub(r"#.*", lambda m: " " * len(m[0]), between))
        if found is not None and between.isascii():
            was = " ".join(found[0].split())
            at = start + found.start()
            yield Replacement(at, start + found.end(), other.encode(), f"{was} becomes {other}")

    def _replaced(self, node: ast.expr | ast.stmt, text: str, label: str) -> Replacement:
        return Replacement(self._start(node), self._end(node), text.encode(), label)

    def _text(self, node: ast.expr) -> str:
        return self._source[self._start(node) : self._end(node)].decode("utf-8")

    def _start(self, node: ast.expr | ast.stmt) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._starts[node.end_lineno - 1] + node.end_col_offset


def _run_parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the children of a node that are run: no annotation, no docstring, no part of a text."""
    if isinstance(node, ast.JoinedStr):
        return
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "type_params", "type_comment"}:
            continue
        parts = value if isinstance(value, list) else [value]
        for index, part in enumerate(parts):
            is_first = name == "body" and index == 0
            if isinstance(part, ast.AST) and not (is_first and _is_docstring(part)):
                yield part


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_endless(node: ast.If | ast.IfExp | ast.While) -> bool:
    return isinstance(node, ast.While) and isinstance(node.test, ast.Constant)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_text(node: ast.BinOp) -> bool:
    """Tell whether an operand is a text: what follows would be a TypeError, and no test's merit."""
    return any(
        isinstance(side, ast.JoinedStr)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str | bytes))
        for side in (node.left, node.right)
    )

"""Names with a dot in them, such as `variables.x`, written so that the engine does as CEL would.

To the engine each is one word: it forgets that `has(variables.x)` asks for no value, and can bind
no optional value. Strings and comments stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

OPAQUE = (
    r"(?:[bB]?[rR][bB]?(?:'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|\"[^\"\n]*\")"
    r"|'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\""
    r"|//[^\n]*)"
)
"""A string or a comment, which a change of an expression leaves as it is."""

_BEFORE, _AFTER = r"(?<![\w.])", r"(?!\w)"
_TEST = rf"{_BEFORE}has\s*\(\s*(?:{{}})\s*\)"


def with_tests(expression: str, names: Iterable[str]) -> str:
    """Write `has(NAME)` so that it holds for every value of the name; an error stays one."""
    return _replaced(expression, names, _TEST, _tested)


def without_tests(expression: str, names: Iterable[str]) -> str:
    """Write `has(NAME)` as what it is to a checker, with all else where it was."""
    return _replaced(expression, names, _TEST, lambda test: "true".ljust(len(test)))


def with_optionals(expression: str, names: Iterable[str]) -> str:
    """Write names as optional values where those are bound as lists, of one item or of none."""
    chosen = tuple(names)
    tested = with_tests(expression, chosen)
    return _replaced(tested, chosen, rf"{_BEFORE}(?:{{}}){_AFTER}", lambda name: f"{name}[?0]")


def as_list(expression: str) -> str:
    """Return an expression that gives an optional value of another as a list."""
    return f"[?({expression}\n)]"


def _tested(test: str) -> str:
    return "([" + test[test.index("(") + 1 : -1].strip() + "] != [])"


def _replaced(expression: str, names: Iterable[str], form: str, write: Callable[[str], str]) -> str:
    chosen = [r"\s*\.\s*".join(map(re.escape, name.split("."))) for name in names if "." in name]
    if not chosen:
        return expression
    pattern = f"{OPAQUE}|(?P<found>{form.format('|'.join(chosen))})"
    return re.sub(
        pattern,
        lambda match: write(match[0]) if match["found"] else match[0],
        expression,
        flags=re.DOTALL | re.ASCII,
    )

"""`find` and `findAll`: RE2, as CEL's own `matches`, so no pattern takes more than linear time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from chimera.policy.functions.signature import Function


@lru_cache(256)
def _compiled(pattern: str) -> Any:
    import re2  # only where an expression calls it

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        raise ValueError(f"illegal regular expression: {error}") from error


def _find(text: str, pattern: str) -> str:
    found = _compiled(pattern).search(text)
    return found[0] if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    """Return the matches in their order, at most `limit` of them where that is not negative."""
    if limit == 0:
        return []
    found = []
    for match in _compiled(pattern).finditer(text):
        found.append(match[0])
        if len(found) == limit:
            break
    return found


FUNCTIONS = (
    Function("find", ((("string", "string"), "string"),), _find),
    Function(
        "findAll",
        ((("string", "string"), "list(string)"), (("string", "string", "int"), "list(string)")),
        _find_all,
    ),
)

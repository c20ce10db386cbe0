"""`find` and `findAll`: RE2, as CEL's own `matches`, so no pattern takes more than linear time.

Whoever else holds text against a pattern of somebody's compiles it here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from chimera.policy.functions.signature import Function


@lru_cache(256)
def compile_pattern(pattern: str) -> Any:
    """Return a pattern of RE2, as `re` has them; raises `ValueError` for what is none."""
    import re2  # only where somebody needs it

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        raise ValueError(f"illegal regular expression: {error}") from error


def _find(text: str, pattern: str) -> str:
    found = compile_pattern(pattern).search(text)
    return found[0] if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    """Return the matches in their order, at most `limit` of them where that is not negative."""
    if limit == 0:
        return []
    found = []
    for match in compile_pattern(pattern).finditer(text):
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

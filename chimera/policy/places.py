"""Where a finding stands: the narrowest field of the document that the rule's expression names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chimera.model import Route

# A field that is not called as a function, a quoted key, or a position in a list; with `?` each
# may be missing.
_STEPS = re.compile(
    r"""\.\??([A-Za-z_]\w*)(?!\w*\s*\() | \[\s*\??(?:'([^'\\]*)'|"([^"\\]*)"|(\d+))\s*\]""",
    re.VERBOSE,
)
_OBJECT = re.compile(r"(?<![\w.])object(?=[.\[])")


def narrowest(expression: str, value: Any) -> Route:
    """Return the longest route that `expression` names below `object` and that `value` has.

    Of routes of one length the first named is meant; the document itself if none is there.
    """
    routes = (_existing(route, value) for route in named_routes(expression))
    return max(routes, key=len, default=())


def named_routes(expression: str) -> Iterator[Route]:
    """Yield every route below `object` that an expression names, in its order."""
    for start in _OBJECT.finditer(expression):
        route, at = [], start.end()
        while step := _STEPS.match(expression, at):
            route.append(_segment(step))
            at = step.end()
        yield tuple(route)


def _segment(step: re.Match[str]) -> str | int:
    field, single, double, position = step.groups()
    return int(position) if position else next(t for t in (field, single, double) if t is not None)


def _existing(route: Route, value: Any) -> Route:
    for length, segment in enumerate(route):
        inside = (isinstance(value, dict) and segment in value) or (
            isinstance(value, list) and isinstance(segment, int) and segment < len(value)
        )
        if not inside:
            return route[:length]
        value = value[segment]
    return route

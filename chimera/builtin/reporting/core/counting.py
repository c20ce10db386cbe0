"""Counts of moments in the parts of a period, as charts show them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from chimera.runtime.reporting import Period
from chimera.state.periods import Moment


def is_hourly(parts: Sequence[Period]) -> bool:
    """Tell whether every part begins at a full hour in UTC, so that hours can be counted."""
    return all(part.start.minute == part.start.second == 0 for part in parts)


def by_part(
    parts: Sequence[Period], moments: Iterable[Moment], name: Callable[[str], str]
) -> list[Mapping[str, int]]:
    """Return how many of what fall into each part; `name` is what something is counted as."""
    starts: list[datetime] = [part.start for part in parts]
    found: list[Counter[str]] = [Counter() for _ in parts]
    for moment in moments:
        # A minute that the first part begins in the middle of began before it.
        index = max(0, bisect_right(starts, moment.at) - 1)
        found[index][name(moment.what)] += moment.number
    return list(found)


def share(part: int, whole: int) -> float | None:
    """Return a ratio; that of nothing is none."""
    return part / whole if whole else None

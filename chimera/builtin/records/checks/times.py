"""What is asked of every moment of a record: an order, and that it has come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from chimera.builtin.records.checks.faults import Filed, contradiction
from chimera.context import is_to_come
from chimera.kinds import when
from chimera.model import Diagnostic, Related, Route

Timed = tuple[Route, str]
"""A moment, and its route in the spec."""


def in_order(
    record: Filed[Any], rule: str, what: str, moments: Sequence[Timed]
) -> Iterator[Diagnostic]:
    """Report each moment that is before the one written ahead of it."""
    for (before, earlier), (route, moment) in pairwise(moments):
        if when(moment) < when(earlier):
            yield contradiction(
                record,
                rule,
                f"{what} is of {moment}, and stands after one of {earlier}",
                route,
                "put them in order of time, or mend the time that is wrong",
                Related("the one before it is here", record.at(*before)),
            )


def not_before(
    record: Filed[Any], rule: str, first: Timed, others: Iterable[Timed | None]
) -> Iterator[Diagnostic]:
    """Report each moment that is before the one with which the record begins."""
    for other in others:
        if other is not None and when(other[1]) < when(first[1]):
            yield contradiction(
                record,
                rule,
                f"{other[1]} is before {first[1]}, when it began",
                other[0],
                "mend the time that is wrong",
                Related("it began here", record.at(*first[0])),
            )


def to_come(
    record: Filed[Any], rule: str, moments: Iterable[Timed | None], now: datetime
) -> Iterator[Diagnostic]:
    """Report each moment that is yet to come, by more than clocks may differ."""
    for timed in moments:
        if timed is not None and is_to_come(when(timed[1]), now):
            yield contradiction(
                record,
                rule,
                f"{timed[1]} has not come yet",
                timed[0],
                "a record says what happened: write when it did",
            )

"""Indicators: many measurements made into one value, which of them are bad, and the error budget.

Sources: SRE Book, chapter 4 (indicators and objectives); SRE Workbook, chapter 5 (burn rates):
https://sre.google/workbook/alerting-on-slos/. Refuses to say anything of too few measurements.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chimera.builtin.services.objectives.measurements import Measurement
    from chimera.builtin.services.spec.objective import BurnAlert, ObjectiveSpec

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Budget:
    """The error budget: of `total` measurements a share of `allowed` may be bad, and `bad` are."""

    allowed: float
    total: int
    bad: int

    @property
    def spent(self) -> float:
        """Which part of it is used up; more than 1 where the objective is missed."""
        return self.bad / self.total / self.allowed

    @property
    def left(self) -> float:
        """Which part of it is left; below 0 where the objective is missed."""
        return 1 - self.spent


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast the budget is used up over two windows; 1 uses it up exactly in the whole window.

    A rate is `None` where nothing was measured in its window.
    """

    alert: BurnAlert
    limit: float
    long: float | None
    short: float | None

    @property
    def is_passed(self) -> bool:
        """Tell whether somebody is to be told: both windows burn faster than the limit."""
        return all(rate is not None and rate > self.limit for rate in (self.long, self.short))


def percentile(measured: Sequence[Measurement], rank: float) -> float:
    """Return a percentile by nearest rank.

    The least of the values that at least `rank` percent of them do not exceed: a value that was
    measured, never one between two. There is at least one, and `rank` is above 0 and at most 100.
    """
    left = math.ceil(Fraction(str(rank)) * number_of(measured) / 100)
    ordered = sorted(measured, key=lambda one: one.value)
    for one in ordered:
        left -= one.count
        if left <= 0:
            return one.value
    return ordered[-1].value


def number_of(measured: Iterable[Measurement]) -> int:
    """Return how many measurements there are."""
    return sum(one.count for one in measured)


def value_of(spec: ObjectiveSpec, measured: Sequence[Measurement]) -> float:
    """Return what the measurements of a whole window come to; none is good for a cadence alone."""
    kind = spec.indicator.type
    if kind == "cadence":
        return number_of(measured) / (spec.window / _DAY)
    if kind in {"latency", "count"}:
        return percentile(measured, spec.indicator.rank)
    return math.fsum(one.value * one.count for one in measured) / number_of(measured)


def is_bad(spec: ObjectiveSpec, measurement: Measurement) -> bool:
    """Tell whether one measurement uses up error budget."""
    if spec.indicator.type == "availability":
        return measurement.value < 1
    if spec.indicator.type == "error-rate":
        return measurement.value > 0
    return not spec.target.holds(measurement.value)


def budget_of(spec: ObjectiveSpec, measured: Sequence[Measurement]) -> Budget | None:
    """Return the error budget over a window; `None` where there is none, or nothing was measured.

    A utilisation, a cadence and a count are met or not: nothing of them may be bad for a while.
    """
    if not spec.allowed or not measured:
        return None
    bad = number_of(one for one in measured if is_bad(spec, one))
    return Budget(spec.allowed, number_of(measured), bad)


def burns_of(
    spec: ObjectiveSpec, measured: Sequence[Measurement], now: datetime
) -> tuple[Burn, ...]:
    """Return the burn rates over the windows of all alerts that fit into the objective's own.

    A budget share of `consumed` in the long window is a rate of `consumed` * window / long: 14.4
    for 2 % of 30 days in an hour.
    """
    if not spec.allowed:
        return ()
    return tuple(
        Burn(
            alert,
            round(alert.consumed * (spec.window / alert.long), 9),
            _rate(spec, measured, now, alert.long),
            _rate(spec, measured, now, alert.short),
        )
        for alert in spec.burn_alerts
        if alert.long <= spec.window
    )


def _rate(
    spec: ObjectiveSpec, measured: Sequence[Measurement], now: datetime, window: timedelta
) -> float | None:
    budget = budget_of(spec, [one for one in measured if now - window < one.at <= now])
    return None if budget is None else budget.spent

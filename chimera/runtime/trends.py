"""A straight line through measurements by least squares, how sure its slope is, and where it leads.

Formulas: Draper and Smith, Applied Regression Analysis (1998), chapter 1; the interval is Student's
at 95 %, for deviations that are independent and alike. Refuses to speak of fewer than five moments.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

LEAST = 5
"""Measurements at different moments, below which nothing is said."""

# Student's t at 0.975 for 1 to 30 degrees of freedom; beyond that by Cornish and Fisher.
_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Trend:
    """The line through `(x, y)` with a slope; `margin` is half the width of the slope's interval.

    `x` and `y` are the means of what was measured, on which the line turns.
    """

    x: float
    y: float
    slope: float
    margin: float
    measurements: int

    @property
    def direction(self) -> str:
        """`rising` or `falling` where the whole interval says so, and `unclear` otherwise."""
        if self.slope - self.margin > 0:
            return "rising"
        return "falling" if self.slope + self.margin < 0 else "unclear"

    def at(self, x: float) -> float:
        """Return the y of the line."""
        return self.y + self.slope * (x - self.x)

    def reaches(self, limit: float) -> tuple[float, float, float] | None:
        """Return the x at which a limit is reached: the line's, and the earliest and the latest.

        `None` where it is not clear that the line leads there. Both ends are by the ends of the
        slope's interval through the means.
        """
        away = limit - self.y
        if away == 0 or self.direction != ("rising" if away > 0 else "falling"):
            return None
        ends = [self.x + away / (self.slope + sign * self.margin) for sign in (-1, 1)]
        return self.x + away / self.slope, min(ends), max(ends)


def trend_of(points: Iterable[tuple[float, float]]) -> Trend | None:
    """Return the trend of measurements, or `None` where there are not enough of them."""
    found = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    if len({x for x, _ in found}) < LEAST:
        return None
    number = len(found)
    x = math.fsum(x for x, _ in found) / number
    y = math.fsum(y for _, y in found) / number
    spread = math.fsum((a - x) ** 2 for a, _ in found)
    slope = math.fsum((a - x) * (b - y) for a, b in found) / spread
    left = math.fsum((b - y - slope * (a - x)) ** 2 for a, b in found)
    error = math.sqrt(left / (number - 2) / spread)
    return Trend(x, y, slope, _quantile(number - 2) * error, number)


def _quantile(freedom: int) -> float:
    if freedom <= len(_T):
        return _T[freedom - 1]
    return _Z + (_Z**3 + _Z) / (4 * freedom) + (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / (96 * freedom**2)

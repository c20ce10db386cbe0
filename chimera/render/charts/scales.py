"""From numbers to places on an axis, and which numbers stand beside it.

Refuses to draw.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 5.0, 10.0)
_SIGNIFICANT = 4
_DECADES = 30.0
_TINY = 1e-3
_HUGE = 1e6
_GREATEST = 308


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `low` to `high`; `place` is 0 at the one and 1 at the other."""

    low: float
    high: float
    is_log: bool
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Return where `value` lies."""
        if self.is_log:
            low, high = math.log10(self.low), math.log10(self.high)
            return (math.log10(value) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)


def scale_of(values: Iterable[float], *, is_log: bool = False, ticks: int = 5) -> Scale:
    """Return a scale on which all of `values` lie, with about so many ticks.

    It is linear where a logarithmic one was asked for and a value is not positive.
    """
    found = [value for value in values if math.isfinite(value)]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    return _log(low, high, ticks) if is_log and low > 0 else _linear(low, high, ticks)


def _linear(low: float, high: float, ticks: int) -> Scale:
    if high - low <= max(abs(low), abs(high)) * 1e-12:
        room = abs(low) / 2 or 0.5
        low, high = low - room, high + room
    step = _step((high - low) / ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    marks = tuple(index * step + 0.0 for index in range(first, last + 1))
    return Scale(marks[0], marks[-1], False, marks)


def _step(least: float) -> float:
    """Return 1, 2 or 5 times a power of ten that is not below `least`."""
    power: float = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))


def _log(low: float, high: float, ticks: int) -> Scale:
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = max(last, first + 1)
    every = max(1, -(-(last - first) // ticks))
    first = max(first - first % every, -_GREATEST)
    last += -(last - first) % every
    marks = tuple(10.0**power for power in range(first, last + 1, every) if power <= _GREATEST)
    return Scale(marks[0], max(marks[-1], high), True, marks)


def spans_decades(values: Sequence[float]) -> bool:
    """Tell whether values are better seen by their logarithms."""
    return bool(values) and min(values) > 0 and max(values) / min(values) > _DECADES


def label(value: float) -> str:
    """Return a number as it stands beside an axis: 1200 is 1,200, 1e-8 is 1e-8."""
    if value == 0:
        return "0"
    if not _TINY <= abs(value) < _HUGE:
        mantissa, _, power = f"{value:.{_SIGNIFICANT - 1}e}".partition("e")
        digits = mantissa.rstrip("0").rstrip(".")
        return f"{digits}e{int(power)}"
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return text.replace("-", "\N{MINUS SIGN}") if value < 0 else text

"""How a number is shown with its unit: a share as a percentage, bytes and seconds in their powers.

Refuses digits that nobody could read at a glance: four that say something at most.
"""

from __future__ import annotations

import math

_MINUS = "\N{MINUS SIGN}"
_NARROW = "\N{NO-BREAK SPACE}"
_SIGNIFICANT = 4
_TINY, _HUGE = 1e-3, 1e15
_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")
_TIMES = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"))
_LEAST_TIME = (1e-6, "\N{MICRO SIGN}s")


def shown(value: float, unit: str = "") -> str:
    """Return a number as people read it: 0.999 is 99.9 % as a ratio, 5400 s are 1.5 h."""
    if not math.isfinite(value):
        return "undefined" if math.isnan(value) else "unbounded"
    if value < 0:
        return _MINUS + shown(-value, unit)
    if unit == "ratio":
        return f"{_percent(value)}{_NARROW}%"
    if unit == "bytes":
        return _bytes(value)
    if unit == "seconds":
        return _seconds(value)
    return f"{_digits(value)}{_NARROW}{unit}" if unit else _digits(value)


def _percent(value: float) -> str:
    """Return a share in percent; one that is short of 1 is never shown as 100."""
    text = _digits(value * 100)
    for places in range(2, 9):
        if value >= 1 or text != "100":
            return text
        text = _trimmed(f"{value * 100:.{places}f}")
    return text


def _digits(value: float) -> str:
    """Return a number that is not negative: whole ones whole, others with four digits."""
    if value == int(value) and value < _HUGE:
        return f"{int(value):,}"
    if not _TINY <= value < _HUGE:
        mantissa, _, power = f"{value:.{_SIGNIFICANT - 1}e}".partition("e")
        return f"{_trimmed(mantissa)}e{int(power)}"
    before = len(str(int(value))) if value >= 1 else 1
    return _trimmed(f"{value:,.{max(1, _SIGNIFICANT - before)}f}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _bytes(value: float) -> str:
    power = 0
    while value >= 1000 and power < len(_BYTES) - 1:
        value, power = value / 1000, power + 1
    return f"{_digits(value)}{_NARROW}{_BYTES[power]}"


def _seconds(value: float) -> str:
    size, name = next((each for each in _TIMES if value >= each[0]), _LEAST_TIME)
    if value == 0:
        size, name = 1.0, "s"
    return f"{_digits(value / size)}{_NARROW}{name}"

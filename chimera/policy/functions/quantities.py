"""Kubernetes' quantities: `100m`, `1.5Gi`, `2e3`, exact to a billionth.

Source: apimachinery's `resource.Quantity`: finer values are rounded away from zero, and binary
ones end at the largest 64-bit integer.
"""

from __future__ import annotations

import re
from typing import Any

from chimera.policy.functions.signature import QUANTITY, Function, Value, tag, untag, whole

_NANO = 10**9
_FORM = r"(?a)([+-]?)(\d*)(?:\.(\d*))?([a-zA-Z]{0,2})([+-]?\d{0,3})"
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_LONGEST = 1000
_LARGEST_BINARY = (2**63 - 1) * _NANO


def parse(text: str) -> int:
    """Return a quantity in billionths; raises `ValueError` for what is none."""
    found = re.fullmatch(_FORM, text) if len(text) <= _LONGEST else None
    if found is None or not (found[2] or found[3]):
        raise ValueError(f"{text[:50]!r} is not a quantity: write a number and a suffix, as in 5Gi")
    sign, digits, decimals, suffix, exponent = found.groups(default="")
    number, places = int(digits + decimals), len(decimals)
    binary = _BINARY.get(suffix) if not exponent else None
    if binary is not None:
        return _signed(sign, min(_rounded(number << binary, 9 - places), _LARGEST_BINARY))
    if exponent.lstrip("+-") and suffix in ("e", "E"):
        return _signed(sign, _rounded(number, 9 - places + int(exponent)))
    if exponent or suffix not in _DECIMAL:
        raise ValueError(f"{text[:50]!r} is not a quantity: unable to parse its suffix")
    return _signed(sign, _rounded(number, 9 - places + _DECIMAL[suffix]))


def _rounded(number: int, exponent: int) -> int:
    """Return number · 10^exponent, rounded up."""
    scale = 10 ** abs(exponent)
    return int(number * scale if exponent >= 0 else -(-number // scale))


def _signed(sign: str, value: int) -> int:
    return -value if sign == "-" else value


def _is_quantity(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _value(nano: int) -> Value:
    return tag(QUANTITY, str(nano))


def _nano(value: Any) -> int:
    return int(untag(QUANTITY, value))


def _operand(value: Any) -> int:
    """Return the second operand of a sum: a quantity or an integer."""
    return value * _NANO if isinstance(value, int) else _nano(value)


def _is_integer(value: Any) -> bool:
    number, rest = divmod(_nano(value), _NANO)
    return rest == 0 and -(2**63) <= number < 2**63


def _as_integer(value: Any) -> int:
    if not _is_integer(value):
        raise ValueError("cannot convert value to integer")
    return whole(_nano(value) // _NANO)


def _as_float(value: Any) -> float:
    try:
        return _nano(value) / _NANO
    except OverflowError:
        return float("inf") if _nano(value) > 0 else float("-inf")


def _sign(value: Any) -> int:
    return (_nano(value) > 0) - (_nano(value) < 0)


_SUMS = (((QUANTITY, QUANTITY), QUANTITY), ((QUANTITY, "int"), QUANTITY))
_SIGN = (((QUANTITY,), "int"),)

FUNCTIONS = (
    Function("quantity", ((("string",), QUANTITY),), lambda s: _value(parse(s)), member=False),
    Function("isQuantity", ((("string",), "bool"),), _is_quantity, member=False),
    Function("sign", _SIGN, _sign),
    Function("sign", _SIGN, _sign, member=False),
    Function("isInteger", (((QUANTITY,), "bool"),), _is_integer),
    Function("asInteger", (((QUANTITY,), "int"),), _as_integer),
    Function("asApproximateFloat", (((QUANTITY,), "double"),), _as_float),
    Function("add", _SUMS, lambda a, b: _value(_nano(a) + _operand(b))),
    Function("sub", _SUMS, lambda a, b: _value(_nano(a) - _operand(b))),
)


def compare(left: Any, right: Any) -> int:
    """Return -1, 0 or 1."""
    one, other = _nano(left), _nano(right)
    return (one > other) - (one < other)

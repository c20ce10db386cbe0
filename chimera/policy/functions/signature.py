"""How a function of the library is declared, and how a value of one of its types is represented.

CEL's engine knows no values of types that are not its own. So such a value is a map with one tag,
while expressions are checked with the type by its name: what mixes a quantity and a string does
not compile, and what slips through `dyn` finds no function that takes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

QUANTITY = "kubernetes.Quantity"
URL = "kubernetes.URL"
SEMVER = "kubernetes.Semver"
FORMAT = "kubernetes.NamedFormat"
AUTHORIZER = "kubernetes.authorization.Authorizer"
DECISION = "kubernetes.authorization.Decision"
IP = "net.IP"
CIDR = "net.CIDR"

Value = dict[str, Any]
"""A value of a type that CEL lacks: its type's name with what tells it from others of the type."""

_LARGEST = 2**63


class Function(NamedTuple):
    """A function by its name in expressions: what it takes, what that gives, and what it does.

    Types are written as CEL writes them (`int`, `list(string)`) or by their names above. A member
    is called on its first argument. `shared` says that the engine has functions of that name.
    """

    name: str
    overloads: tuple[tuple[tuple[str, ...], str], ...]
    run: Callable[..., Any]
    member: bool = True
    shared: bool = False


def tag(type: str, value: str) -> Value:
    """Return a value of `type`; equal values have equal text."""
    return {type: value}


def untag(type: str, value: Any) -> str:
    """Return the text of a value of `type`; raises `TypeError` for any other value."""
    text = value.get(type) if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(text, str):
        raise TypeError(f"no such overload: this is no {type}")
    return text


def whole(value: int) -> int:
    """Return an integer that CEL can hold; raises `OverflowError` for one that it cannot."""
    if not -_LARGEST <= value < _LARGEST:
        raise OverflowError("integer overflow")
    return value

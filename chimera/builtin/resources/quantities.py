"""Amounts of resources: whole numbers of the smallest unit that is told apart.

CPU is counted in thousandths of a core, memory in bytes, everything else (GPUs, named tokens) in
whole units, so that sums are exact. Text is written as Kubernetes writes quantities.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any

from chimera.kinds import BeforeValidator, Name, StringConstraints, WithJsonSchema, refuse

Amounts = Mapping[str, int]
"""How much of each resource, in its smallest unit; what is not named is none."""

_SUFFIXES = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}
_TEXT = re.compile(r"(\d{1,16}(?:\.\d{1,6})?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_SMALLEST = {"cpu": Decimal("0.001"), "memory": Decimal(1)}
_PRICED = {"cpu": 1000, "memory": 2**30}
AUTO = "auto"
_LARGEST = 2**53  # what JSON holds exactly


def read_quantity(value: object) -> str:
    """Return a quantity as text; a number is taken as it is written."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise refuse("resource-quantity-invalid", "this is not an amount; write 2, 500m or 4Gi")
    text = str(value)
    if not _TEXT.fullmatch(text):
        raise refuse(
            "resource-quantity-invalid", f"{text!r} is not an amount; write 2, 500m or 4Gi"
        )
    return text


def read_capacity(value: object) -> str:
    """Return a quantity as text, or `auto`."""
    return AUTO if value == AUTO else read_quantity(value)


_SCHEMA = [{"type": "string", "pattern": f"^{_TEXT.pattern}$"}, {"type": "number", "minimum": 0}]

Quantity = Annotated[str, BeforeValidator(read_quantity), WithJsonSchema({"anyOf": _SCHEMA})]
"""An amount: `2`, `0.5`, `500m`, `4Gi`."""

Capacity = Annotated[
    str,
    BeforeValidator(read_capacity),
    WithJsonSchema({"anyOf": [*_SCHEMA, {"const": "auto"}]}),
]
"""An amount, or `auto`: what can be measured."""

ResourceName = Annotated[Name, StringConstraints(max_length=64)]
"""`cpu`, `memory`, `gpu`, or the name of a token."""


def units(resource: str, text: str) -> int:
    """Return an amount in smallest units; raises `ValueError` for a part of one."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not an amount")
    count = Decimal(found[1]) * _SUFFIXES[found[2] or ""] / _SMALLEST.get(resource, Decimal(1))
    if count != count.to_integral_value():
        raise ValueError(f"{text} of {resource} is not a whole number of its smallest unit")
    if count > _LARGEST:
        raise ValueError(f"{text} of {resource} is more than can be counted")
    return int(count)


def all_units(written: Mapping[str, str]) -> dict[str, int]:
    """Return amounts in smallest units, by name of the resource; raises `ValueError`."""
    return {name: units(name, written[name]) for name in sorted(written)}


def shown(resource: str, amount: int) -> str:
    """Write an amount of smallest units in its shortest exact form."""
    if resource == "cpu":
        return f"{amount}m" if amount % 1000 else str(amount // 1000)
    if resource == "memory":
        for suffix in ("Ti", "Gi", "Mi", "Ki"):
            size = int(_SUFFIXES[suffix])
            if amount and amount % size == 0:
                return f"{amount // size}{suffix}"
    return str(amount)


def all_shown(amounts: Amounts) -> dict[str, str]:
    """Write amounts by name of the resource."""
    return {name: shown(name, amounts[name]) for name in sorted(amounts)}


def priced_units(resource: str) -> int:
    """Return how many smallest units a price is for: a core, a GiB, a GPU, a token."""
    return _PRICED.get(resource, 1)


def total(amounts: Iterable[Amounts]) -> dict[str, int]:
    """Return the sums, by name of the resource."""
    sums: dict[str, int] = {}
    for one in amounts:
        for name, amount in one.items():
            sums[name] = sums.get(name, 0) + amount
    return sums


def less(there: Amounts, taken: Amounts) -> dict[str, int]:
    """Return what is left of `there`, never below nothing."""
    return {name: max(0, amount - taken.get(name, 0)) for name, amount in there.items()}


def fits(asked: Amounts, there: Amounts) -> bool:
    """Tell whether `there` holds all that is asked."""
    return all(amount <= there.get(name, 0) for name, amount in asked.items())


def lacking(asked: Amounts, there: Amounts) -> dict[str, int]:
    """Return by how much `there` falls short, for the resources of which it does."""
    short = {name: amount - there.get(name, 0) for name, amount in sorted(asked.items())}
    return {name: amount for name, amount in short.items() if amount > 0}


def worded(amounts: Mapping[str, Any]) -> str:
    """Write amounts for a sentence: `2 of cpu and 4Gi of memory`."""
    texts = [f"{text} of {name}" for name, text in all_shown(amounts).items()]
    return " and ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:]))) or "nothing"

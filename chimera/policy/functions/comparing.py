"""The comparisons that quantities and semantic versions have by the same names."""

from __future__ import annotations

from typing import Any

from chimera.policy.functions import quantities, versions
from chimera.policy.functions.signature import QUANTITY, SEMVER, Function


def _compare(left: Any, right: Any) -> int:
    is_version = isinstance(left, dict) and SEMVER in left
    return versions.compare(left, right) if is_version else quantities.compare(left, right)


_BOOL = (((QUANTITY, QUANTITY), "bool"), ((SEMVER, SEMVER), "bool"))
_INT = (((QUANTITY, QUANTITY), "int"), ((SEMVER, SEMVER), "int"))

FUNCTIONS = (
    Function("isLessThan", _BOOL, lambda a, b: _compare(a, b) < 0),
    Function("isGreaterThan", _BOOL, lambda a, b: _compare(a, b) > 0),
    Function("compareTo", _INT, _compare),
)

"""Parameters: the values that they have where something is judged, and that these fit their types.

A value becomes a program of its own, a literal, so that expressions are checked against its type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chimera.kinds import Document, suggestion
from chimera.model import Diagnostic, Segment
from chimera.policy.kinds import ParameterType, PolicyParameter, PolicySpec

_NOTHING: Mapping[ParameterType, str] = {
    "boolean": "false",
    "integer": "0",
    "number": "0.0",
    "string": '""',
    "strings": "[]",
}
_ASKED: Mapping[ParameterType, str] = {
    "boolean": "true or false",
    "integer": "an integer",
    "number": "a number",
    "string": "a text",
    "strings": "a list of texts",
}


def values_in(spec: PolicySpec, environment: str) -> dict[str, Any]:
    """Return what every parameter of a policy is in the environment of that name."""
    values = {}
    for parameter in spec.parameters:
        values[parameter.name] = parameter.default
        for setting in parameter.settings:
            if setting.environment == f"Environment/{environment}":
                values[parameter.name] = setting.value
    return values


def literal(parameter: PolicyParameter, value: Any) -> str:
    """Return a value in CEL; an empty one in place of what does not fit, which is a fault."""
    if not _fits(parameter.type, value):
        return _NOTHING[parameter.type]
    if parameter.type == "number":
        return f"double({json.dumps(value)})"
    return json.dumps(value, ensure_ascii=False)


def parameter_faults(policy: Document[PolicySpec]) -> Iterator[Diagnostic]:
    """Yield every value that does not fit its parameter, and what is set twice or unknown."""
    known = {parameter.name: parameter for parameter in policy.spec.parameters}
    for number, parameter in enumerate(policy.spec.parameters):
        at = ("parameters", number)
        yield from _misfit(policy, parameter, parameter.default, *at, "default")
        seen: set[str] = set()
        for position, setting in enumerate(parameter.settings):
            where: tuple[Segment, ...] = (*at, "settings", position)
            yield from _misfit(policy, parameter, setting.value, *where, "value")
            if setting.environment in seen:
                yield _twice(policy, setting.environment, *where, "environment")
            seen.add(setting.environment)
    for number, case in enumerate(policy.spec.cases):
        for name, value in case.parameters.items():
            where = ("cases", number, "parameters", name)
            if name in known:
                yield from _misfit(policy, known[name], value, *where)
            else:
                yield _unknown(policy, name, sorted(known), *where)


def _fits(type_: ParameterType, value: Any) -> bool:
    match type_:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "strings":
            return isinstance(value, tuple)


def _misfit(
    policy: Document[PolicySpec], parameter: PolicyParameter, value: Any, *route: Segment
) -> Iterator[Diagnostic]:
    if not _fits(parameter.type, value):
        asked = _ASKED[parameter.type]
        yield Diagnostic(
            "policy-parameter-type",
            f"the parameter {parameter.name} takes {asked}, and this is {json.dumps(value)}",
            policy.at("spec", *route),
            f"write {asked}, or correct the type of the parameter",
            address=str(policy.address),
        )


def _twice(policy: Document[PolicySpec], environment: str, *route: Segment) -> Diagnostic:
    return Diagnostic(
        "policy-setting-duplicate",
        f"a second value for {environment}",
        policy.at("spec", *route),
        "keep one of the two",
        address=str(policy.address),
    )


def _unknown(
    policy: Document[PolicySpec], name: str, known: list[str], *route: Segment
) -> Diagnostic:
    return Diagnostic(
        "policy-parameter-unknown",
        f"the policy has no parameter {name!r}",
        policy.at("spec", *route),
        suggestion(name, known, f"it has: {', '.join(known) or 'none'}"),
        address=str(policy.address),
    )

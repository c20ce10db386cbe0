"""What a rule reads, told from its text, and so what its answer depends on.

Tells too much rather than too little: a name inside a text or a comment counts as read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from chimera.policy.candidates import OF_A_CHANGE
from chimera.policy.kinds import PolicyRule, PolicySpec

SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True, order=True)
class Reach:
    """What the answer of a rule depends on, besides its policy, environment and one document.

    `whole` means the other documents of the snapshot, `changing` what the document was and who
    changes it, which is nothing for one that does not change, and `timely` the time.
    """

    whole: bool
    changing: bool
    timely: bool


def reach_of(spec: PolicySpec, rule: PolicyRule) -> Reach:
    """Return what the answer of a rule depends on."""
    text = full_text(spec, rule)
    return Reach(
        spec.match.snapshot or reads(text, SNAPSHOT),
        bool(spec.match.changes) or any(reads(text, name) for name in OF_A_CHANGE),
        reads(text, "now"),
    )


def full_text(spec: PolicySpec, rule: PolicyRule) -> str:
    """Return all expressions that a rule is worked out from."""
    variables = {variable.name: variable.expression for variable in spec.variables}
    return "\n".join([*_own(rule), *(variables[name] for name in variables_of(spec, rule))])


def variables_of(spec: PolicySpec, rule: PolicyRule) -> tuple[str, ...]:
    """Return the variables that a rule needs, also through other variables, in their order."""
    text = "\n".join(_own(rule))
    needed: list[str] = []
    for variable in reversed(spec.variables):
        if _mentions(text, "variables", variable.name):
            needed.append(variable.name)
            text = f"{text}\n{variable.expression}"
    return tuple(reversed(needed))


def parameters_of(spec: PolicySpec, rule: PolicyRule) -> tuple[str, ...]:
    """Return the parameters that a rule needs, in their order."""
    text = full_text(spec, rule)
    names = (parameter.name for parameter in spec.parameters)
    return tuple(name for name in names if _mentions(text, "parameters", name))


def reads(text: str, name: str) -> bool:
    """Tell whether expressions may read the name, and not only a field that is called so."""
    return _as_name(name).search(text) is not None


def _own(rule: PolicyRule) -> Iterator[str]:
    yield rule.expression
    if rule.message_expression is not None:
        yield rule.message_expression


def _mentions(text: str, group: str, name: str) -> bool:
    return all(re.search(rf"\b{word}\b", text, re.ASCII) for word in (group, name))


@cache
def _as_name(name: str) -> re.Pattern[str]:
    # A field follows `x.`, `x).` or `x].`; after `in.` stands a name again, written from the root.
    return re.compile(rf"(?<!\w)(?:(?<![\w)\]]\.)|(?<=\bin\.)){name}(?!\w)", re.ASCII)

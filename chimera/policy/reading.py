"""What a rule reads, told from its text, and so what its answer depends on.

Tells too much rather than too little: a name inside a text or a comment counts as read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from chimera.model import Route, Segment
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


def fields_read(texts: Iterable[str]) -> frozenset[Route] | None:
    """Return the routes of one or two names below `object` that expressions can read.

    A third name is a field of each item of the list there, where no more is read of any. `None`
    where `object` is used otherwise than by writing out the name of one of its fields.
    """
    found: set[Route] = set()
    for text in texts:
        for name in _as_name("object").finditer(text):
            field = _FIELDS.match(text, name.end())
            if field is None:
                return None
            route = (field[1], field[2]) if field[2] else (field[1],)
            found |= {(*route, *inner) for inner in _of_each(text, field)} or {route}
    return frozenset(found)


def _of_each(text: str, field: re.Match[str]) -> set[Route]:
    """Return what is read of each item where a field is a list and a macro goes through it.

    Nothing where that cannot be told, as where an item is used itself.
    """
    macro = _MACRO.match(text, field.end()) if field[2] else None
    if macro is None:
        return set()
    named = {declared.start(1) for declared in _MACRO.finditer(text)}
    uses = (use for use in _as_name(macro[1]).finditer(text) if use.start() not in named)
    read = [_FIELDS.match(text, use.end()) for use in uses]
    return {(one[1],) for one in read if one} if all(read) else set()


def trimmed(value: Any, fields: frozenset[Route] | None) -> Any:
    """Return as much of a document as expressions see that read no more than `fields`."""
    if fields is None or not isinstance(value, dict):
        return value
    kept: dict[Any, Any] = {}
    for name, below in _tree(fields).items():
        if name in value:
            inner = value[name]
            kept[name] = _inside(inner, below) if below and isinstance(inner, dict) else inner
    return kept


def _inside(value: dict[Any, Any], tree: Mapping[Segment, tuple[Segment, ...]]) -> dict[Any, Any]:
    kept: dict[Any, Any] = {}
    for name, of_each in tree.items():
        if name in value:
            inner = value[name]
            kept[name] = _each(inner, of_each) if of_each and isinstance(inner, list) else inner
    return kept


def _each(items: list[Any], names: tuple[Segment, ...]) -> list[Any]:
    return [
        {name: item[name] for name in names if name in item} if isinstance(item, dict) else item
        for item in items
    ]


@cache
def _tree(fields: frozenset[Route]) -> Mapping[Segment, Mapping[Segment, tuple[Segment, ...]]]:
    """Return fields by their first and second names; without any below, all of one is read."""
    tree: dict[Segment, dict[Segment, tuple[Segment, ...]]] = {}
    whole = {route for route in fields if len(route) < _DEEPEST}
    for route in sorted(fields, key=str):
        above = (route[:length] for length in range(1, len(route)))
        if whole.isdisjoint(above):
            below = tree.setdefault(route[0], {})
            if len(route) > 1:
                below[route[1]] = (*below.get(route[1], ()), *route[2:])
    return tree


def _own(rule: PolicyRule) -> Iterator[str]:
    yield rule.expression
    if rule.message_expression is not None:
        yield rule.message_expression


def _mentions(text: str, group: str, name: str) -> bool:
    return all(re.search(rf"\b{word}\b", text, re.ASCII) for word in (group, name))


# A call is no field, and what follows a space, a comment or a `?` is left to CEL.
_FIELDS = re.compile(
    r"\.([A-Za-z_]\w*+)(?!\s*\(|\s*//)(?:\.([A-Za-z_]\w*+)(?!\s*\(|\s*//))?", re.ASCII
)

_MACRO = re.compile(r"\s*\.\s*(?:all|exists|exists_one)\s*\(\s*([A-Za-z_]\w*)\s*,", re.ASCII)
_DEEPEST = 3


@cache
def _as_name(name: str) -> re.Pattern[str]:
    # A field follows `x.`, `x).` or `x].`; after `in.` stands a name again, written from the root.
    return re.compile(rf"(?<!\w)(?:(?<![\w)\]]\.)|(?<=\bin\.)){name}(?!\w)", re.ASCII)

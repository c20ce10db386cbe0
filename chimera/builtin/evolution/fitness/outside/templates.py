"""Inputs of an operation or a workflow in which genes stand: `${genes.NAME}` and `${candidate}`.

A string that is exactly one of them takes the value and its type; inside a longer string the value
is written out. `$${` is a literal `${`. Refuses everything else between `${` and `}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from chimera.kinds import ValidationError
from chimera.model import Route, canonical_json

_TOKEN = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_GENE = re.compile(r"genes\.([A-Za-z][A-Za-z0-9_]*)(?:\.([0-9]{1,6}))?")
_WHOLE = "candidate"


def faults_in(value: Any, genes: Mapping[str, int | None]) -> Iterator[tuple[Route, str]]:
    """Yield the references that lead nowhere, and what is wrong with each.

    `genes` are lengths by name, `None` where a gene is no vector.
    """
    for route, text in _strings(value, ()):
        for match in _TOKEN.finditer(text):
            if match[0] != "$${" and (fault := _fault(match, genes)):
                yield route, fault


def _fault(match: re.Match[str], genes: Mapping[str, int | None]) -> str | None:
    if match[1] == _WHOLE:
        return None
    found = _GENE.fullmatch(match[1] or "")
    if found is None:
        return f"{match[0]} is neither ${{genes.NAME}} nor ${{candidate}}"
    name, position = found[1], found[2]
    if name not in genes:
        return f"there is no gene {name!r}"
    length = genes[name]
    if position is not None and (length is None or int(position) >= length):
        return f"the gene {name!r} has no item {position}"
    return None


def filled(value: Any, candidate: Mapping[str, Any]) -> Any:
    """Return inputs with their references replaced; a value is never read for references again."""
    return _replaced(value, lambda text: _filled(text, candidate))


def _filled(text: str, candidate: Mapping[str, Any]) -> Any:
    matches = list(_TOKEN.finditer(text))
    if len(matches) == 1 and matches[0][0] == text and text != "$${":
        return _value(matches[0], candidate)
    return _TOKEN.sub(
        lambda match: "${" if match[0] == "$${" else _written(_value(match, candidate)), text
    )


def _value(match: re.Match[str], candidate: Mapping[str, Any]) -> Any:
    if match[1] == _WHOLE:
        return dict(candidate)
    found = _GENE.fullmatch(match[1] or "")
    assert found is not None  # `faults_in` tells of all others
    value = candidate[found[1]]
    return value if found[2] is None else value[int(found[2])]


def _written(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value).decode()


def _replaced(value: Any, change: Callable[[str], Any]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _replaced(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replaced(item, change) for item in value]
    return value


def _strings(value: Any, route: Route) -> Iterator[tuple[Route, str]]:
    if isinstance(value, str):
        yield route, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strings(item, (*route, key))
    elif isinstance(value, Collection):
        for index, item in enumerate(value):
            yield from _strings(item, (*route, index))


def fitting(model: Any, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs with what the model wants as text written out: `${genes.x}` among arguments.

    What does not fit for other reasons is left as it is: whoever takes the inputs tells of it.
    """
    found: dict[str, Any] = _replaced(value, lambda text: text)
    try:
        model.model_validate(found)
    except ValidationError as error:
        for one in error.errors():
            if one["type"] == "string_type":
                _write_out(found, one["loc"])
    return found


def _write_out(value: Any, route: Sequence[Any]) -> None:
    """Replace what stands somewhere in JSON by its text."""
    *above, last = route
    try:
        for part in above:
            value = value[part]
        value[last] = _written(value[last])
    except (LookupError, TypeError):
        return  # the place is named by a model's words, such as one of several forms

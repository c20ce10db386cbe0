"""Files of other systems to values: YAML, JSON and front matter, with places.

A document of another system may be any value, not just a mapping. Refuses what `parse` refuses,
and of JSON what RFC 8259 does not have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from chimera.documents.parse import contents, parse_values, without_collector
from chimera.documents.portions import front_matter, is_json, is_markup, yaml_part
from chimera.documents.scan import CORE, Extensions, TooDeepError, decode, events, too_deep
from chimera.documents.spans import duplicate_keys
from chimera.documents.trees import Tree
from chimera.documents.values import clamped, judge_value
from chimera.model import Diagnostic, Span

Values = list[tuple[int, Any, bool]]
"""The values of a file with their indexes, and whether they are sound, as in `parse`."""


_BATCH = 500  # files whose bytes are held at once


def load_foreign(
    tree: Tree, paths: Sequence[str]
) -> Iterator[tuple[str, Values, list[Diagnostic]]]:
    """Yield each file's values and faults, in order; one that cannot be read has faults alone."""
    for start in range(0, len(paths), _BATCH):
        batch = list(paths[start : start + _BATCH])
        unreadable: list[Diagnostic] = []
        with without_collector():
            read = {p: parse_foreign(p, data) for p, data in contents(tree, batch, unreadable)}
        faults = {fault.where.path: [fault] for fault in unreadable}
        for path in batch:
            yield path, *read.get(path, ([], faults.get(path, [])))


def parse_foreign(
    path: str, data: bytes, extensions: Extensions = CORE
) -> tuple[Values, list[Diagnostic]]:
    """Read the values of one file, by its suffix; what cannot be read is reported and left out."""
    if is_json(path):
        return _parse_json(path, data)
    if not is_markup(path):
        return parse_values(path, data, extensions=extensions)
    part = front_matter(data)
    if part is None:
        return [], [
            Diagnostic(
                "front-matter-unclosed",
                "nothing closes the front matter that begins here",
                Span(path),
                "end it with a line of its own: ---",
            )
        ]
    if not part:
        return [], [
            Diagnostic(
                "front-matter-missing",
                "there is no front matter here",
                Span(path),
                "begin the file with --- and end the front matter with the same line",
            )
        ]
    return parse_values(path, part, extensions=extensions)


class _RepeatedKeyError(ValueError):
    """A mapping of a JSON file has a key twice."""


def _parse_json(path: str, data: bytes) -> tuple[Values, list[Diagnostic]]:
    decoded = decode(path, data)
    if isinstance(decoded, Diagnostic):
        return [], [decoded]
    text = decoded.text
    faults: list[Diagnostic] = []
    try:
        try:
            value = json.loads(text, object_pairs_hook=_mapping, parse_constant=_refuse_constant)
        except _RepeatedKeyError:
            faults += (fault for _, fault in duplicate_keys(path, text))
            value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        span = Span(path, error.lineno, error.colno)
        message = error.msg[:1].lower() + error.msg[1:]
        return [], [Diagnostic("json-syntax", message, span, "correct the JSON at this place")]
    except ValueError:
        message = "a number is no JSON: it is NaN, infinite, or thousands of digits long"
        fault = Diagnostic("json-syntax", message, Span(path), "write it as quoted text")
        return [], [*faults, fault]
    except RecursionError:
        return [], [_too_deep(path, text)]
    found = judge_value(path, 0, value)
    if found is None:
        return [], [*faults, _too_deep(path, text)]
    # `null` is a value of JSON, not the absence of a document.
    found = [] if value is None else found
    return [(0, clamped(value) if found else value, not faults and not found)], [*faults, *found]


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RepeatedKeyError
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _too_deep(path: str, text: str) -> Diagnostic:
    from yaml import YAMLError

    try:
        for _ in events(yaml_part(path, text.encode()).decode()):
            pass
    except TooDeepError as deep:
        return too_deep(Span(path, deep.line, deep.column))
    except YAMLError:
        pass
    return too_deep(Span(path))

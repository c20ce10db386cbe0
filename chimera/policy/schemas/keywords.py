"""Misspelt keywords of a JSON Schema, which the standard lets pass: they would ask for nothing.

Refuses to object to keywords of others that resemble none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chimera.kinds import nearest, shown
from chimera.model import Diagnostic, Place, Route, Severity
from chimera.policy.schemas.selecting import are_alike

Json = Any

_SCHEMA_IN = (
    *("additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if"),
    *("items", "not", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
)
_LIST_IN = ("allOf", "anyOf", "items", "oneOf", "prefixItems")
_MAPPING_IN = (
    *("$defs", "definitions", "dependencies", "dependentSchemas"),
    *("patternProperties", "properties"),
)
_OTHERS = """
$anchor $comment $dynamicAnchor $dynamicRef $id $recursiveAnchor $recursiveRef $ref $schema
$vocabulary const contentEncoding contentMediaType default dependentRequired deprecated description
enum example examples exclusiveMaximum exclusiveMinimum format maxContains maxItems maxLength
maxProperties maximum minContains minItems minLength minProperties minimum multipleOf pattern
readOnly required title type uniqueItems writeOnly
"""
_KNOWN = frozenset((*_SCHEMA_IN, *_LIST_IN, *_MAPPING_IN, *_OTHERS.split()))


def misspelt(files: Mapping[str, Json], places: Mapping[str, Place]) -> Iterator[Diagnostic]:
    """Yield a warning for each keyword that nobody knows and that resembles a known one."""
    for uri, schema in files.items():
        for route, value in _schemas(schema):
            for keyword in sorted(value.keys() - _KNOWN):
                near = nearest(keyword, _KNOWN)
                if near and are_alike(keyword, near):
                    yield Diagnostic(
                        "schema-keyword-unknown",
                        f"the keyword {shown(keyword)} asks for nothing: JSON Schema has none such",
                        places[uri].at(*route, keyword, on="key"),
                        f"did you mean {near}?",
                        Severity.WARNING,
                    )


def _schemas(schema: Json) -> Iterator[tuple[Route, dict[str, Json]]]:
    """Yield every schema of a file that is a mapping, with its route."""
    pending: list[tuple[Route, Json]] = [((), schema)]
    for route, value in pending:  # grows while it is read
        if not isinstance(value, dict):
            continue
        yield route, value
        pending += (((*route, name), value[name]) for name in _SCHEMA_IN if name in value)
        for name in _LIST_IN:
            inner = value.get(name)
            if isinstance(inner, list):
                pending += (((*route, name, n), one) for n, one in enumerate(inner))
        for name in _MAPPING_IN:
            inner = value.get(name)
            if isinstance(inner, dict):
                pending += (((*route, name, key), one) for key, one in inner.items())

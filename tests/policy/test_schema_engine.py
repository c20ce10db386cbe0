"""The engine as Chimera sets it up, held against jsonschema, the reference implementation.

Both must agree on what is valid, and on the paths of what is not.
"""

from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from chimera.model import Place
from chimera.policy.schemas.child import Bench
from chimera.policy.schemas.definition import DIALECTS, Definition
from chimera.policy.schemas.wording import Speaker

Json = Any
Path = tuple[str | int, ...]
ROOT = "https://tree.invalid/schema.json"


def ours(schema: Json, instance: Json, dialect: str = DIALECTS[0]) -> set[Path]:
    """The paths of what is wrong by our engine."""
    bench = Bench(jsonschema_rs)
    assert bench.compile(ROOT, {ROOT: schema}, dialect) == []
    return {tuple(fact["path"]) for fact in bench.judge(instance)["errors"]}


def reference(schema: Json, instance: Json, dialect: str = DIALECTS[0]) -> set[Path]:
    """The paths of what is wrong by the reference."""
    kind = jsonschema.validators.validator_for({"$schema": dialect})
    kind.check_schema(schema)
    checker = kind.FORMAT_CHECKER
    return {
        tuple(e.absolute_path) for e in kind(schema, format_checker=checker).iter_errors(instance)
    }


NAMES = st.sampled_from(["a", "b", "ab", "c"])
NUMBERS = st.integers(-5, 5) | st.sampled_from([0.5, 1.0, 2.5, -1.5])
SCALARS = st.none() | st.booleans() | NUMBERS | st.text("ab1é😀", max_size=4)
INSTANCES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
TYPES = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
COUNTS = st.integers(0, 3)
PATTERNS = st.sampled_from(["^a", "b$", "^[ab]+$", "1|é", "^.$", "a{2}", "^(a+)+$"])

LEAVES: dict[str, st.SearchStrategy[Json]] = {
    "const": INSTANCES,
    "dependentRequired": st.dictionaries(
        NAMES, st.lists(NAMES, unique=True, max_size=2), max_size=2
    ),
    "enum": st.lists(INSTANCES, min_size=1, max_size=3),
    "exclusiveMaximum": NUMBERS,
    "exclusiveMinimum": NUMBERS,
    "maxItems": COUNTS,
    "maxLength": COUNTS,
    "maxProperties": COUNTS,
    "maximum": NUMBERS,
    "minItems": COUNTS,
    "minLength": COUNTS,
    "minProperties": COUNTS,
    "minimum": NUMBERS,
    "multipleOf": st.sampled_from([1, 2, 3, 0.5]),
    "pattern": PATTERNS,
    "required": st.lists(NAMES, unique=True, max_size=2),
    "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
    "uniqueItems": st.booleans(),
}


def some_of(keywords: dict[str, st.SearchStrategy[Json]]) -> st.SearchStrategy[Json]:
    """Schemas of a few keywords: with many at once hardly any instance would be valid."""
    chosen = st.lists(st.sampled_from(sorted(keywords)), max_size=3, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({n: keywords[n] for n in names}))


def _larger(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    some = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(NAMES, inner, max_size=3)
    nodes = {
        "additionalProperties": inner | st.booleans(),
        "allOf": some,
        "anyOf": some,
        "contains": inner,
        "dependentSchemas": named,
        "else": inner,
        "if": inner,
        "items": inner,
        "not": inner,
        "oneOf": some,
        "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
        "prefixItems": some,
        "properties": named,
        "propertyNames": st.fixed_dictionaries(
            {}, optional={"maxLength": COUNTS, "pattern": PATTERNS}
        ),
        "then": inner,
    }
    references = st.sampled_from(["#/$defs/x", "#/$defs/y"])
    return some_of({**LEAVES, **nodes, "$ref": references})


# What references lead to holds none itself: the reference follows a circle forever.
LEAF_SCHEMAS = some_of(LEAVES)
SCHEMAS = st.recursive(LEAF_SCHEMAS, _larger, max_leaves=6)


@settings(max_examples=300, deadline=None)
@given(SCHEMAS, LEAF_SCHEMAS, LEAF_SCHEMAS, INSTANCES)
def test_generated_schemas_are_read_as_the_reference_reads_them(
    schema: dict[str, Json], x: Json, y: Json, instance: Json
) -> None:
    schema = {**schema, "$defs": {"x": x, "y": y}}
    found = ours(schema, instance)
    event("invalid" if found else "valid")
    assert found == reference(schema, instance)


def values_at(instance: Json, route: Path) -> Json:
    for segment in route:
        instance = instance[segment]
    return instance


@settings(max_examples=200, deadline=None)
@given(SCHEMAS, LEAF_SCHEMAS, LEAF_SCHEMAS, INSTANCES)
def test_whatever_is_wrong_is_said_at_a_place_that_the_document_has(
    schema: dict[str, Json], x: Json, y: Json, instance: Json
) -> None:
    schema = {"anyOf": [schema, {"oneOf": [schema, x]}], "$defs": {"x": x, "y": y}}
    bench = Bench(jsonschema_rs)
    assert bench.compile(ROOT, {ROOT: schema}, DIALECTS[0]) == []
    definition = Definition(ROOT, {ROOT: schema}, {ROOT: Place("schema.json")})
    facts = bench.judge(instance)["errors"]
    speaker = Speaker("Schema/s", instance, Place("x.json"), definition)
    said = [diagnostic for fact in facts for diagnostic in speaker.diagnostics(fact)]
    assert bool(said) == bool(facts)
    for diagnostic in said:
        values_at(instance, diagnostic.where.route)  # type: ignore[union-attr]
        (cited,) = diagnostic.related
        values_at(schema, cited.where.route)  # type: ignore[union-attr]
        assert diagnostic.message.isprintable()


NULL = {"type": "null"}
LIST = {"type": "array"}
TABLE: list[tuple[str, Json, Json, set[Path]]] = [
    ("2020", {"prefixItems": [NULL], "items": {"type": "integer"}}, [1, "a"], {(0,), (1,)}),
    ("2020", {"properties": {"a": True}, "unevaluatedProperties": False}, {"a": 1, "b": 2}, {()}),
    ("2020", {"allOf": [{"prefixItems": [True]}], "unevaluatedItems": False}, [1, 2], {()}),
    ("2020", {"$dynamicRef": "#n", "$defs": {"n": {"$dynamicAnchor": "n", **NULL}}}, 1, {()}),
    ("2020", {"$ref": "#n", "$defs": {"n": {"$anchor": "n", "type": "null"}}}, 1, {()}),
    ("2020", {"contains": {"const": 1}, "minContains": 2, "maxContains": 3}, [1, 2], {()}),
    ("2020", {"contains": {"const": 1}, "minContains": 0}, [], set()),
    ("2020", {"type": "integer"}, 1.0, set()),
    ("2020", {"const": 1}, True, {()}),
    ("2020", {"enum": [False]}, 0, {()}),
    ("2020", {"uniqueItems": True}, [1, True, 1.0], {()}),
    ("2020", {"maxLength": 1}, "😀", set()),
    ("2020", {"format": "date"}, "2026-02-30", {()}),
    ("2020", {"format": "ipv4"}, "1.2.3", {()}),
    ("2020", {"format": "email"}, "nobody", {()}),
    ("2020", {"format": "nobody-knows"}, "x", set()),
    ("2020", {"items": {"$ref": "#"}, "type": "array"}, [[], [1]], {(1, 0)}),
    ("2020", {"$defs": {"a b": {"~x": 1, "type": "null"}}, "$ref": "#/$defs/a%20b"}, 1, {()}),
    ("2019", {"items": [{"type": "string"}], "additionalItems": False}, [1, 2], {(0,), ()}),
    ("2019", {"$recursiveAnchor": True, "items": {"$recursiveRef": "#"}, **LIST}, [1], {(0,)}),
    ("2019", {"dependentRequired": {"a": ["b"]}}, {"a": 1}, {()}),
    ("07", {"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}, {"a": 1, "c": 1}, {()}),
    ("07", {"definitions": {"n": {"$id": "#n", "type": "null"}}, "$ref": "#n"}, 1, {()}),
    ("07", {"$ref": "#/definitions/n", "type": "string", "definitions": {"n": {}}}, 1, set()),
    ("07", {"if": {"type": "integer"}, "then": {"minimum": 2}, "else": False}, 1, {()}),
    ("07", {"format": "date"}, "yesterday", {()}),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "schema", "instance", "paths"), TABLE)
def test_known_schemas_are_read_as_the_standard_has_them(
    dialect: str, schema: Json, instance: Json, paths: set[Path]
) -> None:
    (named,) = (name for name in DIALECTS if dialect in name.partition("org/")[2])
    assert ours(schema, instance, named) == paths
    assert reference(schema, instance, named) == paths


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "strin"}, ("type",)),
        ({"properties": {"a": {"minLength": -1}}}, ("properties", "a", "minLength")),
        ({"required": "a"}, ("required",)),
        ({"properties": []}, ("properties",)),
        ({"allOf": []}, ("allOf",)),
        ({"not": 1}, ("not",)),
        ({"multipleOf": 0}, ("multipleOf",)),
    ],
)
def test_a_schema_is_refused_where_the_reference_refuses_it(
    dialect: str, schema: Json, path: Path
) -> None:
    faults = Bench(jsonschema_rs).compile(ROOT, {ROOT: schema}, dialect)
    kind = jsonschema.validators.validator_for({"$schema": dialect})
    refused = {tuple(error.path) for error in kind(kind.META_SCHEMA).iter_errors(schema)}
    assert {tuple(fault["path"]) for fault in faults} == refused == {path}

"""Every kind and every field says what it is for, to people and to editors."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry as References
from referencing import Resource

from chimera.documents import open_work_tree
from chimera.kinds import (
    Explanation,
    FieldInfo,
    Registry,
    explain,
    export_schemas,
    kind_schema,
    read_source,
)
from chimera.model import UsageError
from chimera.plugin import load_plugins

ROOT = Path(__file__).parents[2]


@cache
def registry() -> Registry:
    return Registry.collect(load_plugins())


@cache
def shown(route: str) -> Explanation:
    return explain(registry(), route)


def fields(found: Explanation) -> list[FieldInfo]:
    """The fields of an explanation and of its variants."""
    return [*found.fields, *(field for variant in found.variants for field in variant.fields)]


@cache
def routes(kind: str) -> list[str]:
    """Every field of a kind, as far down as explain goes."""
    found, pending = [], [kind]
    while pending:
        route = pending.pop()
        found.append(route)
        inside = fields(shown(route))
        pending += (f"{route}.{field.name}" for field in inside if route.count(".") < 8)
    return sorted(set(found))


KINDS = sorted(registry().kinds)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_every_kind_has_a_description(kind: str) -> None:
    undescribed = [
        f"{route}.{field.name}"
        for route in routes(kind)
        for field in fields(shown(route))
        if len(field.description) < 4
    ]
    assert undescribed == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_model_of_a_schema_describes_each_of_its_properties(kind: str) -> None:
    schema = kind_schema(registry().kinds[kind])
    objects = {kind: schema, **schema.get("$defs", {})}
    silent = [
        f"{name}.{field}"
        for name, node in objects.items()
        for field, inner in node.get("properties", {}).items()
        if not (inner.get("description") or objects[inner["$ref"][8:]].get("description"))
    ]
    assert silent == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_route_of_a_kind_can_be_explained(kind: str) -> None:
    for route in routes(kind):
        found = shown(route)
        assert found.type
        assert found.description, route


def test_spec_may_be_left_out_and_the_kind_written_small() -> None:
    assert shown("policy.match") == shown("Policy.spec.match")
    assert shown("Policy.match.kinds").route == "Policy.spec.match.kinds"


def test_a_kind_lists_its_envelope_and_its_spec() -> None:
    names = [f.name for f in shown("Environment").fields]
    assert names == ["apiVersion", "kind", "metadata", "spec", "spec.protected", "spec.production"]


def test_a_kind_says_whether_it_is_a_record() -> None:
    assert shown("Decision").record
    assert not shown("Gate").record


def test_a_map_shows_the_fields_of_its_values() -> None:
    assert {"type", "default"} <= {field.name for field in shown("Workflow.inputs").fields}
    assert "env" in {field.name for field in fields(shown("Workflow.secrets"))}
    assert "capacity" in {field.name for field in shown("ResourcePool.resources").fields}
    assert shown("Workflow.inputs.default").route == "Workflow.spec.inputs.default"


def test_a_field_that_takes_one_of_several_models_keeps_their_fields_apart() -> None:
    found = shown("Proof.controls")
    assert found.fields == ()
    inside = {variant.name: [field.name for field in variant.fields] for variant in found.variants}
    assert inside == {
        "mutate: replace": ["mutate", "path", "old", "new"],
        "mutate: delete": ["mutate", "path"],
        "mutate: set": ["mutate", "path", "document", "field", "value"],
        "mutate: environment": ["mutate", "name", "value"],
        "mutate: patch": ["mutate", "patch"],
    }
    assert all(variant.description for variant in found.variants)
    assert [v.name for v in shown("Proof.steps").variants][-1] == "operation step"


def test_a_field_that_variants_have_in_different_ways_says_so() -> None:
    found = shown("Proof.controls.value")
    assert found.description == "The value that stands there instead. Or: Its value."
    assert found.type == "string | integer | number | boolean"


def test_the_tag_of_one_of_several_models_leads_to_it() -> None:
    one = shown("Proof.steps.command")
    assert (one.route, one.type) == ("Proof.spec.steps.command", "object")
    assert [field.name for field in one.fields] == ["run", "argv", "expect", "saveStdout"]
    assert shown("Proof.steps.pytest.paths").type == "list of string"
    assert shown("Proof.steps.operation-step.inputs").description.startswith("Inputs of the")


def test_a_tag_comes_before_a_field_of_that_name_which_stands_in_it() -> None:
    assert [field.name for field in shown("Proof.controls.patch").fields] == ["mutate", "patch"]
    assert shown("Proof.controls.patch.patch").type == "string"


@pytest.mark.parametrize("kind", KINDS)
def test_every_variant_that_is_listed_can_be_explained(kind: str) -> None:
    for route in routes(kind):
        for variant in shown(route).variants:
            tag = variant.name.partition(": ")[2] or variant.name.replace(" ", "-")
            found = shown(f"{route}.{tag}")
            assert (found.description, found.fields) == (variant.description, variant.fields)


def test_a_mapping_says_what_it_maps_to() -> None:
    assert shown("Workflow.secrets").type == "map of object"
    assert shown("Gate.match.labels").type == "map of string"


@pytest.mark.parametrize(
    ("route", "help"),
    [
        ("Polcy", "did you mean Policy?"),
        ("WORKFLO", "did you mean Workflow?"),
        ("Policy.mtach", "did you mean match?"),
        ("Policy.match.knds", "did you mean kinds?"),
        ("Proof.steps.pytset", "did you mean pytest?"),
    ],
)
def test_a_misspelt_kind_or_field_gets_a_suggestion(route: str, help: str) -> None:
    with pytest.raises(UsageError) as refused:
        explain(registry(), route)
    assert refused.value.help == help


@pytest.mark.parametrize(
    "route", ["", ".", "Policy.", "Policy..match", "Policy.match.kinds.x", "😀"]
)
def test_any_other_text_is_refused(route: str) -> None:
    with pytest.raises(UsageError):
        explain(registry(), route)


@cache
def schemas() -> dict[str, dict[str, Any]]:
    return export_schemas(registry())


def complaints(schema: str, value: Any) -> list[str]:
    """Return what an exported schema says of a document, as an editor would read the folder."""
    known = References().with_resources(
        (name, Resource.from_contents(found)) for name, found in schemas().items()
    )
    judge = jsonschema.Draft202012Validator(schemas()[schema], registry=known)
    return [fault.message for fault in judge.iter_errors(value)]


def accepts(schema: str, value: Any) -> bool:
    """Tell whether an exported schema accepts a document."""
    return not complaints(schema, value)


def test_there_is_a_schema_for_every_kind_and_one_for_any() -> None:
    assert set(schemas()) == {f"{kind}.json" for kind in KINDS} | {"chimera.json"}
    for schema in schemas().values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_schemas_accept_every_document_of_this_repository() -> None:
    documents = read_source(open_work_tree(ROOT)).raw
    assert documents
    for raw in documents:
        assert accepts(f"{raw.value['kind']}.json", raw.value), raw.path
        assert accepts("chimera.json", raw.value), raw.path


@pytest.mark.parametrize(
    "broken",
    [
        {"apiVersion": "chimera/v2"},
        {"kind": "Gate"},
        {"metadata": {}},
        {"metadata": {"name": "UPPER"}},
        {"spec": {"protectd": True}},
        {"spec": {"protected": "yes"}},
        {"status": {}},
    ],
)
def test_the_schemas_refuse_what_check_refuses(broken: dict[str, Any]) -> None:
    good = {
        "apiVersion": "chimera/v1",
        "kind": "Environment",
        "metadata": {"name": "e"},
        "spec": {"protected": True},
    }
    assert accepts("Environment.json", good)
    assert not accepts("Environment.json", {**good, **broken})
    assert not accepts("chimera.json", {**good, **broken})


def test_the_schema_for_any_kind_says_what_the_schema_of_the_kind_says_and_no_more() -> None:
    broken = {
        "apiVersion": "chimera/v1",
        "kind": "Environment",
        "metadata": {"name": "e"},
        "spec": {"protected": "yes"},
    }
    assert complaints("chimera.json", broken) == complaints("Environment.json", broken)
    assert complaints("chimera.json", {}) == ["'kind' is a required property"]
    (unknown,) = complaints("chimera.json", {**broken, "kind": "Enviroment"})
    assert unknown.startswith("'Enviroment' is not one of ['")


def defaults(node: Any) -> list[dict[str, Any]]:
    """Return the schemas inside one that have a default."""
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    found = [one for each in inner for one in defaults(each)]
    is_schema = isinstance(node, dict) and not isinstance(node.get("type"), dict)  # no properties
    return [*found, node] if is_schema and "default" in node else found


@pytest.mark.parametrize("kind", tuple(registry()), ids=lambda kind: kind.name)
def test_every_default_is_written_as_a_document_would(kind: Any) -> None:
    schema = kind_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)  # once, and not for each default
    for node in defaults(schema):
        alone = {"$defs": schema.get("$defs", {}), **node}
        jsonschema.Draft202012Validator(alone).validate(node["default"])

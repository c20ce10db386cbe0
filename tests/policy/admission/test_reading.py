"""Policies, bindings, parameters and manifests as they stand in files."""

import json
from typing import Any

import pytest

from chimera.documents import dump
from chimera.model import Place, Severity
from chimera.policy.admission import read_library, read_objects, unused

from .conftest import binding, config, library, pod, policy, route


def without(value: dict[str, Any], *path: str) -> dict[str, Any]:
    """Remove a field."""
    inside = value
    for key in path[:-1]:
        inside = inside[key]
    del inside[path[-1]]
    return value


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_policies_of_all_versions_are_read(version: str) -> None:
    given = {**policy("true"), "apiVersion": f"admissionregistration.k8s.io/{version}"}
    assert [p.name for p in library(given).policies] == ["p"]


def test_what_is_no_policy_stands_beside_them() -> None:
    found = library(policy("true"), config(), {"apiVersion": "x/v1", "kind": "Other"})
    assert [one.value["kind"] for one in found.others] == ["ConfigMap", "Other"]


def test_fields_that_are_not_known_are_warnings_as_in_a_cluster() -> None:
    given = policy("true", matchConstraint={}, variables=[{"name": "a", "expression": "1", "x": 1}])
    found = library(given)
    assert [p.name for p in found.policies] == ["p"]
    assert {(d.rule, d.severity) for d in found.diagnostics} == {
        ("field-unknown", Severity.WARNING)
    }
    assert sorted(d.help for d in found.diagnostics) == [
        "a cluster would ignore it",
        "did you mean matchConstraints?",
    ]


@pytest.mark.parametrize(
    ("given", "rule", "where"),
    [
        (policy("true", failurePolicy="Maybe"), "field-invalid", ("spec", "failurePolicy")),
        (policy({"message": "x"}), "field-missing", ("spec", "validations", 0)),
        (without(policy("true"), "spec", "matchConstraints"), "field-missing", ("spec",)),
        (without(policy("true"), "metadata", "name"), "field-missing", ("metadata",)),
        (without(policy("true"), "spec"), "field-invalid", ("spec",)),
        (policy(), "admission-policy-empty", ("spec", "validations")),
        (
            policy("true", matchConstraints={}),
            "admission-policy-empty",
            ("spec", "matchConstraints"),
        ),
        (binding(validationActions=[]), "field-invalid", ("spec", "validationActions")),
    ],
)
def test_what_a_cluster_refuses_is_refused_at_its_place(
    given: dict[str, Any], rule: str, where: tuple[str | int, ...]
) -> None:
    found = [d for d in library(given).diagnostics if d.severity is Severity.ERROR]
    assert [(d.rule, route(d)) for d in found] == [(rule, where)]


def test_a_binding_of_a_policy_that_is_not_there_is_a_warning() -> None:
    (warning,) = library(policy("true"), binding(policy="other")).diagnostics
    assert (warning.rule, warning.severity) == ("admission-binding-dangling", Severity.WARNING)
    assert library(policy("true"), binding()).diagnostics == ()


def test_a_second_policy_of_a_name_is_a_warning() -> None:
    found = library(policy("true"), policy("false"), binding(), binding())
    assert [(d.rule, route(d)) for d in found.diagnostics] == [
        ("admission-name-duplicate", ("metadata", "name"))
    ] * 2


def test_lists_are_unpacked_at_their_places_in_yaml_and_json() -> None:
    items = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [pod("a"), {"kind": "PodList", "items": [pod("b")]}],
    }

    for path, data in {"l.yaml": dump(items), "l.json": json.dumps(items)}.items():
        found, faults = read_objects({path: data.encode()})
        assert not faults
        assert [(one.value["metadata"]["name"], one.place) for one in found] == [
            ("a", Place(path, 0, ("items", 0))),
            ("b", Place(path, 0, ("items", 1, "items", 0))),
        ]


@pytest.mark.parametrize("text", ["- 1\n", "just text\n", "a: 1\n"])
def test_what_is_no_object_is_a_fault(text: str) -> None:
    found, faults = read_objects({"x.yaml": text.encode()})
    assert not found
    assert [fault.rule for fault in faults] == ["admission-not-object"]


def test_what_readers_of_yaml_read_apart_is_told() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {debug: on}\n"
    found, faults = read_objects({"x.yaml": text.encode()})
    assert len(found) == 1
    assert [fault.rule for fault in faults] == ["yaml-ambiguous-scalar"]


def test_a_broken_file_leaves_the_others() -> None:
    found, faults = read_objects({"a.yaml": b"a: [", "b.yaml": dump(pod()).encode()})
    assert [one.place.path for one in found] == ["b.yaml"]
    assert [fault.where.path for fault in faults] == ["a.yaml"]


def test_parameters_that_no_policy_takes_are_a_warning() -> None:
    found, _ = read_objects({"c.yaml": dump(config()).encode()})
    taking = library(policy("true", paramKind={"apiVersion": "v1", "kind": "ConfigMap"}))
    assert not list(unused(found, taking.policies))
    (warning,) = unused(found, library(policy("true")).policies)
    assert (warning.rule, warning.severity) == ("admission-param-unused", Severity.WARNING)


def test_an_empty_library_is_read() -> None:
    assert read_library([]).policies == ()


def test_merge_keys_merge_as_in_a_cluster() -> None:
    text = "kind: Pod\nspec: &spec {a: 1}\nother: {<<: *spec}\n"
    (found,), faults = read_objects({"a.yaml": text.encode()})
    assert found.value["other"] == {"a": 1}
    assert not faults

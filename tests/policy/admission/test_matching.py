"""What a policy is about: resources, operations, scopes, versions, labels and namespaces."""

from typing import Any

import pytest

from chimera.model import Place
from chimera.policy.admission import Request, resources_of
from chimera.policy.admission.matching import Undecided, matches
from chimera.policy.admission.models import LabelSelector, MatchResources
from chimera.policy.admission.reading import Found
from chimera.policy.admission.resources import names_of, plural_of

from .conftest import PODS, Value, pod

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}


def request(value: Value, operation: str = "CREATE", **more: Any) -> Request:
    (resource,) = resources_of([Found(value, Place("r.yaml"))], "default")
    return Request(resource, operation, more.get("old"), more.get("namespace"))


def ask(match: Value, value: Value, operation: str = "CREATE", **more: Any) -> bool | str:
    """Return the answer, or why there is none."""
    answer = matches(MatchResources.model_validate(match), request(value, operation, **more))
    return answer.reason if isinstance(answer, Undecided) else answer


def rule(**more: Any) -> Value:
    return {"resourceRules": [{**PODS, **more}]}


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (rule(), True),
        ({}, True),
        (rule(resources=["*"], apiGroups=["*"], apiVersions=["*"]), True),
        (rule(resources=["*/*"]), True),
        (rule(resources=["pods/status", "pods/*"]), False),
        (rule(resources=["services"]), False),
        (rule(apiGroups=["apps"]), False),
        (rule(operations=["UPDATE", "DELETE"]), False),
        (rule(operations=["CREATE"]), True),
        (rule(scope="Namespaced"), True),
        (rule(scope="Cluster"), False),
        (rule(resourceNames=["x"]), True),
        (rule(resourceNames=["y"]), False),
        ({**rule(), "excludeResourceRules": [PODS]}, False),
        ({**rule(), "excludeResourceRules": [{**PODS, "resourceNames": ["y"]}]}, True),
    ],
)
def test_rules_name_resources_operations_and_scopes(match: Value, expected: bool) -> None:
    assert ask(match, pod()) is expected


def test_what_stands_in_no_namespace_has_the_scope_of_the_cluster() -> None:
    assert ask(rule(resources=["nodes"], scope="Cluster"), NODE) is True
    selector = {"matchLabels": {"a": "1"}}
    assert ask({**rule(resources=["nodes"]), "namespaceSelector": selector}, NODE) is True


def test_another_version_would_be_converted_first_and_so_cannot_be_judged() -> None:
    beta = {**DEPLOYMENT, "apiVersion": "apps/v1beta1"}
    old = {**DEPLOYMENT, "apiVersion": "extensions/v1beta1"}
    match = rule(apiGroups=["apps"], resources=["deployments"])
    assert ask(match, DEPLOYMENT) is True
    assert ask(match, beta) == (
        "it is about apps/v1, and a cluster would convert apps/v1beta1 to that first"
    )
    assert "convert extensions/v1beta1" in str(ask(match, old))
    assert ask({**match, "matchPolicy": "Exact"}, beta) is False


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "1", "c": "1"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "c", "operator": "In", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_labels_are_selected(selector: Value, expected: bool) -> None:
    value = pod(labels={"a": "1", "b": ""})
    assert ask({**rule(), "objectSelector": selector}, value) is expected
    labels = {"metadata": {"labels": {"a": "1", "b": ""}}}
    found = ask({**rule(), "namespaceSelector": selector}, pod(), namespace=labels)
    assert found is expected


def test_an_update_is_selected_by_what_it_was_too() -> None:
    match = {**rule(), "objectSelector": {"matchLabels": {"a": "1"}}}
    assert ask(match, pod(), "UPDATE", old=pod(labels={"a": "1"})) is True
    assert ask(match, pod(), "UPDATE", old=pod()) is False


def test_of_a_namespace_that_is_not_given_only_its_name_is_known() -> None:
    name = "kubernetes.io/metadata.name"

    def of(*requirements: Value) -> bool | str:
        return ask({**rule(), "namespaceSelector": {"matchExpressions": requirements}}, pod())

    excluded = {"key": name, "operator": "NotIn", "values": ["kube-system"]}
    elsewhere = {"key": name, "operator": "In", "values": ["kube-system"]}
    labelled = {"key": "tier", "operator": "Exists"}
    assert of(excluded) is True
    assert of(elsewhere) is False
    assert of(elsewhere, labelled) is False
    assert "nothing is known of those of default" in str(of(excluded, labelled))


def test_a_namespace_is_selected_by_its_own_labels() -> None:
    value = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "labels": {}}}
    match = rule(resources=["namespaces"])
    assert ask({**match, "namespaceSelector": {"matchLabels": {"a": "1"}}}, value) is False
    selector = {"matchLabels": {"kubernetes.io/metadata.name": "n"}}
    assert ask({**match, "namespaceSelector": selector}, value) is True


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Pod", "pods"),
        ("Ingress", "ingresses"),
        ("NetworkPolicy", "networkpolicies"),
        ("Gateway", "gateways"),
        ("Endpoints", "endpoints"),
        ("StorageClass", "storageclasses"),
        ("PodDisruptionBudget", "poddisruptionbudgets"),
        ("Proxy", "proxies"),
        ("Box", "boxes"),
    ],
)
def test_kinds_have_plurals(kind: str, plural: str) -> None:
    assert plural_of(kind) == plural


def test_a_definition_that_is_there_names_its_kind_and_scope() -> None:
    definition = {
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "wolves.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Cluster",
            "names": {"kind": "Wolf", "plural": "wolves"},
        },
    }
    wolf = {"apiVersion": "example.com/v1", "kind": "Wolf", "metadata": {"name": "w"}}
    assert ("example.com", "Wolf") in names_of([definition])
    found = resources_of([Found(one, Place("r.yaml")) for one in (definition, wolf)], "default")
    assert (found[1].plural, found[1].namespace) == ("wolves", "")
    (alone,) = resources_of([Found(wolf, Place("r.yaml"))], "here")
    assert (alone.plural, alone.namespace) == ("wolfs", "here")


def test_a_selector_that_says_nothing_selects_everything() -> None:
    assert LabelSelector() == MatchResources().namespace_selector

"""What a policy is about: the answer is yes, no, or that it cannot be told without the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chimera.policy.admission.models import LabelSelector, MatchResources, ResourceRule
from chimera.policy.admission.resources import Resource, labels_of

_NAME_LABEL = "kubernetes.io/metadata.name"
_MOVED = {
    ("extensions", "deployments"): "apps",
    ("extensions", "daemonsets"): "apps",
    ("extensions", "replicasets"): "apps",
    ("extensions", "ingresses"): "networking.k8s.io",
    ("extensions", "networkpolicies"): "networking.k8s.io",
    ("", "events"): "events.k8s.io",
}
"""Resources that a cluster has in two groups: by the older one, the newer."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """That something cannot be told here, and why."""

    reason: str


Answer = bool | Undecided
"""Yes, no, or neither."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a cluster would be asked: an operation on a resource.

    `old` is the object before; `namespace` what is known of its namespace, `None` if nothing is.
    """

    resource: Resource
    operation: str
    old: Mapping[str, Any] | None
    namespace: Mapping[str, Any] | None

    @property
    def objects(self) -> list[Mapping[str, Any]]:
        """The object before and after, as far as there are any."""
        new = None if self.operation == "DELETE" else self.resource.value
        return [value for value in (new, self.old) if value is not None]


def matches(match: MatchResources, request: Request) -> Answer:
    """Tell whether a policy or binding is about a request; no rules at all are about everything."""
    excluded = match.exclude_resource_rules
    if any(_names(rule, request) and _written(rule, request) for rule in excluded):
        return False
    named = [rule for rule in match.resource_rules if _names(rule, request)]
    if match.resource_rules and not named:
        return False
    if not any(selects(match.object_selector, labels_of(value)) for value in request.objects):
        return False
    stands = _in_namespace(match.namespace_selector, request)
    if stands is False or not match.resource_rules:
        return stands
    if any(_written(rule, request) for rule in named):
        return stands
    if match.match_policy == "Exact":
        return False
    about = sorted({v for rule in named for v in _api_versions(rule)})
    own = f"{request.resource.group}/{request.resource.version}".lstrip("/")
    return Undecided(
        f"it is about {', '.join(about)}, and a cluster would convert {own} to that first"
    )


def _api_versions(rule: ResourceRule) -> list[str]:
    return [f"{g}/{v}".lstrip("/") for g in rule.api_groups for v in rule.api_versions]


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector selects labels that are all known."""
    return _selects(selector, labels, complete=True) is True


def _names(rule: ResourceRule, request: Request) -> bool:
    """Tell whether a rule names the resource, whatever its version, and the operation."""
    resource = request.resource
    scope = "Namespaced" if resource.namespace else "Cluster"
    return (
        _has(rule.operations, request.operation)
        and (_groups(rule, request) or _moved(resource) in rule.api_groups)
        and any(name in (resource.plural, "*", "*/*") for name in rule.resources)
        and rule.scope in (scope, "*")
        and (not rule.resource_names or resource.name in rule.resource_names)
    )


def _moved(resource: Resource) -> str | None:
    """Return the other group that a cluster has the resource in, if there is one."""
    for (older, plural), newer in _MOVED.items():
        if plural == resource.plural and resource.group in (older, newer):
            return newer if resource.group == older else older
    return None


def _groups(rule: ResourceRule, request: Request) -> bool:
    return _has(rule.api_groups, request.resource.group)


def _written(rule: ResourceRule, request: Request) -> bool:
    """Tell whether a rule names the group and version that the resource is written in."""
    resource = request.resource
    return _groups(rule, request) and _has(rule.api_versions, resource.version)


def _has(items: Iterable[str], wanted: str) -> bool:
    return any(item in (wanted, "*") for item in items)


def _in_namespace(selector: LabelSelector, request: Request) -> Answer:
    """Ask a namespace selector; what stands in no namespace is never passed over."""
    resource = request.resource
    if resource.kind == "Namespace" and not resource.group:
        return any(
            selects(selector, {**labels_of(value), _NAME_LABEL: resource.name})
            for value in request.objects
        )
    if not resource.namespace:
        return True
    is_known = request.namespace is not None
    labels = {**labels_of(request.namespace or {}), _NAME_LABEL: resource.namespace}
    found = _selects(selector, labels, complete=is_known)
    if found is not None:
        return found
    return Undecided(
        "it selects namespaces by labels, and nothing is known of those of "
        f"{resource.namespace}: give --namespace-object FILE"
    )


def _selects(selector: LabelSelector, labels: Mapping[str, str], *, complete: bool) -> bool | None:
    """Ask every requirement; `None` where the answer hangs on labels that are not known."""
    answers = [
        *(_equals(labels, key, {text}, complete) for key, text in selector.match_labels.items()),
        *(
            _requires(labels, one.key, one.operator, set(one.values), complete)
            for one in selector.match_expressions
        ),
    ]
    return False if False in answers else None if None in answers else True


def _equals(labels: Mapping[str, str], key: str, values: set[str], complete: bool) -> bool | None:
    if key in labels:
        return labels[key] in values
    return False if complete else None


def _requires(
    labels: Mapping[str, str], key: str, operator: str, values: set[str], complete: bool
) -> bool | None:
    if key not in labels and not complete:
        return None
    match operator:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels

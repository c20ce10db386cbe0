"""Resources: what a manifest says of the object that it makes, and what a cluster adds to that.

A manifest names a kind and a request a resource (`deployments`): for kinds of Kubernetes' own and
of CustomResourceDefinitions that are there the name is known, for others it is guessed by rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chimera.model import Place

_IRREGULAR = {
    "Endpoints": "endpoints",
    "Gateway": "gateways",
    "PodMetrics": "pods",
    "NodeMetrics": "nodes",
    "SecurityContextConstraints": "securitycontextconstraints",
    "DNS": "dnses",
}
_CLUSTER = frozenset(
    [
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "ClusterIssuer",
        "ClusterPolicy",
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterTrustBundle",
        "ComponentStatus",
        "CustomResourceDefinition",
        "DeviceClass",
        "FlowSchema",
        "GatewayClass",
        "IPAddress",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PodSecurityPolicy",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ResourceSlice",
        "RuntimeClass",
        "SecurityContextConstraints",
        "SelfSubjectAccessReview",
        "SelfSubjectReview",
        "ServiceCIDR",
        "StorageClass",
        "SubjectAccessReview",
        "TokenReview",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
    ]
)


Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Names:
    """What a cluster calls the objects of a kind, and whether they stand in a namespace."""

    plural: str
    namespaced: bool


@dataclass(frozen=True, slots=True)
class Resource:
    """One object of a manifest.

    `subject` is what verdicts call it: its kind and name, with the namespace that it names itself.
    `namespace` is empty for one that belongs to the whole cluster.
    """

    subject: str
    value: Mapping[str, Any]
    place: Place
    group: str
    version: str
    kind: str
    plural: str
    name: str
    namespace: str

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return labels_of(self.value)

    @property
    def key(self) -> Key:
        """What tells it from every other object of a cluster."""
        return self.group, self.kind, self.namespace, self.name


def names_of(values: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Names]:
    """Return the names of the kinds that CustomResourceDefinitions among `values` define."""
    found = {}
    for value in values:
        spec = value.get("spec")
        if value.get("kind") == "CustomResourceDefinition" and isinstance(spec, dict):
            names = spec.get("names")
            kind = _text(names, "kind")
            plural = _text(names, "plural")
            if kind and plural:
                is_namespaced = spec.get("scope") != "Cluster"
                found[_text(spec, "group"), kind] = Names(plural, is_namespaced)
    return found


def resource_of(
    value: Mapping[str, Any],
    place: Place,
    namespace: str,
    known: Mapping[tuple[str, str], Names],
) -> Resource:
    """Return a manifest as the resource that `kubectl` would make of it in `namespace`.

    One that names no namespace gets that one, where its kind stands in namespaces at all.
    """
    group, _, version = _text(value, "apiVersion").rpartition("/")
    kind, metadata = _text(value, "kind"), _metadata(value)
    names = known.get((group, kind)) or Names(plural_of(kind), kind not in _CLUSTER)
    own = _text(metadata, "namespace")
    stands_in = (own or namespace) if names.namespaced else ""
    name = _text(metadata, "name")
    called = name or f"{_text(metadata, 'generateName')}*"
    subject = "/".join(filter(None, (kind, own, called)))
    if stands_in and not own:
        value = {**value, "metadata": {**metadata, "namespace": stands_in}}
    return Resource(subject, value, place, group, version, kind, names.plural, name, stands_in)


def plural_of(kind: str) -> str:
    """Return the plural that a cluster would give a kind by rule."""
    if kind in _IRREGULAR:
        return _IRREGULAR[kind]
    word = kind.lower()
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def unpacked(value: Mapping[str, Any], place: Place) -> Iterator[tuple[Mapping[str, Any], Place]]:
    """Yield the objects of a List, however deep, or the one object itself."""
    items = value.get("items")
    if _text(value, "kind").endswith("List") and isinstance(items, list):
        for position, item in enumerate(items):
            if isinstance(item, dict):
                yield from unpacked(item, place.at("items", position))
    else:
        yield value, place


def labels_of(value: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the labels of any object."""
    labels = _metadata(value).get("labels")
    if not isinstance(labels, dict):
        return {}
    return {key: text for key, text in labels.items() if isinstance(text, str)}


def _metadata(value: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = value.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""

"""From files to policies, bindings, parameters and resources; each fault is a diagnostic.

Refuses to look beyond the bytes that it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from chimera.documents import Extensions, parse_foreign
from chimera.kinds import Model, salvage_model
from chimera.model import Diagnostic, Place, Severity
from chimera.policy.admission.models import (
    ObjectMetadata,
    ValidatingAdmissionPolicyBindingSpec,
    ValidatingAdmissionPolicySpec,
)
from chimera.policy.admission.resources import Resource, names_of, resource_of, unpacked

GROUP = "admissionregistration.k8s.io"
M = TypeVar("M", bound=Model)

_VERSIONS = tuple(f"{GROUP}/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
_KUBERNETES = Extensions(merges=True)
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"


@dataclass(frozen=True, slots=True)
class Policy:
    """A ValidatingAdmissionPolicy and where it stands."""

    name: str
    spec: ValidatingAdmissionPolicySpec
    place: Place

    @property
    def address(self) -> str:
        """What verdicts call it."""
        return f"{POLICY}/{self.name}"


@dataclass(frozen=True, slots=True)
class Binding:
    """A binding of a policy and where it stands."""

    name: str
    spec: ValidatingAdmissionPolicyBindingSpec
    place: Place


@dataclass(frozen=True, slots=True)
class Found:
    """An object of a file, and where it stands there."""

    value: Mapping[str, Any]
    place: Place


@dataclass(frozen=True, slots=True)
class Library:
    """Policies and bindings; `others` are the objects beside them, such as parameters."""

    policies: tuple[Policy, ...]
    bindings: tuple[Binding, ...]
    others: tuple[Found, ...]
    diagnostics: tuple[Diagnostic, ...]


def read_objects(files: Mapping[str, bytes]) -> tuple[list[Found], list[Diagnostic]]:
    """Return the objects of files in their order, Lists unpacked, with what is wrong with them."""
    found: list[Found] = []
    faults: list[Diagnostic] = []
    for path, data in files.items():
        values, said = parse_foreign(path, data, _KUBERNETES)
        faults += (fault for fault in said if not _is_merge(fault))
        for index, value, sound in values:
            if not sound:
                continue
            if not isinstance(value, dict):
                faults.append(_no_object(Place(path, index)))
                continue
            for item, place in unpacked(value, Place(path, index)):
                found.append(Found(item, place))
                if not isinstance(item.get("kind"), str):
                    faults.append(_no_object(place))
    return [one for one in found if isinstance(one.value.get("kind"), str)], faults


def _is_merge(fault: Diagnostic) -> bool:
    """Tell whether a fault only says that a merge key merges, which it does in a cluster, too."""
    return fault.rule == "yaml-merge-key" and fault.severity is Severity.WARNING


def read_library(objects: Iterable[Found]) -> Library:
    """Sort policies and bindings out of other objects, and read them."""
    policies: list[Policy] = []
    bindings: list[Binding] = []
    others: list[Found] = []
    faults: list[Diagnostic] = []
    for one in objects:
        kind = one.value["kind"]
        if kind not in (POLICY, BINDING) or one.value.get("apiVersion") not in _VERSIONS:
            others.append(one)
            continue
        address = f"{kind}/{_name(one)}"
        if kind == POLICY:
            spec, said = _read(ValidatingAdmissionPolicySpec, one, address)
            if spec is not None:
                policies.append(Policy(_name(one), spec, one.place))
                said += _empty(policies[-1])
        else:
            bound, said = _read(ValidatingAdmissionPolicyBindingSpec, one, address)
            if bound is not None:
                bindings.append(Binding(_name(one), bound, one.place))
        faults += said
    faults += _repeated((*policies, *bindings))
    faults += _dangling(policies, bindings)
    return Library(tuple(policies), tuple(bindings), tuple(others), tuple(faults))


def resources_of(objects: Iterable[Found], namespace: str) -> list[Resource]:
    """Return objects as the resources that `kubectl` would make of them in `namespace`."""
    every = list(objects)
    known = names_of(one.value for one in every)
    return [resource_of(one.value, one.place, namespace, known) for one in every]


def _name(one: Found) -> str:
    metadata = one.value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else "?"


def _read(model: type[M], one: Found, address: str) -> tuple[M | None, list[Diagnostic]]:
    """Read a spec, past fields that are not known here, which a cluster would ignore."""
    spec, faults = salvage_model(model, one.value.get("spec"), one.place.at("spec"), address)
    metadata = one.value.get("metadata")
    if _name(one) == "?":
        _, said = salvage_model(ObjectMetadata, metadata, one.place.at("metadata"), address)
        faults += said
    return spec, [_weighed(fault) for fault in faults]


def _weighed(fault: Diagnostic) -> Diagnostic:
    if fault.rule != "field-unknown":
        return replace(fault, help="a cluster would refuse it: correct the document")
    help = fault.help if fault.help.startswith("did you mean") else "a cluster would ignore it"
    return replace(fault, severity=Severity.WARNING, help=help)


def _empty(policy: Policy) -> list[Diagnostic]:
    """Return what a cluster would say of a policy that is about nothing, or asks for nothing."""
    missing = []
    if not policy.spec.match_constraints.resource_rules:
        missing.append(("matchConstraints", "it names no resources: add resourceRules"))
    if not policy.spec.validations and not policy.spec.audit_annotations:
        missing.append(("validations", "it asks for nothing: add validations"))
    return [
        Diagnostic(
            "admission-policy-empty",
            f"{policy.address}: {why}",
            policy.place.at("spec", field),
            "a cluster would refuse it: correct the document",
            address=policy.address,
        )
        for field, why in missing
    ]


def _repeated(found: Iterable[Policy | Binding]) -> Iterator[Diagnostic]:
    """Warn of a second policy or binding of a name, which would replace the first in a cluster."""
    seen: set[tuple[type, str]] = set()
    for one in found:
        key = (type(one), one.name)
        if key in seen:
            kind = POLICY if isinstance(one, Policy) else BINDING
            yield Diagnostic(
                "admission-name-duplicate",
                f"a second {kind} with the name {one.name!r}",
                one.place.at("metadata", "name"),
                "rename one of the two: a cluster keeps only the last",
                Severity.WARNING,
                f"{kind}/{one.name}",
            )
        seen.add(key)


def _dangling(policies: Iterable[Policy], bindings: Iterable[Binding]) -> Iterator[Diagnostic]:
    known = {policy.name for policy in policies}
    for binding in bindings:
        if binding.spec.policy_name not in known:
            yield Diagnostic(
                "admission-binding-dangling",
                f"the binding {binding.name} is of {binding.spec.policy_name}, which is not here",
                binding.place.at("spec", "policyName"),
                "name the policy's file, too, or leave the binding out",
                Severity.WARNING,
                f"{BINDING}/{binding.name}",
            )


def _no_object(place: Place) -> Diagnostic:
    return Diagnostic(
        "admission-not-object",
        "this is no object of Kubernetes: it has no kind",
        place,
        "write apiVersion, kind and metadata, or leave the file out",
    )

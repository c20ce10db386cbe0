"""Policies of a cluster, written for these tests, and the one way in which they are judged."""

from collections.abc import Sequence
from typing import Any

from chimera.context import Processes
from chimera.documents import dump
from chimera.model import Diagnostic, Place, Verdict
from chimera.policy import Bounds
from chimera.policy.admission import (
    Evaluation,
    Library,
    Operation,
    Request,
    evaluate_library,
    read_library,
    read_objects,
    resources_of,
)

Value = dict[str, Any]

PODS: Value = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["*"],
    "resources": ["pods"],
}


def policy(*validations: Any, name: str = "p", **spec: Any) -> Value:
    """Return a policy about pods; a text is a validation's expression."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [PODS]},
            "validations": [{"expression": v} if isinstance(v, str) else v for v in validations],
            **spec,
        },
    }


def binding(name: str = "b", policy: str = "p", **spec: Any) -> Value:
    """Return a binding that denies."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": policy, "validationActions": ["Deny"], **spec},
    }


def pod(name: str = "x", *, namespace: str | None = None, **more: Any) -> Value:
    """Return a pod with one container."""
    metadata: Value = {"name": name} | ({"namespace": namespace} if namespace else {})
    metadata |= {key: more.pop(key) for key in ("labels",) if key in more}
    spec = {"containers": [{"name": "c", "image": "nginx"}], **more}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def config(name: str = "limits", *, namespace: str | None = None, **data: str) -> Value:
    """Return a ConfigMap."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def written(values: Sequence[Value]) -> bytes:
    """Return documents as the file that their author wrote."""
    return "---\n".join(dump(value) for value in values).encode()


def library(*values: Value) -> Library:
    """Read policies and bindings."""
    objects, faults = read_objects({"policies.yaml": written(values)})
    assert not faults
    return read_library(objects)


def judge(
    policies: Sequence[Value],
    resources: Sequence[Value],
    *,
    parameters: Sequence[Value] = (),
    namespace: Value | None = None,
    old: Value | None = None,
    operation: Operation = "CREATE",
    stands_in: str = "default",
    bounds: Bounds = Bounds(),  # noqa: B008 - immutable
) -> Evaluation:
    """Judge resources by policies, as a cluster would."""
    objects, _ = read_objects({"resources.yaml": written(resources)})
    given, _ = read_objects({"parameters.yaml": written(parameters)} if parameters else {})
    requests = [
        Request(r, operation, r.value if operation == "DELETE" else old, namespace)
        for r in resources_of(objects, stands_in)
    ]
    return evaluate_library(library(*policies), given, requests, Processes(), bounds)


def found(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    """Return judge, subject and finding of every verdict."""
    return [(v.judge.split("/", 1)[1], v.subject, v.finding.value) for v in evaluation.verdicts]


def findings(evaluation: Evaluation) -> list[str]:
    """Return the findings alone."""
    return [verdict.finding.value for verdict in evaluation.verdicts]


def only(evaluation: Evaluation) -> Verdict:
    """Return the one verdict."""
    (verdict,) = evaluation.verdicts
    return verdict


def fault(evaluation: Evaluation) -> Diagnostic:
    """Return the one diagnostic of the one verdict."""
    (diagnostic,) = only(evaluation).diagnostics
    return diagnostic


def route(diagnostic: Diagnostic) -> tuple[str | int, ...]:
    """Return the route to where a diagnostic stands."""
    assert isinstance(diagnostic.where, Place)
    return diagnostic.where.route

"""What an expression sees of a request that no cluster has made: all that can be known of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chimera.policy.admission.matching import Request

UNKNOWN: Mapping[str, str] = {
    "authorizer": "it asks the authorizer, which only a cluster has",
    "request.userInfo": "it asks who makes the request, which only a cluster knows",
    "request.uid": "it asks for the request's uid, which only a cluster gives",
    "oldObject": "it asks for the object before the change, which is not given: --old FILE",
    "namespaceObject": "it asks for the namespace, which is not given: --namespace-object FILE",
    "params": "it asks for parameters, which are not given: --param FILE",
}
"""What may not be bound, and why an expression that asks for it is not exercised."""

_OPTIONS = {
    "CREATE": "CreateOptions",
    "UPDATE": "UpdateOptions",
    "DELETE": "DeleteOptions",
    "CONNECT": "ConnectOptions",
}


def bindings_of(request: Request) -> dict[str, Any]:
    """Return what is bound for a request, besides `object` where there is one, and parameters."""
    bound: dict[str, Any] = {"request": _request(request)}
    if request.operation == "DELETE":
        bound["object"] = None
    if request.old is not None or request.operation in ("CREATE", "CONNECT"):
        bound["oldObject"] = request.old
    if not request.resource.namespace:
        bound["namespaceObject"] = None
    elif request.namespace is not None:
        bound["namespaceObject"] = request.namespace
    return bound


def _request(request: Request) -> dict[str, Any]:
    resource = request.resource
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    plural = {"group": resource.group, "version": resource.version, "resource": resource.plural}
    return {
        "kind": kind,
        "resource": plural,
        "subResource": "",
        "requestKind": kind,
        "requestResource": plural,
        "requestSubResource": "",
        "name": resource.name,
        "namespace": resource.namespace,
        "operation": request.operation,
        "dryRun": False,
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": _OPTIONS[request.operation]},
    }

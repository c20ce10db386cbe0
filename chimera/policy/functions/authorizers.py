"""What Kubernetes lets an expression ask its authorizer, which only a cluster has.

The names are declared so that such an expression compiles. `authorizer` itself is never bound, so
whoever evaluates one learns that it lacks it, and can say so.
"""

from __future__ import annotations

from typing import Any, NoReturn

from chimera.policy.functions.signature import AUTHORIZER, DECISION, Function


def _refuse(*_: Any) -> NoReturn:
    raise LookupError("only a cluster has an authorizer")


def _narrows(name: str, arguments: int = 1) -> Function:
    takes = (AUTHORIZER, *["string"] * arguments)
    return Function(name, ((takes, AUTHORIZER),), _refuse)


FUNCTIONS = (
    _narrows("path"),
    _narrows("group"),
    _narrows("resource"),
    _narrows("subresource"),
    _narrows("namespace"),
    _narrows("name"),
    _narrows("fieldSelector"),
    _narrows("labelSelector"),
    _narrows("serviceAccount", 2),
    Function("check", (((AUTHORIZER, "string"), DECISION),), _refuse),
    Function("allowed", (((DECISION,), "bool"),), _refuse),
    Function("reason", (((DECISION,), "string"),), _refuse),
    Function("errored", (((DECISION,), "bool"),), _refuse),
    Function("error", (((DECISION,), "string"),), _refuse),
)

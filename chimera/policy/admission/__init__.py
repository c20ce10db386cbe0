"""Kubernetes' admission policies, judged where there is no cluster: ValidatingAdmissionPolicy.

Owns how such policies, their bindings and the manifests that they judge are read and matched, and
what an expression sees of a request. Expressions are evaluated as those of every `Policy` are.
"""

from chimera.policy.admission.evaluation import Evaluation, evaluate_library
from chimera.policy.admission.manifests import judge_manifests
from chimera.policy.admission.matching import Request
from chimera.policy.admission.models import Operation
from chimera.policy.admission.parameters import unused
from chimera.policy.admission.reading import (
    Found,
    Library,
    read_library,
    read_objects,
    resources_of,
)
from chimera.policy.admission.resources import Resource

__all__ = [
    "Evaluation",
    "Found",
    "Library",
    "Operation",
    "Request",
    "Resource",
    "evaluate_library",
    "judge_manifests",
    "read_library",
    "read_objects",
    "resources_of",
    "unused",
]

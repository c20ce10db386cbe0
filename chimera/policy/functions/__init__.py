"""The functions that Kubernetes adds to CEL, for every expression of Chimera.

Loaded by the child that evaluates, so it imports nothing but the standard library, and of that
little before a function is called. Facts: the CEL libraries of Kubernetes' API server.
"""

from chimera.policy.functions import (
    authorizers,
    comparing,
    formats,
    lists,
    networks,
    patterns,
    quantities,
    urls,
    versions,
)
from chimera.policy.functions.signature import Function

FUNCTIONS: tuple[Function, ...] = (
    *quantities.FUNCTIONS,
    *versions.FUNCTIONS,
    *comparing.FUNCTIONS,
    *urls.FUNCTIONS,
    *networks.FUNCTIONS,
    *patterns.FUNCTIONS,
    *lists.FUNCTIONS,
    *formats.FUNCTIONS,
    *authorizers.FUNCTIONS,
)

__all__ = ["FUNCTIONS", "Function"]

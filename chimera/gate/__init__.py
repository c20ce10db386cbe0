"""The gate: obligations and verdicts weighed into a ruling; the sole maker of a permit.

Refuses to run anything: it looks at what is shown to it and fails closed.
"""

from chimera.gate.kinds import DecisionSpec, EnvironmentSpec, GateSpec, RoleSpec
from chimera.gate.weighing import (
    Permit,
    RefusedError,
    Ruling,
    Weighing,
    environments,
    permit,
    weigh,
)

__all__ = [
    "DecisionSpec",
    "EnvironmentSpec",
    "GateSpec",
    "Permit",
    "RefusedError",
    "RoleSpec",
    "Ruling",
    "Weighing",
    "environments",
    "permit",
    "weigh",
]

"""The gate: obligations and verdicts weighed into a ruling; the sole maker of a permit.

Refuses to run anything: it looks at what is shown to it and fails closed.
"""

from chimera.gate.identities import trust_root
from chimera.gate.kinds import (
    ApprovalSpec,
    DecisionSpec,
    EnvironmentSpec,
    GateSpec,
    IdentitySpec,
    RoleSpec,
)
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
    "ApprovalSpec",
    "DecisionSpec",
    "EnvironmentSpec",
    "GateSpec",
    "IdentitySpec",
    "Permit",
    "RefusedError",
    "RoleSpec",
    "Ruling",
    "Weighing",
    "environments",
    "permit",
    "trust_root",
    "weigh",
]

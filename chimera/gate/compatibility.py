"""What an edit of an environment or a role takes from gates, and what ends with a gate."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.gate.kinds import EnvironmentSpec, GateSpec, RoleSpec
from chimera.gate.touching import asks_of


def environment_breaks(before: EnvironmentSpec, after: EnvironmentSpec) -> Iterator[str]:
    """Yield whether gates can still ask anybody for approval in the environment."""
    if before.protected and not after.protected:
        yield "it is no longer protected: no approval is owed in it, and no proof of a merge"


def role_breaks(before: RoleSpec, after: RoleSpec) -> Iterator[str]:
    """Yield who can no longer give the approvals that gates ask of the role."""
    kept = set(after.principals)
    yield from (f"{name} no longer holds it" for name in before.principals if name not in kept)


def gate_ends(before: GateSpec) -> Iterator[str]:
    """Yield what a gate no longer asks for once it is gone, and of what."""
    asks = ", ".join(asks_of(before))
    match = before.match
    labels = (f"{key}={value}" for key, value in match.labels.items())
    about = ", ".join((*match.paths, *match.kinds, *match.layers, *labels))
    if asks:
        yield f"it no longer asks for {asks} of {about or 'every document'}"

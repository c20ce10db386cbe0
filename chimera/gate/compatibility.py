"""What an edit takes from gates: of an environment, role or identity; and what ends with a gate."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.gate.kinds import EnvironmentSpec, GateSpec, IdentitySpec, RoleSpec
from chimera.gate.touching import asks_of


def environment_breaks(before: EnvironmentSpec, after: EnvironmentSpec) -> Iterator[str]:
    """Yield whether gates can still ask anybody for approval in the environment."""
    if before.protected and not after.protected:
        yield "it is no longer protected: no approval is owed in it, and no proof of a merge"
    if before.production and not after.production:
        yield "it is no longer production: its changes owe no entry in the changelog"


def role_breaks(before: RoleSpec, after: RoleSpec) -> Iterator[str]:
    """Yield who can no longer do what gates ask of the role, and what it no longer allows."""
    kept = set(after.members)
    yield from (f"{name} no longer holds it" for name in before.members if name not in kept)
    lost = (what for what in before.capabilities if what not in after.capabilities)
    yield from (f"it no longer allows to {what}" for what in lost)


def identity_breaks(before: IdentitySpec, after: IdentitySpec) -> Iterator[str]:
    """Yield what its roles can no longer rely on."""
    if (before.kind, after.kind) == ("human", "automation"):
        yield "it is no longer a person, so that it approves nothing"
    counting = {key.key for key in after.keys if key.revoked is None}
    lost = sum(key.revoked is None and key.key not in counting for key in before.keys)
    if lost:
        yield f"{lost} of its keys no longer count{'s' if lost == 1 else ''}"


def gate_ends(before: GateSpec) -> Iterator[str]:
    """Yield what a gate no longer asks for once it is gone, and of what."""
    asks = ", ".join(asks_of(before))
    match = before.match
    labels = (f"{key}={value}" for key, value in match.labels.items())
    about = ", ".join((*match.paths, *match.kinds, *match.layers, *labels))
    if asks:
        yield f"it no longer asks for {asks} of {about or 'every document'}"

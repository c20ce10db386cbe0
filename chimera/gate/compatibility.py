"""What an edit of an environment or a role takes from the gates that name it."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.gate.kinds import EnvironmentSpec, RoleSpec


def environment_breaks(before: EnvironmentSpec, after: EnvironmentSpec) -> Iterator[str]:
    """Yield whether gates can still ask anybody for approval in the environment."""
    if before.protected and not after.protected:
        yield "it is no longer protected: no approval is owed in it, and no proof of a merge"


def role_breaks(before: RoleSpec, after: RoleSpec) -> Iterator[str]:
    """Yield who can no longer give the approvals that gates ask of the role."""
    kept = set(after.principals)
    yield from (f"{name} no longer holds it" for name in before.principals if name not in kept)

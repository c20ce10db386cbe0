"""What an update of a module breaks for those who depend on it."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.coordination.kinds import ModuleSpec


def breaks(before: ModuleSpec, after: ModuleSpec) -> Iterator[str]:
    """Yield what no longer holds: its type, its major version, a capability."""
    if before.type != after.type:
        yield f"the module is of the type {after.type}, no longer {before.type}"
    majors = [spec.version.partition(".")[0] for spec in (before, after)]
    if majors[0] != majors[1]:
        yield f"the major version is {majors[1]}, no longer {majors[0]}"
    for gone in sorted(set(before.capabilities) - set(after.capabilities)):
        yield f"the capability {gone} is gone"

"""The kinds of the room by name. Refuses to hold their fields: those are in `spec`."""

from __future__ import annotations

from chimera.kinds import Kind

_SPEC = "chimera.builtin.services.spec"

KINDS = (
    Kind(
        "Service",
        f"{_SPEC}.service:ServiceSpec",
        "Something that runs: where it listens, what it needs, and how it is looked at.",
    ),
)

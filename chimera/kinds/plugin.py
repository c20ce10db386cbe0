"""Registers the kind that belongs to no other room."""

from __future__ import annotations

from chimera.kinds.kind import Kind
from chimera.plugin import hookimpl


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `Repository`."""
    return [
        Kind(
            "Repository",
            "chimera.kinds.repository:RepositorySpec",
            "Where a repository keeps its documents, and its plugins.",
        )
    ]

"""The kinds of records, and the model that incidents are judged by, as their plugin names them.

Refuses fields: `spec` has them, one module a kind.
"""

from __future__ import annotations

from chimera.builtin.records.spec.changelog import ChangelogEntrySpec
from chimera.builtin.records.spec.freeze import FreezeScope, FreezeSpec, Lift
from chimera.builtin.records.spec.incident import IncidentSpec
from chimera.builtin.records.spec.moments import Day, Stamp, after, person, written
from chimera.builtin.records.spec.postmortem import PostmortemSpec
from chimera.builtin.records.spec.rollback import RollbackSpec
from chimera.builtin.records.spec.severity import Level, SeverityModelSpec

__all__ = [
    "ChangelogEntrySpec",
    "Day",
    "FreezeScope",
    "FreezeSpec",
    "IncidentSpec",
    "Level",
    "Lift",
    "PostmortemSpec",
    "RollbackSpec",
    "SeverityModelSpec",
    "Stamp",
    "after",
    "person",
    "written",
]

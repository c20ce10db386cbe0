"""Foreign documents: YAML of other systems, which a `Schema` document maps by its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chimera.kinds import Snapshot
from chimera.model import Place


@dataclass(frozen=True, slots=True)
class ForeignDocument:
    """One YAML document that is none of Chimera's: its file, its position there, what it says."""

    path: str
    index: int
    value: Any
    place: Place


def foreign_documents(snapshot: Snapshot) -> tuple[ForeignDocument, ...]:
    """Return the foreign documents of a snapshot that can be read, by path and position."""
    return ()

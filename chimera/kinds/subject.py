"""What judges are given: a snapshot, where its documents stand, what changed, and for where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chimera.kinds.snapshot import Snapshot
from chimera.model import Actor, Address, Change, Placement


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """What judges may know of the environment that a plan is for."""

    name: str
    protected: bool


@dataclass(frozen=True)
class Subject:
    """One judgement's complete input; equal subjects get equal verdicts.

    `changes` is `None` where nothing was compared (a plain `check`), so that rules about changes
    are inapplicable rather than satisfied. `before` holds what the documents' authors had written
    in what the snapshot is compared with.
    """

    snapshot: Snapshot
    placements: Mapping[Address, tuple[Placement, ...]]
    environment: EnvironmentFacts
    actor: Actor
    now: datetime
    changes: tuple[Change, ...] | None = None
    before: Mapping[Address, Mapping[str, Any]] = field(default_factory=dict)

    def placed(self, address: Address) -> tuple[Placement, ...]:
        """Return where a document stands, one placement a contract."""
        return self.placements.get(address, ())

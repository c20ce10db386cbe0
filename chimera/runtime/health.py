"""Health: what a plugin says of a part that it owns, as values.

Read from the state, without writing any of it. Refuses a word of health without what was looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chimera.context import Context
    from chimera.kinds import Document, Snapshot
    from chimera.state import Json, StateReader


class Health(Enum):
    """How a part is; the last of several that holds of any holds of them together."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class HealthTask:
    """What health is observed of: one environment, by its documents and what the state holds.

    `root` is the work tree. `standing` is what checks wanted to be `kept`, by subject, as the last
    look that was kept left it. Where `only` names documents, by address, nothing else has to be
    looked at. Unless it `asks`, nobody outside is to be asked: what the last look found is told.
    What runs a command or gives a secret away does so only where somebody `vouches` for it.
    """

    environment: str
    snapshot: Snapshot
    state: StateReader
    context: Context
    root: Path = Path()
    standing: Mapping[str, Json] = field(default_factory=dict)
    only: frozenset[str] = frozenset()
    asks: bool = True
    vouches: Callable[[Document[Any]], bool] = lambda document: False


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One thing that was looked at, how it is, and why: `Module/plan`, `state`, `disk`.

    `message` is for people, lower-case; `help` says what to do unless it is healthy. `measures`
    are the numbers that were looked at. `at` is when that was, where it was not when all was, and
    `latency` how long an answer took, in seconds. What is `kept` is there at the next look.
    """

    subject: str
    status: Health
    message: str = ""
    help: str | None = None
    measures: Mapping[str, Json] = field(default_factory=dict)
    at: datetime | None = None
    latency: float | None = None
    kept: Json = None


def worst(checks: list[HealthCheck]) -> Health:
    """Return how parts are together; nothing looked at is healthy."""
    order = list(Health)
    return max((check.status for check in checks), key=order.index, default=Health.HEALTHY)

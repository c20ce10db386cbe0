"""The rows of the state as values: runs, their events and log lines, what was applied, rulings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from chimera.model import Digest

Json = Any
"""A JSON value: what `json.loads` returns."""


class RunStatus(Enum):
    """Where a run stands."""

    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing can make the run go on."""
        return self in {RunStatus.SUCCEEDED, RunStatus.CANCELLED}


class EventKind(Enum):
    """What happened: the first five to a step, the others to the run."""

    START = "START"
    DONE = "DONE"
    FAIL = "FAIL"
    RETRY = "RETRY"
    SKIP = "SKIP"
    ESCALATE = "ESCALATE"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    CANCEL = "CANCEL"


class Event(NamedTuple):
    """One line of a run's journal; a tuple, because a run writes a hundred thousand a second.

    `step` is empty for what happens to the run. `due` is when a RETRY may start. `seq` is given by
    the state and rises through all runs.
    """

    kind: EventKind
    step: str
    attempt: int
    at: datetime
    data: Json = None
    due: datetime | None = None
    seq: int = 0


class LogLine(NamedTuple):
    """One line that a step wrote."""

    step: str
    attempt: int
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a definition for a target of an environment."""

    uid: str
    environment: str
    target: str
    definition: Json
    digest: Digest
    input: Json
    status: RunStatus
    actor: str
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class Applied:
    """What an environment holds of one target since its last apply.

    `value` is what the author had written (`None` for a path set), which stood at `path` and
    `line`; `outputs` is what its reconciler returned, `run` the run that carried it out.
    """

    target: str
    digest: Digest
    at: datetime
    value: Mapping[str, Any] | None = None
    path: str | None = None
    line: int | None = None
    outputs: Json = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class RulingRecord:
    """What a gate decided about one plan, as it was recorded."""

    environment: str
    plan: Digest
    at: datetime
    actor: str
    ruling: Json

"""The rows of the state as values: runs, their events and log lines, what was applied, rulings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from chimera.model import ChimeraError, Digest, digest_json

Json = Any
"""A JSON value: what `json.loads` returns."""


class RunStatus(Enum):
    """Where a run stands.

    One that is `waiting` has nothing left but signals and timers that are not due: its process may
    end. One that was rolled back is `compensated`.
    """

    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    WAITING = "waiting"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing can make the run go on."""
        return self in {RunStatus.SUCCEEDED, RunStatus.CANCELLED, RunStatus.COMPENSATED}


class EventKind(Enum):
    """What happened: from PAUSE on to the run, before that to a step."""

    START = "START"
    DONE = "DONE"
    FAIL = "FAIL"
    RETRY = "RETRY"
    SKIP = "SKIP"
    ESCALATE = "ESCALATE"
    WAIT = "WAIT"
    COMP_START = "COMP_START"
    COMP_DONE = "COMP_DONE"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    CANCEL = "CANCEL"
    SIGNAL = "SIGNAL"
    MIGRATE = "MIGRATE"
    HALT = "HALT"


class Event(NamedTuple):
    """One line of a run's journal; a tuple, because a run writes a hundred thousand a second.

    `step` is empty for what happens to the run. `due` is when a RETRY may start or a WAIT is over.
    `seq` is given by the state and rises through all runs. `flag` tells a DONE apart whose output
    did not come from the step's own work: `cached`, `degraded`, `alternative`, `probed`.
    """

    kind: EventKind
    step: str
    attempt: int
    at: datetime
    data: Json = None
    due: datetime | None = None
    seq: int = 0
    flag: str | None = None


class LogLine(NamedTuple):
    """One line that a step wrote; `seq` is given by the state and rises through all runs."""

    step: str
    attempt: int
    at: datetime
    text: str
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a definition for a target of an environment.

    `total`, `done` and `failed` count its steps as far as they are known; `due` is when the first
    of its timers is, while it waits. `number` is the state's own, and rises.
    """

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
    priority: int = 0
    due: datetime | None = None
    total: int = 0
    done: int = 0
    failed: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One value of a collection of an environment; `version` counts how often it was put."""

    collection: str
    id: str
    value: Json
    version: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a compaction took away."""

    runs: int = 0
    events: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True)
class Applied:
    """What an environment holds of one target since its last apply.

    `value` is what the author had written (`None` for a path set), which stood at `path` and
    `line`; `outputs` is what its reconciler returned, `run` the run that carried it out, and
    `revision` the commit that it was applied from, `None` for a work tree.
    """

    target: str
    digest: Digest
    at: datetime
    value: Mapping[str, Any] | None = None
    path: str | None = None
    line: int | None = None
    outputs: Json = None
    run: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class RulingRecord:
    """What a gate decided about one plan, as it was recorded.

    `digest` names the record; it is `None` for one of a version that gave none.
    """

    environment: str
    plan: Digest
    at: datetime
    actor: str
    ruling: Json
    digest: Digest | None = None

    @property
    def is_intact(self) -> bool:
        """Tell whether the record is what its digest was computed of.

        Whoever can write the state can compute a digest as well: this tells a damaged record, or
        one edited by hand, and is no signature.
        """
        row = (self.environment, self.plan, self.at, self.actor, self.ruling)
        try:
            return self.digest == ruling_digest(*row)
        except ChimeraError:  # it holds what no ruling can
            return False


def ruling_digest(environment: str, plan: str, at: datetime, actor: str, ruling: Json) -> Digest:
    """Return the digest of a ruling with all that is recorded beside it."""
    return digest_json(
        {
            "environment": environment,
            "plan": plan,
            "at": at.isoformat(),
            "actor": actor,
            "ruling": ruling,
        }
    )

"""How runs and their steps ended within a time, counted by the database.

The time begins just after its first moment and ends with its last. Refuses to read a run's journal
into memory in order to count it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

from chimera.state.reader import StateReader
from chimera.state.records import RunStatus


class RunEnd(NamedTuple):
    """A run that succeeded or failed, and when it began and ended."""

    uid: str
    status: RunStatus
    created: datetime
    ended: datetime


class StepEnds(NamedTuple):
    """How many steps were done, or failed for good, within the minute that begins `at`."""

    at: datetime
    has_failed: bool
    number: int


_OF = """
    run.environment = ?1 AND (
        CASE json_array_length(?2) WHEN 0 THEN substr(run.target, 1, length(?5)) <> ?5
        ELSE run.target IN (SELECT value FROM json_each(?2)) END)
"""
_RUNS = f"""
    SELECT uid, status, created, updated FROM run
    WHERE {_OF} AND updated > ?3 AND updated <= ?4 AND status IN ('succeeded', 'failed')
    ORDER BY updated, id
"""  # noqa: S608 - nothing of it comes from outside
_STEPS = f"""
    SELECT substr(at, 1, 16), event.kind = 'FAIL', count(*)
    FROM event JOIN run ON run.id = event.run
    WHERE {_OF} AND at > ?3 AND at <= ?4 AND event.kind IN ('DONE', 'FAIL') AND step <> ''
    GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608 - nothing of it comes from outside


def run_ends(
    reader: StateReader,
    environment: str,
    since: datetime,
    until: datetime,
    *,
    targets: Collection[str] = (),
    without: str = "",
) -> tuple[RunEnd, ...]:
    """Return the runs of some targets that ended; of all but those that begin so, without any."""
    rows = reader._rows(_RUNS, *_parameters(environment, since, until, targets, without))
    return tuple(
        RunEnd(
            *(uid, RunStatus(status)),
            *(datetime.fromisoformat(created), datetime.fromisoformat(ended)),
        )
        for uid, status, created, ended in rows
    )


def step_ends(
    reader: StateReader,
    environment: str,
    since: datetime,
    until: datetime,
    *,
    targets: Collection[str] = (),
    without: str = "",
) -> tuple[StepEnds, ...]:
    """Return how many steps ended in each minute, for runs as in `run_ends`."""
    rows = reader._rows(_STEPS, *_parameters(environment, since, until, targets, without))
    return tuple(
        StepEnds(datetime.fromisoformat(minute).replace(tzinfo=UTC), bool(failed), number)
        for minute, failed, number in rows
    )


def first_run(reader: StateReader, environment: str) -> datetime | None:
    """Return when the first run began that the state still has."""
    rows = reader._rows("SELECT min(created) FROM run WHERE environment = ?", environment)
    return next((datetime.fromisoformat(at) for (at,) in rows if at is not None), None)


def _parameters(
    environment: str,
    since: datetime,
    until: datetime,
    targets: Collection[str],
    without: str,
) -> tuple[str, ...]:
    # Longer than any target where nothing is left out, so that none begins so.
    left_out = without or "\0"
    moments = (at.astimezone(UTC).isoformat() for at in (since, until))
    return (environment, json.dumps(sorted(targets)), *moments, left_out)

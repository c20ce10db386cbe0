"""What happened between two moments, counted by the database: runs, their times and failures.

A period is half-open: what happened at its end is the next one's. All moments of the state are in
UTC and written alike, so that texts compare as moments do. Refuses to read a run into memory in
order to count it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from chimera.state.measuring import _seconds
from chimera.state.reader import StateReader
from chimera.state.records import Json, RunStatus


class Span(NamedTuple):
    """A period of some environments."""

    environments: Sequence[str]
    start: datetime
    end: datetime

    @property
    def parameters(self) -> tuple[str, str, str]:
        """What `?1`, `?2` and `?3` of a query of this module are."""
        names = json.dumps(list(self.environments))
        return names, _written(self.start), _written(self.end)


class TargetTally(NamedTuple):
    """How many runs of one target that began in a period stand so; seconds are of all of them."""

    environment: str
    target: str
    status: RunStatus
    runs: int
    seconds: float


class Latency(NamedTuple):
    """How long the runs of a target took that began in a period and have ended.

    `median` and `p95` are by nearest rank: durations that a run had.
    """

    environment: str
    target: str
    ended: int
    median: float
    p95: float
    longest: float


class Trouble(NamedTuple):
    """How often a step of a target's runs failed in a period, and how often it was tried again.

    Elements of a step count together. `last` is when it did so last.
    """

    environment: str
    target: str
    step: str
    failed: int
    retried: int
    escalated: int
    last: datetime


class Ending(NamedTuple):
    """A run that began in a period, and what the last of its steps gave that was done."""

    uid: str
    environment: str
    target: str
    status: RunStatus
    created: datetime
    seconds: float
    output: Json


class Halted(NamedTuple):
    """That a guard stopped a run, and what the journal says of it."""

    at: datetime
    environment: str
    target: str
    uid: str
    told: Json


class Moment(NamedTuple):
    """How many of something were in one minute, or in one hour: `at` is its beginning."""

    at: datetime
    what: str
    number: int


IN_SPAN = "environment IN (SELECT value FROM json_each(?1))"
_RUN_IN = f"{IN_SPAN} AND created >= ?2 AND created < ?3"
_TOOK = f"({_seconds('updated')} - {_seconds('created')})"
_ENDED = "status IN ('succeeded', 'failed', 'cancelled', 'compensated')"

_TARGETS = f"""
    SELECT environment, target, status, count(*), total({_TOOK})
    FROM run WHERE {_RUN_IN} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""  # noqa: S608 - nothing of it comes from outside

_LATENCIES = f"""
    WITH took AS (
        SELECT environment, target, {_TOOK} AS seconds FROM run WHERE {_RUN_IN} AND {_ENDED}
    ), ranked AS (
        SELECT environment, target, seconds,
            row_number() OVER (PARTITION BY environment, target ORDER BY seconds) AS rank,
            count(*) OVER (PARTITION BY environment, target) AS ended
        FROM took
    )
    SELECT environment, target, ended,
        max(CASE WHEN rank = (ended * 50 + 99) / 100 THEN seconds END),
        max(CASE WHEN rank = (ended * 95 + 99) / 100 THEN seconds END), max(seconds)
    FROM ranked GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608 - nothing of it comes from outside

_ENDINGS = f"""
    SELECT uid, environment, target, status, created, {_TOOK},
        (SELECT data FROM event WHERE event.run = run.id AND kind = 'DONE'
            ORDER BY seq DESC LIMIT 1)
    FROM run WHERE {_RUN_IN} AND substr(target, 1, length(?4)) = ?4 ORDER BY id DESC LIMIT ?5
"""  # noqa: S608 - nothing of it comes from outside

_TROUBLES = f"""
    SELECT environment, target,
        CASE WHEN instr(step, '[') THEN substr(step, 1, instr(step, '[') - 1) ELSE step END AS name,
        sum(kind = 'FAIL'), sum(kind = 'RETRY'), sum(kind = 'ESCALATE'), max(at)
    FROM event JOIN run ON run.id = event.run
    WHERE {IN_SPAN} AND at >= ?2 AND at < ?3 AND step <> ''
        AND kind IN ('FAIL', 'RETRY', 'ESCALATE')
    GROUP BY 1, 2, 3 ORDER BY sum(kind <> 'RETRY') DESC, 5 DESC, 1, 2, 3
"""  # noqa: S608 - nothing of it comes from outside

_HALTS = f"""
    SELECT at, environment, target, uid, data FROM event JOIN run ON run.id = event.run
    WHERE {IN_SPAN} AND at >= ?2 AND at < ?3 AND kind = 'HALT' ORDER BY seq DESC
"""  # noqa: S608 - nothing of it comes from outside

_RUN_MOMENTS = f"""
    SELECT substr(created, 1, ?4), status, count(*) FROM run WHERE {_RUN_IN} GROUP BY 1, 2
    ORDER BY 1, 2
"""  # noqa: S608 - nothing of it comes from outside

_FAILURE_MOMENTS = f"""
    SELECT substr(at, 1, ?4), target, count(*) FROM event JOIN run ON run.id = event.run
    WHERE {IN_SPAN} AND at >= ?2 AND at < ?3 AND kind IN ('FAIL', 'ESCALATE') AND step <> ''
    GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608 - nothing of it comes from outside

_EVENT_MOMENTS = f"""
    SELECT substr(at, 1, ?4), 'events', count(*) FROM event JOIN run ON run.id = event.run
    WHERE {IN_SPAN} AND at >= ?2 AND at < ?3 GROUP BY 1 ORDER BY 1
"""  # noqa: S608 - nothing of it comes from outside

_BEFORE = f"""
    SELECT count(*) FROM run WHERE {IN_SPAN} AND created < ?2 AND ?3 IS NOT NULL
"""  # noqa: S608 - nothing of it comes from outside

_UNDER_WAY = f"""
    WITH busy AS MATERIALIZED (
        SELECT max(created, ?2) AS began, min(updated, ?3) AS ended FROM run
        WHERE {IN_SPAN} AND created < ?3 AND updated > ?2
    )
    SELECT part.key, total({_seconds("min(ended, part.value ->> 1)")}
        - {_seconds("max(began, part.value ->> 0)")})
    FROM json_each(?4) AS part JOIN busy
        ON began < part.value ->> 1 AND ended > part.value ->> 0
    GROUP BY part.key ORDER BY part.key
"""  # noqa: S608 - nothing of it comes from outside

_ENVIRONMENTS = """
    SELECT environment FROM run UNION SELECT environment FROM applied
    UNION SELECT environment FROM ruling UNION SELECT environment FROM item ORDER BY 1
"""


def known_environments(reader: StateReader) -> tuple[str, ...]:
    """Return the environments that the state holds anything of, sorted."""
    return tuple(name for (name,) in reader._rows(_ENVIRONMENTS))


def target_tallies(reader: StateReader, span: Span) -> tuple[TargetTally, ...]:
    """Return how many runs that began in the period stand how, by target."""
    return tuple(
        TargetTally(environment, target, RunStatus(status), runs, seconds)
        for environment, target, status, runs, seconds in reader._rows(_TARGETS, *span.parameters)
    )


def latencies(reader: StateReader, span: Span) -> tuple[Latency, ...]:
    """Return how long the runs took that began in the period and have ended, by target."""
    return tuple(Latency(*row) for row in reader._rows(_LATENCIES, *span.parameters))


def endings(reader: StateReader, span: Span, kind: str, limit: int = -1) -> tuple[Ending, ...]:
    """Return the runs of targets of a kind that began in the period, the newest first."""
    rows = reader._rows(_ENDINGS, *span.parameters, f"{kind}/", limit)
    return tuple(
        Ending(
            *(uid, environment, target, RunStatus(status), moment_of(created), seconds),
            reader.decode(data),
        )
        for uid, environment, target, status, created, seconds, data in rows
    )


def troubles(reader: StateReader, span: Span) -> tuple[Trouble, ...]:
    """Return which steps failed or were tried again in the period, what failed most first."""
    return tuple(
        Trouble(*row)._replace(last=moment_of(row[-1]))
        for row in reader._rows(_TROUBLES, *span.parameters)
    )


def halts_in(reader: StateReader, span: Span) -> tuple[Halted, ...]:
    """Return how guards stopped runs in the period, the newest first."""
    return tuple(
        Halted(moment_of(at), environment, target, uid, reader.decode(data))
        for at, environment, target, uid, data in reader._rows(_HALTS, *span.parameters)
    )


def run_moments(reader: StateReader, span: Span, *, hourly: bool) -> tuple[Moment, ...]:
    """Return how many runs began when, by their status now."""
    return _moments(reader, _RUN_MOMENTS, span, hourly=hourly)


def failure_moments(reader: StateReader, span: Span, *, hourly: bool) -> tuple[Moment, ...]:
    """Return how many steps failed when, by the target of their run."""
    return _moments(reader, _FAILURE_MOMENTS, span, hourly=hourly)


def event_moments(reader: StateReader, span: Span, *, hourly: bool) -> tuple[Moment, ...]:
    """Return how many lines the journal got when."""
    return _moments(reader, _EVENT_MOMENTS, span, hourly=hourly)


def under_way(
    reader: StateReader, span: Span, parts: Sequence[tuple[datetime, datetime]]
) -> tuple[float, ...]:
    """Return for how many seconds runs were under way in each part of the period, together.

    Of one that has not ended it is known until what was last written of it.
    """
    edges = json.dumps([[_written(start), _written(end)] for start, end in parts])
    found = dict(reader._rows(_UNDER_WAY, *span.parameters, edges))
    return tuple(float(found.get(number, 0.0)) for number in range(len(parts)))


def runs_before(reader: StateReader, span: Span) -> int:
    """Return how many runs of before the period the state still has."""
    return next((int(number) for (number,) in reader._rows(_BEFORE, *span.parameters)), 0)


def _moments(reader: StateReader, query: str, span: Span, *, hourly: bool) -> tuple[Moment, ...]:
    length = len("2026-11-21T10" if hourly else "2026-11-21T10:00")
    rows: Iterator[tuple[Any, ...]] = reader._rows(query, *span.parameters, length)
    return tuple(
        Moment(datetime.fromisoformat(at).replace(tzinfo=UTC), what, number)
        for at, what, number in rows
    )


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def moment_of(text: str) -> datetime:
    """Return the moment that a text of the database is."""
    return datetime.fromisoformat(text)

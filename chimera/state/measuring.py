"""Sums over runs and their journals, made by the database: nothing is read that is not counted.

Times are to the microsecond, as they were recorded. Refuses to measure more than the newest runs
that are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from chimera.state.reader import StateReader
from chimera.state.records import Json, Run, RunStatus


class RunTally(NamedTuple):
    """How many runs of an environment, of targets of one kind, stand so.

    `seconds` is how long they took, from when they were made to what happened last.
    """

    environment: str
    kind: str
    status: RunStatus
    runs: int
    seconds: float


class StepTally(NamedTuple):
    """How the attempts of one step went, in all runs of one definition; elements count together.

    `seconds` is of the attempts that ended, `ended` of them; `longest` is the longest of these.
    """

    environment: str
    definition: str
    step: str
    done: int
    failed: int
    retried: int
    ended: int
    seconds: float
    longest: float


def _seconds(column: str) -> str:
    """Return SQL for an instant in seconds: SQLite's own functions round to milliseconds."""
    return (
        f"(CAST(strftime('%s', substr({column}, 1, 19)) AS INTEGER)"
        f" + CAST('0' || substr({column}, 20, 7) AS REAL))"
    )


_RUNS = f"""
    SELECT environment, substr(target, 1, instr(target || '/', '/') - 1), status, count(*),
        total({_seconds("updated")} - {_seconds("created")})
    FROM run GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""  # noqa: S608 - nothing of it comes from outside

_STEPS = f"""
    WITH recent AS (SELECT id, spec, environment FROM run ORDER BY id DESC LIMIT ?),
    attempt AS (
        SELECT run, step, attempt,
            max(CASE WHEN kind = 'START' THEN {_seconds("at")} END) AS began,
            max(CASE WHEN kind IN ('DONE', 'FAIL', 'RETRY') THEN {_seconds("at")} END) AS ended,
            max(kind = 'DONE') AS done, max(kind = 'FAIL') AS failed, max(kind = 'RETRY') AS retried
        FROM event WHERE run IN (SELECT id FROM recent) AND step <> ''
            AND kind IN ('START', 'DONE', 'FAIL', 'RETRY')
        GROUP BY run, step, attempt
    )
    SELECT environment, spec,
        CASE WHEN instr(step, '[') THEN substr(step, 1, instr(step, '[') - 1) ELSE step END AS name,
        sum(done), sum(failed), sum(retried), count(ended - began),
        total(ended - began), coalesce(max(ended - began), 0.0)
    FROM attempt JOIN recent ON recent.id = attempt.run
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""  # noqa: S608 - nothing of it comes from outside


def run_tallies(reader: StateReader) -> tuple[RunTally, ...]:
    """Return how many runs stand how, by environment, kind of target and status."""
    return tuple(
        RunTally(environment, kind, RunStatus(status), runs, seconds)
        for environment, kind, status, runs, seconds in reader._rows(_RUNS)
    )


def step_tallies(reader: StateReader, newest: int | None = None) -> tuple[StepTally, ...]:
    """Return how the steps of the `newest` runs, or of all, went: by definition and step."""
    return tuple(StepTally(*row) for row in reader._rows(_STEPS, -1 if newest is None else newest))


def busy_seconds(reader: StateReader, run: Run) -> float:
    """Return how long the attempts of a run's steps took together that have ended."""
    for (seconds,) in reader._rows(_BUSY, run.number):
        return float(seconds)
    return 0.0


_BUSY = f"""
    SELECT total(ended - began) FROM (
        SELECT max(CASE WHEN kind = 'START' THEN {_seconds("at")} END) AS began,
            max(CASE WHEN kind <> 'START' THEN {_seconds("at")} END) AS ended
        FROM event WHERE run = ? AND kind IN ('START', 'DONE', 'FAIL', 'RETRY')
        GROUP BY step, attempt)
"""  # noqa: S608 - nothing of it comes from outside


def definitions(reader: StateReader, digests: Iterable[str]) -> dict[str, Json]:
    """Return the definitions that runs are pinned to, by their digests."""
    found = {}
    for digest in digests:
        for (text,) in reader._rows("SELECT definition FROM spec WHERE digest = ?", digest):
            found[digest] = reader._objects.decode(text)
    return found


def faults(reader: StateReader) -> tuple[str, ...]:
    """Return what is wrong with the database and with what it refers to, a line each.

    Looks at every page and at every file of a large value, and reads none of these files.
    """
    if not reader.layout.database.exists():
        return ()
    pages = [str(text) for (text,) in reader._rows("PRAGMA quick_check(5)") if text != "ok"]
    objects = reader.layout.objects
    missing = [
        f"the file of a large value is missing: {name}"
        for (name,) in reader._rows(_LARGE)
        if not (objects / name[7:9] / name[9:]).is_file()
    ]
    twice = [f"run {uid} has recorded {step} as done twice" for uid, step in reader._rows(_TWICE)]
    return (*pages, *missing, *twice)


_LARGE = """
    SELECT DISTINCT substr(data, 2) FROM event WHERE data LIKE '@sha256:%'
    UNION SELECT substr(definition, 2) FROM spec WHERE definition LIKE '@sha256:%'
    UNION SELECT substr(input, 2) FROM run WHERE input LIKE '@sha256:%'
"""
_TWICE = """
    SELECT uid, step FROM event JOIN run ON run.id = event.run
    WHERE kind = 'DONE' AND run.id NOT IN
        (SELECT run FROM event WHERE kind IN ('RESUME', 'MIGRATE', 'SIGNAL', 'RETRY'))
    GROUP BY run.id, step HAVING count(*) > 1 LIMIT 5
"""

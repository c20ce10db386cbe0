"""What gates decided between two moments: rulings, what spoke against plans, spent approvals.

Looked into by the database; rulings in files of their own are few and read one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from chimera.model import Digest
from chimera.state.periods import IN_SPAN, Span, moment_of
from chimera.state.reader import StateReader
from chimera.state.records import Json, RulingRecord


class Spent(NamedTuple):
    """An approval that let a change of a target through."""

    environment: str
    approval: Digest
    target: str
    at: datetime


class Objection(NamedTuple):
    """How often a judge spoke against a subject at a stage of the gate."""

    stage: str
    judge: str
    subject: str
    times: int


_SPENT = f"""
    SELECT environment, approval, target, at FROM spent WHERE {IN_SPAN} AND at >= ?2 AND at < ?3
    ORDER BY at, environment, target, approval
"""  # noqa: S608 - nothing of it comes from outside

_RULINGS = f"""
    SELECT environment, plan, at, actor, ruling, digest FROM ruling
    WHERE {IN_SPAN} AND at >= ?2 AND at < ?3 ORDER BY id
"""  # noqa: S608 - nothing of it comes from outside

_PASSED = "passed"
_READABLE = "CASE WHEN json_valid(ruling) THEN ruling ELSE '{}' END"
_OUTCOMES = f"""
    SELECT coalesce(json_extract({_READABLE}, '$.outcome'), 'unreadable'), count(*)
    FROM ruling WHERE {IN_SPAN} AND at >= ?2 AND at < ?3 AND json_valid(ruling) GROUP BY 1
"""  # noqa: S608 - nothing of it comes from outside

# Those in files of their own, and those that are damaged: the database cannot look into them.
_LARGE = f"""
    SELECT environment, plan, at, actor, ruling, digest FROM ruling
    WHERE {IN_SPAN} AND at >= ?2 AND at < ?3 AND NOT json_valid(ruling)
"""  # noqa: S608 - nothing of it comes from outside

_APPROVALS = f"""
    SELECT DISTINCT approval.value, approval.key
    FROM ruling, json_each({_READABLE}, '$.weighed.approvals') AS approval
    WHERE {IN_SPAN} AND at >= ?2 AND at < ?3 ORDER BY 1, 2
"""  # noqa: S608 - nothing of it comes from outside

# What is no object where one belongs was edited by hand: it is looked into no further.
_OBJECTIONS = f"""
    SELECT json_extract(verdict.value, '$.stage'), json_extract(verdict.value, '$.judge'),
        json_extract(verdict.value, '$.subject'), count(*)
    FROM (
        SELECT json_set(inner.value, '$.stage', json_extract(stage.value, '$.stage')) AS value
        FROM ruling,
            json_each({_READABLE}, '$.stages') AS stage,
            json_each(
                CASE stage.type WHEN 'object' THEN stage.value ELSE '{{}}' END, '$.verdicts'
            ) AS inner
        WHERE {IN_SPAN} AND at >= ?2 AND at < ?3 AND inner.type = 'object'
    ) AS verdict
    WHERE json_extract(verdict.value, '$.finding') IS NOT 'pass'
    GROUP BY 1, 2, 3
"""  # noqa: S608 - nothing of it comes from outside

_REFUSED = f"""
    SELECT environment, plan, at, actor, ruling, digest FROM ruling
    WHERE {IN_SPAN} AND at >= ?2 AND at < ?3 AND json_valid(ruling)
        AND json_extract({_READABLE}, '$.outcome') IS NOT '{_PASSED}'
    ORDER BY at DESC, id DESC LIMIT ?4
"""  # noqa: S608 - nothing of it comes from outside


def spent_in(reader: StateReader, span: Span) -> tuple[Spent, ...]:
    """Return the approvals that let something through in the period, in order of time."""
    return tuple(
        Spent(environment, approval, target, moment_of(at))
        for environment, approval, target, at in reader._rows(_SPENT, *span.parameters)
    )


def approval_names(reader: StateReader, span: Span) -> dict[Digest, str]:
    """Return the addresses of the approvals that rulings of the period weighed, by digest."""
    found = {str(digest): str(name) for digest, name in reader._rows(_APPROVALS, *span.parameters)}
    for row in reader._rows(_LARGE, *span.parameters):
        with suppress(KeyError, TypeError, AttributeError):
            weighed = reader._ruling(row).ruling["weighed"]["approvals"]
            found.update({str(digest): str(name) for name, digest in weighed.items()})
    return found


def rulings_in(reader: StateReader, span: Span) -> Iterator[RulingRecord]:
    """Yield what gates decided in the period, in order."""
    return map(reader._ruling, reader._rows(_RULINGS, *span.parameters))


def ruling_outcomes(reader: StateReader, span: Span) -> dict[str, int]:
    """Return how many rulings of the period came to what: `passed`, `failed` and the rest."""
    found = Counter(dict(reader._rows(_OUTCOMES, *span.parameters)))
    found.update(map(_outcome, map(reader._ruling, reader._rows(_LARGE, *span.parameters))))
    return dict(sorted(found.items()))


def refused_in(reader: StateReader, span: Span, limit: int) -> tuple[RulingRecord, ...]:
    """Return the newest rulings of the period that let nothing through, the newest first."""
    large = [reader._ruling(row) for row in reader._rows(_LARGE, *span.parameters)]
    small = [reader._ruling(row) for row in reader._rows(_REFUSED, *span.parameters, limit)]
    refused = [*(each for each in large if _outcome(each) != _PASSED), *small]
    refused.sort(key=lambda record: (record.at, record.digest or ""), reverse=True)
    return tuple(refused[:limit])


def objections(reader: StateReader, span: Span) -> tuple[Objection, ...]:
    """Return what spoke against plans in the period, most often first."""
    found: Counter[tuple[str, str, str]] = Counter()
    for stage, judge, subject, times in reader._rows(_OBJECTIONS, *span.parameters):
        found[str(stage), str(judge), str(subject)] += times
    for row in reader._rows(_LARGE, *span.parameters):
        found.update(_objections_of(reader._ruling(row).ruling))
    every = (Objection(*who, times) for who, times in found.items())
    return tuple(sorted(every, key=lambda each: (-each.times, each)))


def _objections_of(ruling: Json) -> Iterator[tuple[str, str, str]]:
    """Yield what spoke against one plan; a ruling that was damaged tells of nothing."""
    with suppress(KeyError, TypeError, AttributeError):
        for stage in ruling["stages"]:
            for verdict in stage["verdicts"]:
                if verdict["finding"] != "pass":
                    yield str(stage["stage"]), str(verdict["judge"]), str(verdict["subject"])


def _outcome(record: RulingRecord) -> str:
    value: Json = record.ruling
    return str(value.get("outcome")) if isinstance(value, dict) else "unreadable"

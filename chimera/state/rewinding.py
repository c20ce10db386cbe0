"""A copy of the state taken back to the moment at which one run ended.

The journal only grows, so that its beginning is a journal, too: the one that a crash at that moment
would have left. What later runs did is taken out of it, and a run that was going on then is
interrupted, and goes on from there. What the state overwrites cannot be had back: where any of it
may have changed since, that is said, and nothing is taken back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from chimera.model import UsageError
from chimera.state.database import connect_writer, translated
from chimera.state.layout import Layout
from chimera.state.records import RunStatus

BY_TIME = ("health", "outbox")
"""Collections whose ids begin with the moment of each value: what is later is known."""

_ENDED = {RunStatus.SUCCEEDED, RunStatus.CANCELLED, RunStatus.COMPENSATED, RunStatus.FAILED}


@dataclass(frozen=True, slots=True)
class Rewound:
    """What was taken back: the moment, and how many events, runs; which runs it interrupted.

    `obstacles` say why nothing was.
    """

    uid: str
    event: int
    at: str
    events: int = 0
    runs: int = 0
    interrupted: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Moment:
    """The end of a run: its last event, and when its end was recorded."""

    id: int
    environment: str
    target: str
    event: int
    at: str
    epoch: int


def rewind(layout: Layout, uid: str) -> Rewound:
    """Take a copy of the state back to the end of a run, or say in `obstacles` why that cannot be.

    The copy is in the present format. Raises `UsageError` for a run that is not in it or has not
    ended, `StateError` where the copy is damaged.
    """
    with translated(layout.database), closing(connect_writer(layout, is_whole=True)) as copy:
        moment = _end_of(copy, uid)
        obstacles = tuple(_obstacles(copy, uid, moment))
        if obstacles:
            return Rewound(uid, moment.event, moment.at, obstacles=obstacles)
        copy.execute("BEGIN IMMEDIATE")
        found = _take_back(copy, uid, moment)
        copy.execute("COMMIT")
        copy.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return found


def _end_of(copy: sqlite3.Connection, uid: str) -> _Moment:
    row = copy.execute(
        "SELECT id, environment, target, updated, epoch, status,"
        " (SELECT coalesce(max(seq), 0) FROM event WHERE event.run = run.id)"
        " FROM run WHERE uid = ?",
        (uid,),
    ).fetchone()
    if row is None:
        raise UsageError(f"there is no run {uid} in the backup")
    id, environment, target, updated, epoch, status, event = row
    if RunStatus(status) not in _ENDED:
        raise UsageError(f"the run {uid} has not ended in the backup: it is {status}")
    return _Moment(id, environment, target, event, updated, epoch)


def _obstacles(copy: sqlite3.Connection, uid: str, m: _Moment) -> Iterator[str]:
    """Yield what may have been overwritten after the moment, for each kind of thing."""
    for what, query, values in (
        (
            "targets were applied or settled",
            "SELECT count(*) FROM applied WHERE at > ? AND run IS NOT ?",
            (m.at, uid),
        ),
        ("rulings were made: what they let through is not known", _LATER_RULINGS, (m.at,)),
        (
            "approvals were spent",
            "SELECT count(*) FROM spent WHERE at > ? AND NOT (environment = ? AND target = ?)",
            (m.at, m.environment, m.target),
        ),
        (
            "runs were moved to another definition",
            "SELECT count(DISTINCT run) FROM event WHERE seq > ? AND kind = 'MIGRATE'",
            (m.event,),
        ),
    ):
        (number,) = copy.execute(query, values).fetchone()
        if number:
            yield f"after it, {number} {what}"
    (epoch,) = copy.execute("SELECT epoch FROM writer").fetchone()
    (events,) = copy.execute("SELECT count(*) FROM event WHERE seq > ?", (m.event,)).fetchone()
    if events or epoch != m.epoch:
        names = copy.execute(
            "SELECT DISTINCT collection FROM item WHERE collection NOT IN (?, ?) ORDER BY 1",
            BY_TIME,
        )
        found = [name for (name,) in names]
        if found:
            yield f"what these keep may have changed after it: {', '.join(found)}"


_LATER_RULINGS = "SELECT count(*) FROM ruling WHERE at > ?"


def _take_back(copy: sqlite3.Connection, uid: str, m: _Moment) -> Rewound:
    """Delete what came after the moment, and leave what was going on then as a crash would."""
    copy.execute("CREATE TEMP TABLE later AS SELECT id FROM run WHERE created > ?", (m.at,))
    copy.execute(
        "CREATE TEMP TABLE going AS SELECT id FROM run WHERE id NOT IN (SELECT id FROM later)"
        " AND id <> ? AND (updated > ? OR id IN (SELECT run FROM event WHERE seq > ?))",
        (m.id, m.at, m.event),
    )
    events = copy.execute("DELETE FROM event WHERE seq > ?", (m.event,)).rowcount
    copy.execute("DELETE FROM log WHERE at > ? OR run IN (SELECT id FROM later)", (m.at,))
    runs = copy.execute("DELETE FROM run WHERE id IN (SELECT id FROM later)").rowcount
    copy.execute("DELETE FROM spec WHERE digest NOT IN (SELECT spec FROM run)")
    copy.execute("DELETE FROM cache WHERE at > ?", (m.at,))
    for collection in BY_TIME:
        copy.execute(_LATER_ITEMS, (collection, m.at))
    copy.execute(_LEFT, (m.at,))
    interrupted = tuple(
        name
        for (name,) in copy.execute(
            "SELECT uid FROM run WHERE id IN (SELECT id FROM going) ORDER BY id"
        )
    )
    return Rewound(uid, m.event, m.at, events, runs, interrupted)


_LATER_ITEMS = """
    DELETE FROM item WHERE collection = ? AND substr(id, 1, instr(id || '/', '/') - 1) > ?
"""
_LEFT = """
    UPDATE run SET due = NULL, settled = 0, updated = ?,
        status = CASE
            WHEN EXISTS (SELECT 1 FROM event WHERE event.run = run.id AND kind LIKE 'COMP_%')
                THEN 'compensating'
            WHEN 'PAUSE' = (SELECT kind FROM event WHERE event.run = run.id AND step = ''
                AND kind IN ('PAUSE', 'RESUME') ORDER BY seq DESC LIMIT 1) THEN 'paused'
            ELSE 'interrupted' END,
        done = (SELECT count(DISTINCT step) FROM event
            WHERE event.run = run.id AND kind IN ('DONE', 'SKIP')),
        failed = 0
    WHERE id IN (SELECT id FROM going)
"""
"""As the process that executed them would have left them, had it been killed then."""

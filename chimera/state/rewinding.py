"""A copy of the state taken back to the moment at which one run ended.

The journal only grows, so that its beginning is a journal, too: the one that a crash at that moment
would have left. What later runs did is taken out of it, and a run that was going on then is
interrupted, and goes on from there. What the state overwrites cannot be had back: where any of it
may have changed since, that is said, and nothing is taken back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

from chimera.model import UsageError
from chimera.state.database import connect_writer, translated
from chimera.state.layout import Layout
from chimera.state.objects import Objects
from chimera.state.records import Json, RunStatus

BY_TIME = "outbox"
"""The collection whose ids begin with the moment of each value: what is later is known."""
OBSERVED = "health"
"""What the names of collections begin with that say what was seen: it was seen all the same."""

_NAMED = 5
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


Actions = Callable[[Json], Iterable[tuple[str, str]]]
"""Gives the targets of a ruling that passed, with what was to be done to each."""


def rewind(layout: Layout, uid: str, actions: Actions) -> Rewound:
    """Take a copy of the state back to the end of a run, or say in `obstacles` why that cannot be.

    The copy is in the present format. Raises `UsageError` for a run that is not in it or has not
    ended, `StateError` where the copy is damaged.
    """
    with translated(layout.database), closing(connect_writer(layout, is_whole=True)) as copy:
        moment = _end_of(copy, uid)
        ruled = _ruled(copy, Objects(layout.objects), moment, actions)
        made = tuple(_made_later(copy, uid, moment, ruled))
        obstacles = tuple(_obstacles(copy, uid, moment, ruled, made))
        if obstacles:
            return Rewound(uid, moment.event, moment.at, obstacles=obstacles)
        copy.execute("BEGIN IMMEDIATE")
        found = _take_back(copy, uid, moment, made)
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


_Target = tuple[str, str]
"""Environment and target."""


def _ruled(
    copy: sqlite3.Connection, objects: Objects, m: _Moment, actions: Actions
) -> dict[_Target, str]:
    """Return what was to be done first to each target after the moment.

    That is by the first ruling after it, or else by the last before it, which may have been
    carried out since.
    """
    rows = copy.execute("SELECT environment, at, ruling FROM ruling ORDER BY id").fetchall()
    before: dict[str, dict[_Target, str]] = {}
    after: dict[_Target, str] = {}
    for environment, at, text in rows:
        found = {(environment, target): action for target, action in actions(objects.decode(text))}
        if at <= m.at:
            before[environment] = found
        else:
            after = {**found, **after}
    last = {target: action for found in before.values() for target, action in found.items()}
    return {**last, **after}


def _made_later(
    copy: sqlite3.Connection, uid: str, m: _Moment, ruled: Mapping[_Target, str]
) -> Iterator[_Target]:
    """Yield the targets that were applied after the moment, and of which there was nothing then."""
    for target in _applied_later(copy, uid, m):
        if ruled.get(target) == "create":
            yield target


def _applied_later(copy: sqlite3.Connection, uid: str, m: _Moment) -> list[_Target]:
    return copy.execute(
        "SELECT environment, target FROM applied WHERE at > ? AND run IS NOT ?", (m.at, uid)
    ).fetchall()


def _obstacles(
    copy: sqlite3.Connection,
    uid: str,
    m: _Moment,
    ruled: Mapping[_Target, str],
    made: Collection[_Target],
) -> Iterator[str]:
    """Yield what was overwritten after the moment, or may have been, for each kind of thing."""
    own = (m.environment, m.target)
    lost = [target for target in _applied_later(copy, uid, m) if target not in made]
    there = set(copy.execute("SELECT environment, target FROM applied"))
    gone = [t for t, action in ruled.items() if action == "delete" and t not in there]
    spent = copy.execute("SELECT environment, target FROM spent WHERE at > ?", (m.at,))
    moved = copy.execute(
        "SELECT DISTINCT uid, run.id FROM event JOIN run ON run.id = event.run"
        " WHERE seq > ? AND event.kind = 'MIGRATE'",
        (m.event,),
    )
    for what, found in (
        ("applied anew after it", [target for _, target in lost]),
        ("removed after it, or just before", [target for _, target in gone]),
        (
            "let through by approvals that were spent after it",
            [t for e, t in spent if (e, t) != own and (e, t) not in made],
        ),
        ("moved to another definition after it", [f"run {name}" for name, _ in moved]),
        ("may have changed after it", [f"collection {c}" for c in _collections(copy, m)]),
    ):
        if found:
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            yield f"{what}: {', '.join(sorted(found)[:_NAMED])}{more}"


def _collections(copy: sqlite3.Connection, m: _Moment) -> list[str]:
    """Return the collections of which nothing says when they changed, where anybody wrote since."""
    (epoch,) = copy.execute("SELECT epoch FROM writer").fetchone()
    (events,) = copy.execute("SELECT count(*) FROM event WHERE seq > ?", (m.event,)).fetchone()
    if not events and epoch == m.epoch:
        return []
    return [
        name
        for (name,) in copy.execute(
            "SELECT DISTINCT collection FROM item"
            " WHERE collection <> ?1 AND substr(collection, 1, length(?2)) <> ?2",
            (BY_TIME, OBSERVED),
        )
    ]


def _take_back(copy: sqlite3.Connection, uid: str, m: _Moment, made: Iterable[_Target]) -> Rewound:
    """Delete what came after the moment, and leave what was going on then as a crash would."""
    for target in made:
        copy.execute("DELETE FROM applied WHERE environment = ? AND target = ?", target)
        copy.execute(
            "DELETE FROM spent WHERE environment = ? AND target = ? AND at > ?", (*target, m.at)
        )
    copy.execute("DELETE FROM ruling WHERE at > ?", (m.at,))
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
    copy.execute(_LATER_ITEMS, (BY_TIME, m.at))
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

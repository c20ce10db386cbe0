"""Retention: takes what nobody needs any more out of the database, and gives the room back.

A run goes with its events and its log, then definitions and files that nothing refers to. Refuses
to touch a run that is not over, or whose outcome an apply has still to take, and all that was
applied, ruled and spent.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from chimera.state.objects import Objects
from chimera.state.records import Pruned

REFERRING = (
    "SELECT data FROM event WHERE data LIKE '@%'",
    "SELECT definition FROM spec WHERE definition LIKE '@%'",
    "SELECT input FROM run WHERE input LIKE '@%'",
    "SELECT value FROM applied WHERE value LIKE '@%'",
    "SELECT outputs FROM applied WHERE outputs LIKE '@%'",
    "SELECT ruling FROM ruling WHERE ruling LIKE '@%'",
    "SELECT value FROM item WHERE value LIKE '@%'",
    "SELECT value FROM cache WHERE value LIKE '@%'",
)
"""Every column in which the name of a large value's file may stand."""

_CHOOSE = """
    INSERT INTO gone SELECT id FROM run
    WHERE (status IN ('cancelled', 'compensated')
        OR (status IN ('succeeded', 'failed') AND (settled OR EXISTS (
            SELECT 1 FROM run AS later WHERE later.environment = run.environment
            AND later.target = run.target AND later.id > run.id))))
    AND uid NOT IN (SELECT run FROM applied WHERE run IS NOT NULL)
    AND updated < ?1
"""


def forget(connection: sqlite3.Connection, before: datetime) -> Pruned:
    """Delete runs that ended earlier, results kept by content, and messages in the outbox."""
    age = before.isoformat()
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS gone (id INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM gone")
    connection.execute(_CHOOSE, (age,))
    (runs,) = connection.execute("SELECT count(*) FROM gone").fetchone()
    events = connection.execute("DELETE FROM event WHERE run IN gone").rowcount
    connection.execute("DELETE FROM log WHERE run IN gone")
    connection.execute("DELETE FROM run WHERE id IN gone")
    connection.execute("DELETE FROM spec WHERE digest NOT IN (SELECT spec FROM run)")
    connection.execute("DELETE FROM cache WHERE at < ?", (age,))
    connection.execute("DELETE FROM item WHERE collection = 'outbox' AND id < ?", (age,))
    return Pruned(runs, events)


def remove_files(connection: sqlite3.Connection, objects: Objects) -> int:
    """Remove the files that no row refers to; return how many there were."""
    used = {text for query in REFERRING for (text,) in connection.execute(query)}
    return objects.remove_except(used)


def give_room_back(connection: sqlite3.Connection) -> None:
    """Make the file as small as what is in it; a database of an earlier format is rewritten."""
    (mode,) = connection.execute("PRAGMA auto_vacuum").fetchone()
    if mode == 2:
        # A script is stepped to its end; a statement without columns is left after its first step.
        connection.executescript("PRAGMA incremental_vacuum")
    else:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("VACUUM")
    # Somebody who reads keeps the journal from being cut short: the next time is as good.
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0").fetchall()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute(f"PRAGMA busy_timeout = {int(patience)}").fetchall()

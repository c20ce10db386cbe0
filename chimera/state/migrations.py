"""The schema of the database, as numbered migrations. A migration that was released never changes.

`PRAGMA user_version` holds the number of the last one. Refuses a database of a later Chimera.
"""

from __future__ import annotations

import sqlite3

from chimera.model import StateError

MIGRATIONS = (
    """
    CREATE TABLE writer (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL) STRICT;
    INSERT INTO writer VALUES (1, 0);

    CREATE TABLE spec (digest TEXT PRIMARY KEY, definition TEXT) STRICT, WITHOUT ROWID;

    CREATE TABLE run (
        id INTEGER PRIMARY KEY,
        uid TEXT NOT NULL UNIQUE,
        environment TEXT NOT NULL,
        target TEXT NOT NULL,
        spec TEXT NOT NULL REFERENCES spec,
        input TEXT,
        status TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        actor TEXT NOT NULL,
        created TEXT NOT NULL,
        updated TEXT NOT NULL,
        settled INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX run_by_target ON run (environment, target, id);

    CREATE TABLE event (
        seq INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES run,
        kind TEXT NOT NULL,
        step TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        at TEXT NOT NULL,
        data TEXT,
        due TEXT
    ) STRICT;
    CREATE INDEX event_by_run ON event (run);

    CREATE TABLE log (
        seq INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES run,
        step TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        at TEXT NOT NULL,
        text TEXT NOT NULL
    ) STRICT;
    CREATE INDEX log_by_run ON log (run);

    CREATE TABLE applied (
        environment TEXT NOT NULL,
        target TEXT NOT NULL,
        digest TEXT NOT NULL,
        at TEXT NOT NULL,
        value TEXT,
        path TEXT,
        line INTEGER,
        outputs TEXT,
        run TEXT,
        PRIMARY KEY (environment, target)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE ruling (
        id INTEGER PRIMARY KEY,
        environment TEXT NOT NULL,
        plan TEXT NOT NULL,
        at TEXT NOT NULL,
        actor TEXT NOT NULL,
        ruling TEXT
    ) STRICT;
    CREATE INDEX ruling_by_environment ON ruling (environment, id);
    """,
    """
    CREATE TABLE spent (
        environment TEXT NOT NULL,
        approval TEXT NOT NULL,
        target TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (environment, approval, target)
    ) STRICT, WITHOUT ROWID;

    ALTER TABLE applied ADD COLUMN revision TEXT;

    ALTER TABLE ruling ADD COLUMN digest TEXT;
    CREATE INDEX ruling_by_digest ON ruling (digest);
    """,
    """
    ALTER TABLE run ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE run ADD COLUMN due TEXT;
    ALTER TABLE run ADD COLUMN total INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE run ADD COLUMN done INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE run ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;
    UPDATE run SET
        total = (SELECT count(DISTINCT step) FROM event WHERE event.run = run.id AND step <> ''),
        done = (SELECT count(DISTINCT step) FROM event
            WHERE event.run = run.id AND kind IN ('DONE', 'SKIP')),
        failed = (SELECT count(DISTINCT step) FROM event AS e
            WHERE e.run = run.id AND kind IN ('FAIL', 'ESCALATE') AND NOT EXISTS (
                SELECT 1 FROM event AS later WHERE later.run = run.id AND later.seq > e.seq
                AND (later.step = e.step OR later.kind = 'RESUME')));
    CREATE INDEX run_by_due ON run (due) WHERE due IS NOT NULL;
    CREATE INDEX run_unfinished ON run (environment, status)
        WHERE status NOT IN ('succeeded', 'cancelled', 'compensated', 'failed');

    ALTER TABLE event ADD COLUMN flag TEXT;

    CREATE TABLE item (
        environment TEXT NOT NULL,
        collection TEXT NOT NULL,
        id TEXT NOT NULL,
        value TEXT NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (environment, collection, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE cache (
        key TEXT PRIMARY KEY,
        value TEXT,
        at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX cache_by_age ON cache (at);
    """,
)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration; 0 for a database that is being made.

    Raises `StateError` for one that this version of Chimera does not know.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise StateError(
            f"the state has format {version}, and this version of Chimera knows {len(MIGRATIONS)}",
            help="use the version of Chimera that wrote it, or a later one",
        )
    return int(version)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the present format, each migration in a transaction of its own."""
    for number in range(version_of(connection), len(MIGRATIONS)):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number]}; PRAGMA user_version = {number + 1}; COMMIT;"
        )

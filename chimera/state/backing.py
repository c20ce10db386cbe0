"""Copies of the state: made while others write, and looked through before they are believed.

Owns SQLite's online backup. Refuses to wait for a writer, or to make one wait.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from chimera.model import Digest, StateError, digest_bytes
from chimera.state.database import connect_writer, is_of_room, open_reading, translated
from chimera.state.layout import Layout
from chimera.state.migrations import MIGRATIONS, version_of
from chimera.state.pruning import REFERRING

_PAGES = 2048
"""Pages of the database that are copied between two words about progress."""

Told = Callable[[int, int], None]
"""Is told how many pages of how many were copied."""


class RunEnd(NamedTuple):
    """A run as a copy has it: where it stands, and the last event of its journal.

    `event` is 0 and `at` when it was made where nothing has happened yet.
    """

    uid: str
    environment: str
    target: str
    status: str
    event: int
    at: str


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What a database holds, as a backup says it: its format, last event, runs, large values."""

    format: int
    last_event: int
    runs: tuple[RunEnd, ...]
    large: frozenset[Digest]


_RUNS = """
    SELECT uid, environment, target, status, coalesce(e.seq, 0), coalesce(e.at, run.created)
    FROM run LEFT JOIN event AS e
        ON e.seq = (SELECT max(seq) FROM event WHERE event.run = run.id)
    ORDER BY run.id
"""


class Pinned:
    """The database at one moment, whatever is committed after it."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def copy_to(self, target: Path, told: Told = lambda done, total: None) -> None:
        """Write the database to a new file. It is not on disk yet when this returns."""
        with translated(self._path):
            copy = sqlite3.connect(target, isolation_level=None)
            with closing(copy):
                copy.execute("PRAGMA synchronous = OFF")  # whoever keeps it sees to that
                copy.execute("PRAGMA journal_mode = OFF")
                # A transaction is open, so that no step of it sees another moment than the first.
                try:
                    self._connection.backup(
                        copy,
                        pages=_PAGES,
                        progress=lambda _, left, total: told(total - left, total),
                    )
                except sqlite3.Error as error:
                    if is_of_room(error):
                        raise _no_room(target, error) from error
                    raise


def _no_room(target: Path, error: sqlite3.Error) -> StateError:
    """Say of what is being written, and not of what is read, that there is no room for it."""
    return StateError(
        f"{target} cannot be written: {error}",
        help="make room there, or name another place, and run the same command again",
    )


@contextmanager
def pin(layout: Layout) -> Iterator[Pinned | None]:
    """Hold on to the database as it is now; `None` where there is none yet.

    Writers go on meanwhile. Raises `StateError` for one that is damaged or of a later format.
    """
    with translated(layout.database):
        connection = open_reading(layout)
    if connection is None:
        yield None
        return
    with closing(connection), translated(layout.database):
        connection.execute("BEGIN")
        if version_of(connection) == 0:  # the first read: here the moment is chosen
            yield None
            return
        yield Pinned(connection, layout.database)


def facts_of(database: Path) -> DatabaseFacts:
    """Return what a copy holds; raises `StateError` for one that is damaged."""
    with translated(database), closing(_opened(database)) as copy:
        for (said,) in copy.execute("PRAGMA quick_check(1)"):
            if said != "ok":
                raise StateError(
                    f"the database is damaged: {said}",
                    help="`chimera health` looks at the state; restore an earlier backup",
                )
        (last,) = copy.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        runs = tuple(RunEnd(*row) for row in copy.execute(_RUNS))
        return DatabaseFacts(version_of(copy), last, runs, frozenset(_large(copy)))


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{database.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None
    )


def _large(copy: sqlite3.Connection) -> Iterator[Digest]:
    """Yield the digests of the values that have files of their own."""
    names = {name for (name,) in copy.execute("SELECT name FROM sqlite_schema")}
    for query in REFERRING:
        if query.split()[3] in names:  # a table that earlier formats did not have
            yield from (text[1:] for (text,) in copy.execute(query))


def settle_copy(layout: Layout) -> tuple[str, ...]:
    """Bring a restored database to the present format; return what is wrong with it, a line each.

    Looks at every page, every index and every reference. Nothing is left beside the database.
    """
    path = layout.database
    if not path.exists():
        return ()
    try:
        with translated(path), closing(connect_writer(layout)) as copy:
            wrong = [str(said) for (said,) in copy.execute("PRAGMA integrity_check(5)")]
            found = [line for line in wrong if line != "ok"]
            for table, *_ in copy.execute("PRAGMA foreign_key_check").fetchmany(5):
                found.append(f"a row of {table} refers to one that is not there")
            found += (
                f"the file of a large value is missing: {digest}"
                for digest in sorted(set(_large(copy)))
                if not (layout.objects / digest[7:9] / digest[9:]).is_file()
            )
            copy.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except StateError as error:
        return (error.message,)
    return tuple(found)


def object_faults(root: Path) -> Iterator[str]:
    """Yield what is wrong with the files of large values below `root`, a line each."""
    for path in sorted(Layout(root).objects.glob("??/*")):
        if digest_bytes(path.read_bytes()) != f"sha256:{path.parent.name}{path.name}":
            yield f"{path.parent.name}/{path.name} is damaged"


def carry_spent(present: Layout, copy: Layout) -> int:
    """Have approvals that were spent here be spent in a copy, too; return how many were not.

    The copy is in the present format. Raises `StateError` where what is here cannot be read.
    """
    with translated(present.database):
        source = open_reading(present)
    if source is None or not copy.database.exists():
        return 0
    with closing(source), translated(copy.database):
        names = {name for (name,) in source.execute("SELECT name FROM sqlite_schema")}
        if "spent" not in names:
            return 0
        rows = source.execute("SELECT environment, approval, target, at FROM spent").fetchall()
        with closing(connect_writer(copy, is_whole=True)) as target:
            target.execute("BEGIN IMMEDIATE")
            done = target.executemany("INSERT OR IGNORE INTO spent VALUES (?, ?, ?, ?)", rows)
            target.execute("COMMIT")
            return max(done.rowcount, 0)


def newest_format() -> int:
    """Return the newest format of the database that this version of Chimera knows."""
    return len(MIGRATIONS)

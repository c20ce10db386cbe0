"""Connections to the SQLite file, and what its errors mean.

Refuses to write to a file that is damaged: it is kept aside, and nothing is lost without somebody
saying so.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from chimera.model import StateError
from chimera.state.layout import Layout
from chimera.state.migrations import MIGRATIONS, migrate, version_of

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


def connect_writer(layout: Layout, *, is_whole: bool = False) -> sqlite3.Connection:
    """Open or make the database; raises `StateError` for a damaged one, which is kept aside.

    One that is known to be whole is not looked through.
    """
    refuse_loss(layout)
    path = layout.database
    with translated(path):
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            if not (is_whole or _is_whole(connection)):
                connection.close()
                raise _keep_aside(path)
            if version_of(connection) == 0:  # before there is anything: later it takes a VACUUM
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            migrate(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def connect_reader(layout: Layout) -> sqlite3.Connection | None:
    """Open the database for reading only; `None` where there is none yet.

    One of an earlier format is read as a copy in memory.
    """
    with translated(layout.database):
        connection = open_reading(layout)
        if connection is None or version_of(connection) == len(MIGRATIONS):
            return connection
        with closing(connection):
            return _migrated_copy(connection) if version_of(connection) else None


def open_reading(layout: Layout) -> sqlite3.Connection | None:
    """Open the database for reading only, in whatever format it is; `None` where there is none.

    Raises `StateError` for one of a later format.
    """
    refuse_loss(layout)
    path = layout.database
    if not path.exists():
        return None
    # Where SQLite cannot make its helper files and no writer has, nothing can change either.
    is_still = not os.access(layout.folder, os.W_OK) and not path.with_name("state.db-wal").exists()
    mode = "ro&immutable=1" if is_still else "ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None
    )
    try:
        version_of(connection)
    except BaseException as error:
        connection.close()
        if _is_unborn(error):
            return None
        raise
    return connection


def _is_unborn(error: BaseException) -> bool:
    """Tell whether the database was being made when its writer died.

    It leaves a rollback journal, which only a writer may play back. Once there is anything in the
    database it is in WAL mode, which has none.
    """
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_ROLLBACK


def refuse_loss(layout: Layout) -> None:
    """Raise `StateError` where the state was damaged and nobody has restored or given it up."""
    layout.refuse_unfinished()
    if not layout.database.exists() and (kept := layout.kept_aside()):
        raise _lost(kept[-1])


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into `StateError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = _code(error)
        if code in _DAMAGED:
            message, help = (
                f"{path} is damaged: {error}",
                "run `chimera apply`: it keeps the file aside and says how to go on",
            )
        elif is_of_room(error):
            message = f"{path} cannot be written: {error}"
            help = "make room on the disk and apply again: what was committed is not lost"
        else:
            message, help = (
                f"{path} cannot be used: {error}",
                "see that it is readable and writable",
            )
        raise StateError(message, help=help) from error


def is_of_room(error: sqlite3.Error) -> bool:
    """Tell whether something could not be written, as where a disk is full."""
    return _code(error) in _NO_ROOM


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _is_whole(connection: sqlite3.Connection) -> bool:
    try:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in _DAMAGED:
            raise
        return False
    return bool(answer == "ok")


def _keep_aside(path: Path) -> StateError:
    """Rename the damaged database, its journal with it; return the error that says so."""
    number = 1
    while (kept := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):  # the database last: while it is there, so is the damage
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    return _lost(kept)


def _lost(kept: Path) -> StateError:
    database = kept.with_name("state.db")
    return StateError(
        f"the state was damaged and is kept in {kept}",
        help=f"put a copy that is whole at {database}, or begin with an empty state:"
        " `chimera apply --acknowledge-loss`",
    )


def _migrated_copy(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return the database in the present format, in memory: a reader changes no file."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    connection.backup(copy)
    migrate(copy)
    return copy

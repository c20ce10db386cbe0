"""What was worked out before: values by key, beside the user's other caches, never in a tree.

Owns their storage. Refuses to be relied on: a value that is missing, damaged or written by another
key is not there, and where nothing can be kept nothing is. No failure of it reaches a caller.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

SWITCH = "CHIMERA_CACHE"
"""The environment variable that switches it off (`CHIMERA_CACHE=off`) or names its folder."""

MAX_BYTES = 512 * 1024 * 1024
"""Past this the older half goes; what is needed again is worked out again."""

_PENDING = 8 * 1024 * 1024
_WAIT = 1.0
"""Seconds to wait for another process that writes."""
_NOBODYS_FAULT = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
    )
)
"""Errors after which the file may be sound all the same: it stays."""
_SCHEMA = """\
CREATE TABLE IF NOT EXISTS value (key BLOB NOT NULL UNIQUE, sum BLOB NOT NULL, data BLOB NOT NULL)
"""


class Store(Protocol):
    """Bytes by key, as long as they can be kept."""

    is_new: bool
    """Whether nothing was ever kept there."""

    def get(self, key: bytes) -> bytes | None:
        """Return what was put under `key`; `None` where that is not there or not intact."""

    def put(self, key: bytes, data: bytes) -> None:
        """Keep `data` under `key`, if that can be done."""

    def flush(self) -> None:
        """Write what was put so far."""


class NoStore:
    """Keeps nothing."""

    is_new = True

    def get(self, key: bytes) -> bytes | None:
        """Return `None`."""

    def put(self, key: bytes, data: bytes) -> None:
        """Forget it."""

    def flush(self) -> None:
        """Do nothing."""


class Cache:
    """A SQLite file of checksummed values.

    SQLite makes what several processes write atomic, and a process that is killed leaves either all
    of a flush or none of it. A file that SQLite calls damaged is removed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.is_new = not path.exists()
        self._connection: sqlite3.Connection | None = None
        self._is_usable = True
        self._pending: dict[bytes, bytes] = {}
        self._size = 0

    def get(self, key: bytes) -> bytes | None:
        """Return what was put under `key`; `None` where that is not there or not intact."""
        if key in self._pending:
            return self._pending[key]
        try:
            connection = self._opened()
            if connection is None:
                return None
            row = connection.execute("SELECT sum, data FROM value WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            self._fail(error)
            return None
        if row is None or type(row[1]) is not bytes or row[0] != _checksum(key, row[1]):
            return None
        return row[1]

    def put(self, key: bytes, data: bytes) -> None:
        """Keep `data` under `key`; written by the next flush."""
        if not self._is_usable:
            return
        self._pending[key] = data
        self._size += len(data)
        if self._size > _PENDING:
            self.flush()

    def flush(self) -> None:
        """Write what was put so far, in one transaction."""
        pending, self._pending, self._size = self._pending, {}, 0
        if not pending:
            return
        rows = [(key, _checksum(key, data), data) for key, data in pending.items()]
        try:
            connection = self._opened()
            if connection is None:
                return
            with connection:
                connection.executemany("INSERT OR REPLACE INTO value VALUES (?, ?, ?)", rows)
                self._prune(connection)
        except sqlite3.Error as error:
            self._fail(error)

    def close(self) -> None:
        """Write what is pending and let go of the file."""
        self.flush()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection | None:
        if self._connection is None and self._is_usable:
            self._connection = sqlite3.connect(self._path, timeout=_WAIT, check_same_thread=False)
            # What a power cut tears is found by its checksum.
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute(_SCHEMA)
        return self._connection

    def _prune(self, connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        if (pages - free) * size > MAX_BYTES:
            connection.execute(
                "DELETE FROM value WHERE rowid <= (SELECT (min(rowid) + max(rowid)) / 2 FROM value)"
            )

    def _fail(self, error: sqlite3.Error) -> None:
        """Do without from here on; remove a file that is damaged, so that the next run has one."""
        self._is_usable = False
        self._pending = {}
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _NOBODYS_FAULT:
            return
        with suppress(OSError):
            for path in (self._path, self._path.with_name(self._path.name + "-journal")):
                path.unlink(missing_ok=True)


def _checksum(key: bytes, data: bytes) -> bytes:
    return blake2b(key + data, digest_size=16).digest()


def open_cache(root: Path) -> Store:
    """Return this user's cache for work on the tree at `root`; one that keeps nothing otherwise.

    That is where it is switched off or cannot be written, where its folder is somebody else's, and
    where it would lie inside the tree: what comes with a repository is not to be believed.
    """
    said = os.environ.get(SWITCH, "")
    if said.lower() in {"off", "0", "no", "false"}:
        return NoStore()
    folder = Path(said).absolute() if said else _user_folder() / "chimera"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_foreign = hasattr(os, "getuid") and folder.stat().st_uid != os.getuid()
        is_inside = folder.resolve().is_relative_to(root.resolve())
    except OSError:
        return NoStore()
    return NoStore() if is_foreign or is_inside else Cache(folder / "checks-1.db")


def _user_folder() -> Path:
    """Return the folder that the system keeps for such things."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")

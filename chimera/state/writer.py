"""The only writer of the state: holds the apply lock, masks secrets, commits or changes nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from chimera.context import Context
from chimera.model import Digest, StateError, digest_json
from chimera.state.database import translated
from chimera.state.layout import Layout
from chimera.state.lock import Lock
from chimera.state.pruning import forget, give_room_back, remove_files
from chimera.state.reader import StateReader
from chimera.state.records import (
    Applied,
    Event,
    Json,
    LogLine,
    Pruned,
    Run,
    RunStatus,
    ruling_digest,
)
from chimera.state.turn import ItemKey, Turn

_PLAIN = (str, int, bool)
"""Types of which JSON gives back what it was given."""


class StateWriter(StateReader):
    """Reads and writes the state of one work tree, as long as it holds the apply lock.

    Each write is a transaction; `transaction` makes several writes one. After a `StateError` the
    state is what it was before the transaction.
    """

    def __init__(
        self, layout: Layout, connection: sqlite3.Connection, lock: Lock, context: Context
    ) -> None:
        super().__init__(layout, connection)
        self._writing = connection
        self._lock = lock
        self._context = context
        self._inside = False
        with translated(layout.database):
            (epoch,) = connection.execute(
                "UPDATE writer SET epoch = epoch + 1 RETURNING epoch"
            ).fetchone()
        self._epoch: int = epoch

    @property
    def epoch(self) -> int:
        """The number of this writer: it rises with each, and is written with each event."""
        return self._epoch

    def close(self) -> None:
        """Let go of the database, then of the lock."""
        super().close()
        self._lock.release()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is written inside as one, or nothing of it.

        Raises `StateError` where a later writer has taken over: the lock file was removed.
        """
        if self._inside:
            yield
            return
        with translated(self._path):
            self._writing.execute("BEGIN IMMEDIATE")
            self._inside = True
            try:
                self._refuse_stranger()
                yield
                self._writing.execute("COMMIT")
            except BaseException:
                if self._writing.in_transaction:  # SQLite ends it by itself on a full disk
                    self._writing.execute("ROLLBACK")
                raise
            finally:
                self._inside = False

    def as_stored(self, value: Json) -> Json:
        """Return `value` as it will be read back: masked, and as JSON has it.

        Raises `ValueError` or `TypeError` for what is not JSON.
        """
        if value is None:
            return None
        return json.loads(json.dumps(self._context.secrets.mask_json(value), allow_nan=False))

    def stored(self, value: Json) -> tuple[Json, str | None]:
        """Return `value` as it will be read back, and the JSON text of it; `None` has no text.

        Raises `ValueError`, `TypeError` or `RecursionError` for what is not JSON.
        """
        if value is None:
            return None, None
        if self._context.secrets.are_known:
            value = self._context.secrets.mask_json(value)
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        if not text.isascii():
            text.encode()  # a lone surrogate is in no Unicode text
        return (value if type(value) in _PLAIN else json.loads(text)), text

    def kept(self, text: str | None) -> str | None:
        """Return what stands in the database for a JSON text; a long one is in a file by then."""
        return None if text is None else self._objects.keep(text)

    def create_run(
        self, environment: str, target: str, definition: Json, given: Json, *, priority: int = 0
    ) -> Run:
        """Record a new run of `definition`, to which it stays pinned, with the input `given`."""
        definition = self.as_stored(definition)
        digest, now = digest_json(definition), self._now()
        uid = self._context.ids.new()
        with self.transaction():
            self._writing.execute(
                "INSERT OR IGNORE INTO spec VALUES (?, ?)", (digest, self._encode(definition))
            )
            self._writing.execute(
                "INSERT INTO run (uid, environment, target, spec, input, status, epoch, actor,"
                " created, updated, priority) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(uid, environment, target, digest, self._encode(given)),
                    *(RunStatus.RUNNING.value, self._epoch, self._context.actor.name, now, now),
                    priority,
                ),
            )
        return self.run(uid)

    def write(self, turn: Turn) -> None:
        """Commit all that happened in a turn, for all runs, in one transaction."""
        epoch, execute = self._epoch, self._writing.executemany
        with self.transaction():
            if turn.events:
                execute(
                    "INSERT INTO event (run, kind, step, attempt, at, data, due, flag, epoch)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    turn.events,
                )
            if turn.log:
                execute(
                    "INSERT INTO log (run, step, attempt, at, text) VALUES (?, ?, ?, ?, ?)",
                    turn.log,
                )
            if turn.runs:
                now = self._now()
                execute(
                    "UPDATE run SET status = coalesce(?, status), total = ?, done = ?, failed = ?,"
                    " due = ?, epoch = ?, updated = ? WHERE id = ?",
                    [(*row, epoch, now, number) for number, row in turn.runs.items()],
                )
            if turn.items:
                self._write_items(turn.items)
            if turn.cached:
                now = self._now()
                execute(
                    "INSERT OR REPLACE INTO cache (key, value, at) VALUES (?, ?, ?)",
                    [(key, text, now) for key, text in turn.cached.items()],
                )

    def put_items(self, items: Mapping[ItemKey, Json]) -> None:
        """Put values into collections, by environment, collection and id; `None` deletes."""
        with self.transaction():
            self._write_items({key: self._encode(value) for key, value in items.items()})

    def _write_items(self, items: Mapping[ItemKey, str | None]) -> None:
        self._writing.executemany(
            "INSERT INTO item (environment, collection, id, value, version)"
            " VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET"
            " value = excluded.value, version = version + 1",
            [(*key, text) for key, text in items.items() if text is not None],
        )
        self._writing.executemany(
            "DELETE FROM item WHERE environment = ? AND collection = ? AND id = ?",
            [key for key, text in items.items() if text is None],
        )

    def repin(self, uid: str, definition: Json, event: Event) -> Run:
        """Pin a run to another definition, with the event that says so."""
        definition = self.as_stored(definition)
        digest = digest_json(definition)
        with self.transaction():
            self._writing.execute(
                "INSERT OR IGNORE INTO spec VALUES (?, ?)", (digest, self._encode(definition))
            )
            self._writing.execute("UPDATE run SET spec = ? WHERE uid = ?", (digest, uid))
            self.record(uid, [event])
        return self.run(uid)

    def reopen(self, uid: str) -> None:
        """Make a run one again whose outcome an apply has still to take."""
        with self.transaction():
            self._writing.execute("UPDATE run SET settled = 0 WHERE uid = ?", (uid,))

    def prune(self, *, before: datetime) -> Pruned:
        """Delete finished runs that ended before a time, and give room back.

        Runs that are not over, or whose outcome no apply has taken, stay; so does the run that
        brought about what is applied.
        """
        with self.transaction():
            pruned = forget(self._writing, before)
        with translated(self._path):
            files = remove_files(self._writing, self._objects)
            give_room_back(self._writing)
        return replace(pruned, files=files)

    def set_durability(self, *, full: bool) -> None:
        """Choose whether a commit outlasts the loss of power, or only that of the process."""
        with translated(self._path):
            self._writing.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")

    def record(
        self,
        uid: str,
        events: Iterable[Event] = (),
        *,
        log: Iterable[LogLine] = (),
        status: RunStatus | None = None,
    ) -> None:
        """Append to the journal and the log of a run, and set its status, in one transaction."""
        mask = self._context.secrets.mask
        with self.transaction():
            (run,) = self._writing.execute("SELECT id FROM run WHERE uid = ?", (uid,)).fetchone()
            self._writing.executemany(
                "INSERT INTO event (run, kind, step, attempt, epoch, at, data, due, flag)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        *(run, e.kind.value, e.step, e.attempt, self._epoch, e.at.isoformat()),
                        *(self._encode(e.data), e.due.isoformat() if e.due else None, e.flag),
                    )
                    for e in events
                ),
            )
            self._writing.executemany(
                "INSERT INTO log (run, step, attempt, at, text) VALUES (?, ?, ?, ?, ?)",
                ((run, x.step, x.attempt, x.at.isoformat(), mask(x.text)) for x in log),
            )
            if status is not None:
                self._writing.execute(
                    "UPDATE run SET status = ?, epoch = ?, updated = ? WHERE id = ?",
                    (status.value, self._epoch, self._now(), run),
                )

    def put_applied(
        self, environment: str, applied: Applied, approvals: Iterable[Digest] = ()
    ) -> None:
        """Record that `environment` now holds this of a target, and settle the target's runs.

        In the same transaction the `approvals` that let it through are spent.
        """
        a = applied
        row = (environment, a.target, a.digest, a.at.isoformat(), self._encode(a.value))
        with self.transaction():
            self._writing.execute(
                "INSERT OR REPLACE INTO applied (environment, target, digest, at, value, path,"
                " line, outputs, run, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, a.path, a.line, self._encode(a.outputs), a.run, a.revision),
            )
            self._end(environment, a.target, approvals)

    def remove_applied(
        self, environment: str, target: str, approvals: Iterable[Digest] = ()
    ) -> None:
        """Record that `environment` holds nothing of `target` any more; its runs stay.

        In the same transaction the `approvals` that let it through are spent.
        """
        with self.transaction():
            self._writing.execute(
                "DELETE FROM applied WHERE environment = ? AND target = ?", (environment, target)
            )
            self._end(environment, target, approvals)

    def _end(self, environment: str, target: str, approvals: Iterable[Digest]) -> None:
        """Settle the target's runs and spend the approvals; one spent before raises.

        Raises `StateError`: the permit was given before somebody else spent the approval.
        """
        self.settle(environment, target)
        self.spend(environment, target, approvals)

    def spend(self, environment: str, target: str, approvals: Iterable[Digest]) -> None:
        """Record that approvals have let a target through, so that none does so again.

        Raises `StateError` for one that was spent before.
        """
        now = self._now()
        with self.transaction():
            for approval in approvals:
                done = self._writing.execute(
                    "INSERT OR IGNORE INTO spent (environment, approval, target, at)"
                    " VALUES (?, ?, ?, ?)",
                    (environment, approval, target, now),
                )
                if not done.rowcount:
                    raise StateError(
                        f"the approval {approval[7:19]} of {target} was spent already",
                        help="approve it anew with `chimera approve`",
                    )

    def settle(self, environment: str, target: str) -> None:
        """Record that the outcome of the target's runs was taken: the next run is a new one."""
        with self.transaction():
            self._writing.execute(
                "UPDATE run SET settled = 1 WHERE environment = ? AND target = ? AND NOT settled",
                (environment, target),
            )

    def record_ruling(self, environment: str, plan: str, ruling: Json) -> Digest:
        """Record what the gate decided about the plan with the digest `plan`; return its digest."""
        now, actor = self._context.clock.now(), self._context.actor.name
        ruling = self.as_stored(ruling)
        digest = ruling_digest(environment, plan, now, actor, ruling)
        row = (environment, plan, now.isoformat(), actor, self._encode(ruling), digest)
        with self.transaction():
            self._writing.execute(
                "INSERT INTO ruling (environment, plan, at, actor, ruling, digest)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )
        return digest

    def _encode(self, value: Json) -> str | None:
        if value is None:
            return None
        return self._objects.encode(self._context.secrets.mask_json(value))

    def _now(self) -> str:
        return self._context.clock.now().isoformat()

    def _refuse_stranger(self) -> None:
        (epoch,) = self._writing.execute("SELECT epoch FROM writer").fetchone()
        if epoch != self._epoch:
            raise StateError(
                "another process has taken over the state: the lock file was removed",
                help="let that process finish, then apply again; never remove .chimera/lock",
            )

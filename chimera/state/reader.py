"""What may be asked of the state, by any process at any time. Refuses to change anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from chimera.model import Digest, StateError, UsageError
from chimera.state.database import connect_reader, translated
from chimera.state.layout import Layout
from chimera.state.lock import Holder, holder_of, is_held
from chimera.state.objects import Objects
from chimera.state.records import (
    Applied,
    Event,
    EventKind,
    Item,
    Json,
    LogLine,
    RulingRecord,
    Run,
    RunStatus,
)

_RUN = """
    SELECT uid, environment, target, definition, spec, input, status, actor, created, updated,
        priority, due, total, done, failed, run.id
    FROM run JOIN spec ON spec.digest = run.spec
"""

_PIECE = 10_000
_KINDS = {kind.value: kind for kind in EventKind}


class StateReader:
    """Reads the state of one work tree; without a database it reads an empty state."""

    def __init__(self, layout: Layout, connection: sqlite3.Connection | None) -> None:
        self.layout = layout
        self._path = layout.database
        self._connection = connection
        self._objects = Objects(layout.objects)

    @staticmethod
    def open(layout: Layout) -> StateReader:
        """Open the state read-only, also while a writer is active."""
        return StateReader(layout, connect_reader(layout))

    def close(self) -> None:
        """Let go of the database."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def writer(self) -> Holder | None:
        """Return who is writing at this moment."""
        return holder_of(self.layout.lock) if is_held(self.layout.lock) else None

    def applied(self, environment: str) -> Mapping[str, Applied]:
        """Return what `environment` holds, by target in order."""
        rows = self._rows(
            "SELECT target, digest, at, value, path, line, outputs, run, revision FROM applied"
            " WHERE environment = ? ORDER BY target",
            environment,
        )
        return {row[0]: self._applied(row) for row in rows}

    def held(self, environment: str, target: str) -> Applied | None:
        """Return what `environment` holds of one target, if it does."""
        rows = self._rows(
            "SELECT target, digest, at, value, path, line, outputs, run, revision FROM applied"
            " WHERE environment = ? AND target = ?",
            *(environment, target),
        )
        return next(map(self._applied, rows), None)

    def run(self, uid: str) -> Run:
        """Return one run; raises `UsageError` for one that does not exist."""
        for row in self._rows(f"{_RUN} WHERE uid = ?", uid):
            return self._run(row)
        raise UsageError(f"there is no run {uid}", help="list them with `chimera runs list`")

    def run_ids(self, beginning: str, limit: int) -> tuple[str, ...]:
        """Return the ids of runs that begin so, the newest first."""
        rows = self._rows(
            "SELECT uid FROM run WHERE substr(uid, 1, length(?1)) = ?1 ORDER BY id DESC LIMIT ?2",
            *(beginning, limit),
        )
        return tuple(uid for (uid,) in rows)

    def run_status(self, uid: str) -> RunStatus | None:
        """Return where a run stands by the journal; `None` for one that does not exist."""
        rows = self._rows("SELECT status FROM run WHERE uid = ?", uid)
        return next((RunStatus(status) for (status,) in rows), None)

    def runs(
        self, *, environment: str | None = None, target: str | None = None, limit: int = -1
    ) -> tuple[Run, ...]:
        """Return runs, the newest first; a negative `limit` means all."""
        rows = self._rows(
            f"{_RUN} WHERE (?1 IS NULL OR environment = ?1) AND (?2 IS NULL OR target = ?2)"
            " ORDER BY run.id DESC LIMIT ?3",
            environment,
            target,
            limit,
        )
        return tuple(self._run(row) for row in rows)

    def unsettled_run(self, environment: str, target: str) -> Run | None:
        """Return the newest run whose outcome has not become part of what is applied."""
        rows = self._rows(
            f"{_RUN} WHERE environment = ? AND target = ? AND NOT settled"
            " ORDER BY run.id DESC LIMIT 1",
            environment,
            target,
        )
        return next((self._run(row) for row in rows), None)

    def going_runs(self, environment: str) -> tuple[Run, ...]:
        """Return the runs that can go on without anybody's mending anything, the oldest first.

        They run, wait, were interrupted, or are paused.
        """
        rows = self._rows(
            f"{_RUN} WHERE environment = ? AND status NOT IN"
            " ('succeeded', 'cancelled', 'compensated', 'failed') ORDER BY run.id",
            environment,
        )
        return tuple(self._run(row) for row in rows)

    def events(self, uid: str, after: int = 0) -> tuple[Event, ...]:
        """Return the journal of a run from behind the number `after`, in order."""
        return tuple(self.iterate_events(uid, after))

    def iterate_events(self, uid: str, after: int = 0) -> Iterator[Event]:
        """Yield the journal of a run from behind the number `after`, a piece at a time."""
        while True:
            rows = list(
                self._rows(
                    "SELECT kind, step, attempt, at, data, due, seq, flag FROM event"
                    " WHERE run = (SELECT id FROM run WHERE uid = ?) AND seq > ?"
                    " ORDER BY seq LIMIT ?",
                    *(uid, after, _PIECE),
                )
            )
            with self._understood():
                events = list(map(self._event, rows))
            yield from events
            if len(rows) < _PIECE:
                return
            after = rows[-1][6]

    def completions(self, uid: str) -> tuple[str, ...]:
        """Return the steps of a run that were done, in the order in which they were."""
        rows = self._rows(
            "SELECT step FROM event WHERE run = (SELECT id FROM run WHERE uid = ?)"
            " AND kind = 'DONE' ORDER BY seq",
            uid,
        )
        return tuple(step for (step,) in rows)

    def log(self, uid: str, after: int = 0) -> tuple[LogLine, ...]:
        """Return what the steps of a run wrote, from behind the number `after`, in order."""
        rows = self._rows(
            "SELECT step, attempt, at, text, seq FROM log"
            " WHERE run = (SELECT id FROM run WHERE uid = ?) AND seq > ? ORDER BY seq",
            *(uid, after),
        )
        return tuple(
            LogLine(step, attempt, _time(at), text, seq) for step, attempt, at, text, seq in rows
        )

    def item(self, environment: str, collection: str, id: str) -> Item | None:
        """Return one value of a collection, if it is there."""
        rows = self._rows(
            "SELECT collection, id, value, version FROM item"
            " WHERE environment = ? AND collection = ? AND id = ?",
            *(environment, collection, id),
        )
        return next(map(self._item, rows), None)

    def items(
        self, environment: str, collection: str, *, first: str = "", until: str | None = None
    ) -> tuple[Item, ...]:
        """Return what a collection of an environment holds, in order of ids.

        They begin with the id `first`, and end before the id `until`.
        """
        rows = self._rows(
            "SELECT collection, id, value, version FROM item"
            " WHERE environment = ?1 AND collection = ?2 AND id >= ?3 AND (?4 IS NULL OR id < ?4)"
            " ORDER BY id",
            *(environment, collection, first, until),
        )
        return tuple(map(self._item, rows))

    def item_ids(
        self, environment: str, collection: str, *, until: str | None = None
    ) -> tuple[str, ...]:
        """Return the ids of a collection before `until`, in order; no value is read."""
        rows = self._rows(
            "SELECT id FROM item WHERE environment = ?1 AND collection = ?2"
            " AND (?3 IS NULL OR id < ?3) ORDER BY id",
            *(environment, collection, until),
        )
        return tuple(id for (id,) in rows)

    def last_id(self, environment: str, collection: str) -> str | None:
        """Return the last id of a collection, in order of ids, if it holds anything."""
        rows = self._rows(
            "SELECT max(id) FROM item WHERE environment = ? AND collection = ?",
            *(environment, collection),
        )
        return next((id for (id,) in rows), None)

    def cached(self, key: str) -> str | None:
        """Return the text of a result that was kept under `key`: `decode` reads it."""
        rows = self._rows("SELECT coalesce(value, 'null') FROM cache WHERE key = ?", key)
        return next((str(text) for (text,) in rows), None)

    def decode(self, text: str | None) -> Json:
        """Return the value that a text of the database stands for."""
        return self._objects.decode(text)

    def spent(self, environment: str) -> frozenset[tuple[Digest, str]]:
        """Return which approvals were spent for which targets of `environment`."""
        rows = self._rows("SELECT approval, target FROM spent WHERE environment = ?", environment)
        return frozenset((approval, target) for approval, target in rows)

    def rulings(self, environment: str, limit: int = -1) -> tuple[RulingRecord, ...]:
        """Return what gates decided for `environment`, the newest first."""
        return self._rulings(environment, None, limit)

    def find_rulings(self, digest: str = "", limit: int = -1) -> tuple[RulingRecord, ...]:
        """Return the rulings whose digests begin so, with or without `sha256:`, the newest first.

        Rulings of a version that gave them no digest are never among them.
        """
        return self._rulings(None, f"sha256:{digest.removeprefix('sha256:')}", limit)

    def _rulings(
        self, environment: str | None, prefix: str | None, limit: int
    ) -> tuple[RulingRecord, ...]:
        rows = self._rows(
            "SELECT environment, plan, at, actor, ruling, digest FROM ruling"
            " WHERE (?1 IS NULL OR environment = ?1)"
            " AND (?2 IS NULL OR substr(digest, 1, length(?2)) = ?2)"
            " ORDER BY id DESC LIMIT ?3",
            environment,
            prefix,
            limit,
        )
        return tuple(map(self._ruling, rows))

    def _ruling(self, row: tuple[Any, ...]) -> RulingRecord:
        """Return a ruling; one that was edited beyond reading is there, and not intact."""
        environment, plan, at, actor, ruling, digest = row
        try:
            value, when = self._objects.decode(ruling), _time(at)
        except (StateError, ValueError):
            value, when = None, datetime.fromtimestamp(0, UTC)
        return RulingRecord(environment, plan, when, actor, value, digest)

    def _rows(self, query: str, *parameters: Any) -> Iterator[tuple[Any, ...]]:
        if self._connection is None:
            return iter(())
        with translated(self._path):
            return iter(self._connection.execute(query, parameters).fetchall())

    def _applied(self, row: tuple[Any, ...]) -> Applied:
        target, digest, at, value, path, line, outputs, run, revision = row
        decode = self._objects.decode
        return Applied(
            *(target, digest, _time(at), decode(value), path, line, decode(outputs)), run, revision
        )

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Turn what no version of Chimera wrote into `StateError`."""
        try:
            yield
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"{self.layout.database} holds what Chimera did not write: {error}",
                help="restore .chimera from a backup, and change it by nothing but `chimera`",
            ) from error

    def _run(self, row: tuple[Any, ...]) -> Run:
        with self._understood():
            return self._run_as_written(row)

    def _run_as_written(self, row: tuple[Any, ...]) -> Run:
        uid, environment, target, definition, digest, given, status, actor, *rest = row
        created, updated, priority, due, total, done, failed, number = rest
        return Run(
            uid=uid,
            environment=environment,
            target=target,
            definition=self._objects.decode(definition),
            digest=digest,
            input=self._objects.decode(given),
            status=RunStatus(status),
            actor=actor,
            created=_time(created),
            updated=_time(updated),
            priority=priority,
            due=_time(due) if due else None,
            total=total,
            done=done,
            failed=failed,
            number=number,
        )

    def _item(self, row: tuple[Any, ...]) -> Item:
        collection, id, value, version = row
        return Item(collection, id, self._objects.decode(value), version)

    def _event(self, row: tuple[Any, ...]) -> Event:
        kind, step, attempt, at, data, due, seq, flag = row
        value = None if data is None else self._objects.decode(data)
        return Event(
            *(_KINDS[kind], step, attempt, _time(at), value, _time(due) if due else None),
            *(seq, flag),
        )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)

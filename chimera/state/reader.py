"""What may be asked of the state, by any process at any time. Refuses to change anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from chimera.model import Digest, StateError, UsageError
from chimera.state.database import connect_reader, translated
from chimera.state.layout import Layout
from chimera.state.lock import Holder, holder_of, is_held
from chimera.state.objects import Objects
from chimera.state.records import Applied, Event, EventKind, LogLine, RulingRecord, Run, RunStatus

_RUN = """
    SELECT uid, environment, target, definition, spec, input, status, actor, created, updated
    FROM run JOIN spec ON spec.digest = run.spec
"""


class StateReader:
    """Reads the state of one work tree; without a database it reads an empty state."""

    def __init__(self, layout: Layout, connection: sqlite3.Connection | None) -> None:
        self.layout = layout
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

    def events(self, uid: str) -> tuple[Event, ...]:
        """Return the journal of a run, in order."""
        rows = self._rows(
            "SELECT kind, step, attempt, at, data, due, seq FROM event"
            " WHERE run = (SELECT id FROM run WHERE uid = ?) ORDER BY seq",
            uid,
        )
        return tuple(self._event(row) for row in rows)

    def log(self, uid: str) -> tuple[LogLine, ...]:
        """Return what the steps of a run wrote, in order."""
        rows = self._rows(
            "SELECT step, attempt, at, text FROM log"
            " WHERE run = (SELECT id FROM run WHERE uid = ?) ORDER BY seq",
            uid,
        )
        return tuple(LogLine(step, attempt, _time(at), text) for step, attempt, at, text in rows)

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
        with translated(self.layout.database):
            return iter(self._connection.execute(query, parameters).fetchall())

    def _applied(self, row: tuple[Any, ...]) -> Applied:
        target, digest, at, value, path, line, outputs, run, revision = row
        decode = self._objects.decode
        return Applied(
            *(target, digest, _time(at), decode(value), path, line, decode(outputs)), run, revision
        )

    def _run(self, row: tuple[Any, ...]) -> Run:
        uid, environment, target, definition, digest, given, status, actor, created, updated = row
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
        )

    def _event(self, row: tuple[Any, ...]) -> Event:
        kind, step, attempt, at, data, due, seq = row
        value = self._objects.decode(data)
        return Event(
            EventKind(kind), step, attempt, _time(at), value, _time(due) if due else None, seq
        )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)

"""A state with a history, written row by row: what months of work would have left."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chimera.context import Context
from chimera.state import open_state

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
"""A Wednesday of the week 2026-W47."""


@dataclass
class Journal:
    """Writes runs, events, rulings and approvals into the state of a folder."""

    root: Path
    _numbers: dict[str, int] = field(default_factory=lambda: {"run": 0})

    def __post_init__(self) -> None:
        with open_state(self.root, Context.system(), command="test"):
            pass
        self._write("INSERT OR IGNORE INTO spec VALUES ('d', 'null')", [()])

    def _write(self, query: str, rows: Sequence[tuple[Any, ...]]) -> None:
        path = self.root / ".chimera/state.db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug here
            connection.executemany(query, rows)

    def run(
        self,
        at: datetime = NOON,
        *,
        status: str = "succeeded",
        seconds: float = 10,
        target: str = "Workflow/tidy",
        environment: str = "local",
    ) -> int:
        """Record a run; return its number."""
        return self.runs([(at, status, seconds, target, environment)])

    def runs(self, rows: Sequence[tuple[datetime, str, float, str, str]]) -> int:
        """Record runs; return the number of the last."""
        written = []
        for at, status, seconds, target, environment in rows:
            self._numbers["run"] += 1
            number = self._numbers["run"]
            ended = (at + timedelta(seconds=seconds)).isoformat()
            row = (number, f"u{number}", environment, target, status, at.isoformat(), ended)
            written.append(row)
        self._write(
            "INSERT INTO run (id, uid, environment, target, spec, status, epoch, actor, created,"
            " updated) VALUES (?, ?, ?, ?, 'd', ?, 1, 'ada', ?, ?)",
            written,
        )
        return self._numbers["run"]

    def event(
        self,
        run: int,
        kind: str = "FAIL",
        step: str = "main/build",
        at: datetime = NOON,
        data: Any = None,
    ) -> None:
        """Record a line of a run's journal."""
        self.events([(run, kind, step, at, data)])

    def events(self, rows: Sequence[tuple[int, str, str, datetime, Any]]) -> None:
        """Record lines of journals."""
        self._write(
            "INSERT INTO event (run, kind, step, attempt, epoch, at, data)"
            " VALUES (?, ?, ?, 1, 1, ?, ?)",
            [
                (r, k, s, at.isoformat(), json.dumps(data or {"error": "no"}))
                for r, k, s, at, data in rows
            ],
        )

    def ruling(
        self,
        at: datetime = NOON,
        *,
        against: Sequence[tuple[str, str, str, str]] = (),
        environment: str = "local",
        items: int = 1,
        raw: str | None = None,
    ) -> None:
        """Record a ruling; `against` are stage, judge, subject and reason of what did not pass."""
        stages = [
            {
                "stage": stage,
                "verdicts": [
                    {"judge": judge, "subject": subject, "finding": "fail", "reasons": [reason]}
                ],
            }
            for stage, judge, subject, reason in against
        ]
        value = {
            "outcome": "failed" if against else "passed",
            "items": [{"target": f"Workflow/w{n}"} for n in range(items)],
            "stages": stages,
            "weighed": {"approvals": {"Approval/carla": f"sha256:{0:064}"}},
        }
        text = json.dumps(value) if raw is None else raw
        row = (environment, at.isoformat(), text, f"sha256:{at.timestamp():064.0f}")
        self._write(
            "INSERT INTO ruling (environment, plan, at, actor, ruling, digest)"
            " VALUES (?, 'p', ?, 'ada', ?, ?)",
            [row],
        )

    def spent(self, at: datetime = NOON, target: str = "Workflow/tidy", number: int = 0) -> None:
        """Record that an approval let something through."""
        row = ("local", f"sha256:{number:064}", target, at.isoformat())
        self._write("INSERT INTO spent VALUES (?, ?, ?, ?)", [row])

    def item(self, collection: str, id: str, value: Any, environment: str = "local") -> None:
        """Put a value into a collection."""
        self._write(
            "INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, 1)",
            [(environment, collection, id, json.dumps(value))],
        )

    def look(self, at: datetime, *, disk: float, state: int = 10**6, memory: float = 0.5) -> None:
        """Keep a look at health."""
        checks = [
            {"subject": "disk", "status": "healthy", "measures": {"usage": disk, "state": state}},
            {"subject": "memory", "status": "healthy", "measures": {"usage": memory}},
        ]
        self.item("health", at.isoformat(), {"at": at.isoformat(), "checks": checks})

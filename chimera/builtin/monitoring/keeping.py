"""What is kept of looks at health: reports, what all of them found by hour, and how checks stand.

Refuses to wait for somebody who writes: what could not be kept is told, and kept with the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chimera.model import StateError
from chimera.runtime.health import Health
from chimera.runtime.looks import HOURS, REPORTS, counted, hour_id, looks_of, reports

if TYPE_CHECKING:
    from chimera.builtin.monitoring.health import Report
    from chimera.state import ItemKey, Json, StateReader, StateWriter
    from chimera.workspace import Workspace

STANDING = "health-standing"
"""Collection of what checks want to know again at the next look, by subject."""
TOLD = "health-told"
"""Collection of what each notification has told, by its address."""
KEPT = 1000
"""How many reports are kept, the newest; one of many checks counts as several."""
_CHECKS = 100
_MARK = "#"
HOURS_KEPT = timedelta(days=400)
"""How long hours are kept: a year, and a month to look at it."""


@dataclass(slots=True)
class Memory:
    """What is known of the looks before, in the state and of this process."""

    workspace: Workspace
    environment: str
    standing: dict[str, Json] = field(default_factory=dict)
    told: dict[str, Json] = field(default_factory=dict)
    _unkept: list[Report] = field(default_factory=list)

    def read(self) -> str | None:
        """Read again what other processes may have kept; what is not kept yet is newer.

        Return why that could not be read, if so.
        """
        try:
            with self.workspace.read_state() as state:
                standing = _values(state, self.environment, STANDING)
                told = _values(state, self.environment, TOLD)
        except StateError as error:
            return error.message
        self.standing = {**standing, **self._own_standing()}
        if not self._unkept:
            self.told = told
        return None

    def _own_standing(self) -> dict[str, Json]:
        return {name: kept for report in self._unkept for name, kept in report.standing().items()}

    def take(self, report: Report) -> None:
        """Remember what a look has found, in this process."""
        self._unkept.append(report)
        del self._unkept[:-KEPT]

    def keep(self) -> str | None:
        """Keep all that is not kept yet; return why that could not be, if so.

        The lock is held for no longer than some rows take to write.
        """
        if not self._unkept:
            return None
        if any(c.subject == "state" and _is_bad(c.status) for c in self._unkept[-1].checks):
            return "the state is not whole"
        try:
            with self.workspace.read_state() as reader:
                holder = reader.writer()
            if holder is not None:
                return f"the state is in use by {holder}"
            with self.workspace.open_state("health", is_whole=True) as state:
                state.put_items(self._rows(state))
        except StateError as error:
            return error.message
        self._unkept.clear()
        return None

    def _rows(self, state: StateWriter) -> dict[ItemKey, Json]:
        """Return what is written: `None` is what is forgotten."""
        return {
            **self._report_rows(state),
            **self._hour_rows(state),
            **_changed(state, self.environment, STANDING, self._own_standing()),
            **_changed(state, self.environment, TOLD, self.told),
        }

    def _report_rows(self, state: StateWriter) -> dict[ItemKey, Json]:
        new = {id: piece for report in self._unkept for id, piece in _pieces(report)}
        ids = sorted({*state.item_ids(self.environment, REPORTS), *new})
        cut = max(0, len(ids) - KEPT)
        while cut and cut < len(ids) and _MARK in ids[cut]:  # no report is kept in part
            cut += 1
        gone = dict.fromkeys(ids[:cut])
        return {(self.environment, REPORTS, id): value for id, value in {**new, **gone}.items()}

    def _hour_rows(self, state: StateWriter) -> dict[ItemKey, Json]:
        rows: dict[ItemKey, Json] = {}
        for report in self._unkept:
            for look in looks_of(report.to_json()):
                key = (self.environment, HOURS, hour_id(look))
                if key not in rows:
                    item = state.item(*key)
                    rows[key] = None if item is None else item.value
                rows[key] = counted(rows[key], look)
        last = datetime.fromisoformat(self._unkept[-1].at) - HOURS_KEPT
        gone = state.item_ids(self.environment, HOURS, until=last.isoformat())
        return {**rows, **{(self.environment, HOURS, id): None for id in gone}}


def _pieces(report: Report) -> Iterator[tuple[str, Json]]:
    """Yield a report as it is kept: so many checks at a time that each piece is a small value.

    A large one would be a file of its own, for each look.
    """
    whole = report.to_json()
    checks = whole["checks"]
    for number, first in enumerate(range(0, max(len(checks), 1), _CHECKS)):
        piece = {**whole, "checks": checks[first : first + _CHECKS]}
        yield report.at if number == 0 else f"{report.at}{_MARK}{number:04}", piece


def _is_bad(status: Health) -> bool:
    return status is Health.UNHEALTHY


def _values(state: StateReader, environment: str, collection: str) -> dict[str, Any]:
    return {item.id: item.value for item in state.items(environment, collection)}


def _changed(
    state: StateReader, environment: str, collection: str, values: dict[str, Json]
) -> dict[ItemKey, Json]:
    """Return the rows that are not there as they are to be."""
    there = _values(state, environment, collection)
    return {
        (environment, collection, id): value
        for id, value in values.items()
        if there.get(id) != value
    }


def history(workspace: Workspace, environment: str) -> list[Json]:
    """Return what was found before, the oldest first."""
    with workspace.read_state() as state:
        return list(reports(state, environment))

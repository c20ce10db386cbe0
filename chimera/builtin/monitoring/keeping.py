"""What is kept of looks at health: reports, what all of them found by hour, and how checks stand.

Refuses to wait for somebody who writes: what could not be kept is told, and kept with the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chimera.model import StateError
from chimera.runtime.health import Health
from chimera.runtime.looks import HOURS, REPORTS, counted, hour_id, looks_of

if TYPE_CHECKING:
    from chimera.builtin.monitoring.health import Report
    from chimera.state import ItemKey, Json, StateReader, StateWriter
    from chimera.workspace import Workspace

STANDING = "health-standing"
"""Collection of what checks want to know again at the next look, by subject."""
TOLD = "health-told"
"""Collection of what each notification has told, by its address."""
KEPT = 1000
"""How many reports are kept, the newest."""
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

    def read(self) -> None:
        """Read again what other processes may have kept; what is not kept yet is newer."""
        with self.workspace.read_state() as state:
            self.standing = {**_values(state, self.environment, STANDING), **self._own_standing()}
            if not self._unkept:
                self.told = _values(state, self.environment, TOLD)

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
        new = {report.at: report.to_json() for report in self._unkept}
        ids = sorted({*state.item_ids(self.environment, REPORTS), *new})
        gone = ids[: max(0, len(ids) - KEPT)]
        rows: dict[ItemKey, Json] = {
            (self.environment, REPORTS, id): value for id, value in new.items()
        }
        return {**rows, **{(self.environment, REPORTS, id): None for id in gone}}

    def _hour_rows(self, state: StateWriter) -> dict[ItemKey, Json]:
        rows: dict[ItemKey, Json] = {}
        for report in self._unkept:
            at = datetime.fromisoformat(report.at)
            key = (self.environment, HOURS, hour_id(at))
            if key not in rows:
                item = state.item(*key)
                rows[key] = None if item is None else item.value
            rows[key] = counted(rows[key], looks_of(report.to_json()))
        last = datetime.fromisoformat(self._unkept[-1].at)
        gone = [
            id
            for id in state.item_ids(self.environment, HOURS)
            if datetime.fromisoformat(id) < last - HOURS_KEPT
        ]
        return {**rows, **{(self.environment, HOURS, id): None for id in gone}}


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
        return [item.value for item in state.items(environment, REPORTS)]

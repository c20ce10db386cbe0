"""What reports say of pools: shares of what a document promises, and when it is exhausted."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.reporting.gathering import Report, make_report
from chimera.builtin.reporting.periods import Asked
from chimera.runtime.reporting import Figure, ReportKind, Section
from chimera.workspace import Workspace
from tests.builtin.reporting.journal import NOON, Journal

MONDAY = NOON.replace(hour=0) - timedelta(days=2)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Return a state with one pool of four cores, of which three are promised."""
    journal = Journal(tmp_path)
    resources = {"cpu": {"capacity": "4"}, "memory": {"capacity": "auto"}}
    journal.item("resource.pool", "machine", {"resources": resources, "maximumUtilisation": 0.75})
    return journal


def lease(
    journal: Journal, id: str, since: datetime, hours: float, *, cpu: int = 3000, ended: bool = True
) -> None:
    until = since + timedelta(hours=hours)
    value: dict[str, Any] = {
        "claim": "c",
        "holder": "",
        "pool": "machine",
        "amounts": {"cpu": cpu},
        "since": since.isoformat(),
        "until": until.isoformat(),
        "priority": 0,
        "gpus": [],
        "status": "released" if ended else "held",
        "reason": "",
        "ended": until.isoformat() if ended else None,
    }
    journal.item("resource.ended" if ended else "resource.lease", id, value)


def report(journal: Journal, kind: ReportKind, now: datetime, start: str = "2026-11-16") -> Report:
    return make_report(Workspace.open(journal.root), kind, Asked(start=start), None, now)


def figure(sections: tuple[Section, ...], id: str) -> Figure:
    (found,) = [f for section in sections for f in section.figures if f.id == id]
    return found


def test_shares_are_of_what_is_promised_over_the_whole_part(journal: Journal) -> None:
    lease(journal, "a", MONDAY - timedelta(hours=6), 12)
    lease(journal, "b", MONDAY + timedelta(hours=30), 6, cpu=1500)
    found = report(journal, ReportKind.WEEKLY, MONDAY + timedelta(days=3))
    (table,) = [t for s in found.sections for t in s.tables if t.id == "pools"]
    assert list(table.rows) == [("machine", "cpu", pytest.approx(0.375 / 3), 0.25)]
    assert figure(found.sections, "leases").value == 2


def test_a_pool_is_exhausted_when_the_trend_of_its_leases_says_so(journal: Journal) -> None:
    for day in range(10):
        lease(journal, f"l{day}", MONDAY + timedelta(days=day), 2.4 * day, cpu=1500)
    found = report(journal, ReportKind.CAPACITY, MONDAY + timedelta(days=10))
    told = figure(found.sections, "pool-machine-cpu")
    assert told.value == "2026-12-06"
    few = report(journal, ReportKind.CAPACITY, MONDAY + timedelta(days=10), "2026-11-22")
    assert figure(few.sections, "pool-machine-cpu").value is None


def test_of_a_capacity_that_is_measured_no_share_is_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.item("resource.pool", "machine", {"resources": {"cpu": {"capacity": "auto"}}})
    lease(journal, "a", MONDAY, 5)
    found = report(journal, ReportKind.WEEKLY, MONDAY + timedelta(days=3))
    (section,) = [s for s in found.sections if s.id == "utilisation"]
    assert any("`auto`" in note for note in section.notes)
    assert [list(t.rows) for t in section.tables if t.id == "pools"] == [[]]


def test_without_pools_and_leases_nothing_is_said_of_them(tmp_path: Path) -> None:
    found = report(Journal(tmp_path), ReportKind.WEEKLY, NOON)
    assert not [t for s in found.sections for t in s.tables if t.id == "pools"]

"""What reports say of services: shares of looks, percentiles, and edges that cut an hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.reporting.gathering import make_report
from chimera.builtin.reporting.periods import Asked
from chimera.model.chart import Chart
from chimera.runtime.looks import HOURS, REPORTS, counted, hour_id, looks_of
from chimera.runtime.reporting import ReportKind, Section, Table
from chimera.workspace import Workspace
from tests.builtin.reporting.journal import NOON, Journal


class Watch:
    """Looks at services, kept as `chimera health` keeps them."""

    def __init__(self, root: Path) -> None:
        self.journal = Journal(root)
        self.hours: dict[str, Any] = {}

    def look(self, at: datetime, subject: str, *, ok: bool = True, latency: float = 0.1) -> None:
        check: dict[str, Any] = {"subject": subject, "latency": latency}
        check |= {"status": "healthy" if ok else "unhealthy", "measures": {"ok": ok}}
        report = {"at": at.isoformat(), "checks": [check]}
        self.journal.item(REPORTS, at.isoformat(), report)
        for one in looks_of(report):
            id = hour_id(one)
            self.hours[id] = counted(self.hours.get(id), one)
            self.journal.item(HOURS, id, self.hours[id])


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """Return somebody who looks at services."""
    return Watch(tmp_path)


def reported(watch: Watch, asked: Asked) -> dict[str, Section]:
    workspace = Workspace.open(watch.journal.root)
    report = make_report(workspace, ReportKind.DAILY, asked, None, None)
    return {section.id: section for section in report.sections}


def rows(table: Table) -> dict[str, tuple[Any, ...]]:
    return {str(row[1]): tuple(row[2:]) for row in table.rows}


def test_availability_is_the_share_of_looks_that_found_it_well(watch: Watch) -> None:
    for minutes in range(0, 600, 60):
        at = NOON + timedelta(minutes=minutes)
        watch.look(at, "Service/api", ok=minutes != 120)
        watch.look(at + timedelta(seconds=1), "Service/db")
        watch.look(at + timedelta(seconds=2), "Module/plan", ok=False)
    section = reported(watch, Asked("2026-11-18"))["availability"]
    (table,) = section.tables
    assert rows(table) == {"Service/api": (0.9, 10, 0, 1), "Service/db": (1.0, 10, 0, 0)}
    assert table.rows[0][1] == "Service/api", "the worst first"
    (chart,) = section.charts
    assert isinstance(chart, Chart)
    points = [y for _, y in chart.lines[0].points]
    assert points == [*[None] * 12, 1.0, 1.0, 0.0, *[1.0] * 7, None, None]


def test_percentiles_are_of_all_that_was_answered(watch: Watch) -> None:
    for number in range(100):
        at = NOON + timedelta(minutes=number)
        watch.look(at, "Service/api", latency=(number + 1) / 1000)
    tables = reported(watch, Asked("2026-11-18"))["latency"].tables
    (table,) = [table for table in tables if table.id == "service-latency"]
    found = rows(table)["Service/api"]
    assert found == (100, *(pytest.approx(each, rel=0.011) for each in (0.05, 0.095, 0.099)))


@pytest.mark.parametrize(
    ("start", "end", "looks"),
    [
        ("2026-11-18T12:00:00Z", "2026-11-18T14:00:00Z", 24),
        ("2026-11-18T12:30:00Z", "2026-11-18T14:15:00Z", 21),
        ("2026-11-18T12:10:00Z", "2026-11-18T12:20:00Z", 2),
        ("2026-11-18T12:10:00Z", "2026-11-18T13:00:00Z", 10),
    ],
)
def test_a_period_that_cuts_hours_counts_what_lies_in_it(
    watch: Watch, start: str, end: str, looks: int
) -> None:
    for minutes in range(0, 180, 5):
        watch.look(NOON + timedelta(minutes=minutes), "Service/api")
    section = reported(watch, Asked(start=start, end=end))["availability"]
    assert rows(section.tables[0])["Service/api"][1] == looks


def test_a_service_that_nobody_looked_at_is_not_called_available(watch: Watch) -> None:
    assert "availability" not in reported(watch, Asked("2026-11-18"))
    check = "{id: up, type: tcp, endpoint: main}"
    (watch.journal.root / "specs").mkdir()
    (watch.journal.root / "specs/s.yaml").write_text(
        "apiVersion: chimera/v1\nkind: Service\nmetadata: {name: api}\n"
        f"spec: {{endpoints: [{{id: main, port: 80}}], checks: [{check}]}}\n"
    )
    section = reported(watch, Asked("2026-11-18"))["availability"]
    assert section.tables == ()
    assert "nobody looked" in section.notes[0]

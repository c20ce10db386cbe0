"""What reports say of objectives: as of the end of the period, and never more than was measured."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.reporting.gathering import make_report
from chimera.builtin.reporting.periods import Asked
from chimera.model.chart import Chart
from chimera.runtime.looks import REPORTS
from chimera.runtime.reporting import ReportKind, Section, Tone
from chimera.workspace import Workspace
from tests.builtin.reporting.journal import NOON, Journal
from tests.builtin.services.objectives.conftest import value


@pytest.fixture
def reported(tmp_path: Path, write: Callable[..., None]) -> Callable[..., Section]:
    """Report of a day in which a service was looked at every quarter of an hour."""

    def report(day: str, **objectives: Any) -> Section:
        for name, written in objectives.items():
            write(written, name)
        journal = Journal(tmp_path)
        for quarter in range(-40, 40):
            at = (NOON + timedelta(minutes=15 * quarter)).isoformat()
            is_well = quarter != 10
            check = {"subject": "Service/a", "status": "healthy" if is_well else "unhealthy"}
            check |= {"measures": {"ok": is_well}, "latency": 0.1}
            journal.item(REPORTS, at, {"at": at, "checks": [check]})
        made = make_report(Workspace.open(tmp_path), ReportKind.DAILY, Asked(day), None, None)
        return {section.id: section for section in made.sections}["objectives"]

    return report


def test_it_says_what_is_met_missed_and_not_measured(reported: Callable[..., Section]) -> None:
    section = reported(
        "2026-11-18",
        available=value(target={"atLeast": "90%"}, window="1d"),
        strict=value(window="1d"),
        unknown=value("utilisation", window="1d"),
    )
    (table,) = section.tables
    statuses = {row[1]: row[2] for row in table.rows}
    assert statuses == {"available": "met", "strict": "missed", "unknown": "not measured"}
    (figure,) = section.figures
    assert (figure.value, figure.tone) == (1, Tone.BAD)
    assert figure.note == "1 met, 1 not measured"
    assert [note.partition(":")[0] for note in section.notes] == ["unknown was not measured"]


def test_the_budget_is_drawn_as_it_went(reported: Callable[..., Section]) -> None:
    section = reported("2026-11-18", available=value(target={"atLeast": "90%"}, window="8h"))
    (chart,) = section.charts
    assert isinstance(chart, Chart)
    (line,) = chart.lines
    known = [left for _, left in line.points if left is not None]
    assert known[0] == pytest.approx(1.0)
    assert min(known) < 1.0
    assert known[-1] == pytest.approx(1.0), "what was bad is behind the window again"


def test_a_day_without_looks_is_not_measured(reported: Callable[..., Section]) -> None:
    section = reported("2026-11-15", available=value(window="1d"))
    (table,) = section.tables
    assert table.rows[0][2] == "not measured"
    assert table.rows[0][0] is None
    assert not section.charts
    assert section.figures[0].tone is Tone.WARNING
